import Testing

@testable import Daemon
@testable import Varlink

/// Whose a sensor is, by connection.
@Suite struct SensorHoldsTests {
  private let one = ConnectionID(testing: 1)
  private let other = ConnectionID(testing: 2)

  /// `#expect` takes no call that changes a value.
  private func expect<T: Equatable>(_ value: T, _ expected: T, _ comment: Comment? = nil) {
    #expect(value == expected, comment)
  }

  /// The pipeline does what it is told; whoever waited for it.
  private func obey(_ holds: inout SensorHolds, _ order: SensorHolds.Order) -> Set<ConnectionID> {
    #expect(holds.order(for: 0) == order)
    holds.sent(order, for: 0)
    #expect(holds.order(for: 0) == nil, "one order at a time")
    return holds.answered(for: 0)
  }

  @Test func theDeviceChangesHandsOnceForTheFirstAndOnceForTheLast() {
    var holds = SensorHolds(sensors: 2)
    #expect(holds.order(for: 0) == nil)
    expect(holds.acquire(0, by: one), false)
    expect(obey(&holds, .withhold), [one])
    expect(holds.acquire(0, by: other), true)
    #expect(holds.order(for: 0) == nil && holds.holders(of: 0) == 2)
    expect(holds.release(0, by: one), true)
    #expect(holds.order(for: 0) == nil)
    expect(holds.drop(other), [0])
    expect(obey(&holds, .giveBack), [])
    #expect(holds.order(for: 0) == nil && holds.order(for: 1) == nil)
  }

  @Test func whatAClientAcquiresTwiceItReleasesTwice() {
    var holds = SensorHolds(sensors: 1)
    _ = holds.acquire(0, by: one)
    _ = obey(&holds, .withhold)
    expect(holds.acquire(0, by: one), true)
    expect(holds.release(0, by: one), true)
    #expect(holds.order(for: 0) == nil)
    expect(holds.release(0, by: one), true)
    expect(holds.release(0, by: one), false, "it has it no more")
    #expect(holds.order(for: 0) == .giveBack)
  }

  @Test func aClientThatDiesWhileItWaitsHasReleased() {
    var holds = SensorHolds(sensors: 1)
    _ = holds.acquire(0, by: one)
    holds.sent(.withhold, for: 0)
    _ = holds.drop(one)
    expect(holds.answered(for: 0), [])
    expect(obey(&holds, .giveBack), [])
  }

  @Test func oneWhoComesWhileItIsGivenBackGetsItAgain() {
    var holds = SensorHolds(sensors: 1)
    _ = holds.acquire(0, by: one)
    _ = obey(&holds, .withhold)
    _ = holds.drop(one)
    holds.sent(.giveBack, for: 0)
    expect(holds.acquire(0, by: other), false, "it is being opened")
    expect(holds.answered(for: 0), [])
    expect(obey(&holds, .withhold), [other])
  }

  @Test func aWaitInVainHoldsNothing() {
    var holds = SensorHolds(sensors: 1)
    _ = holds.acquire(0, by: one)
    holds.sent(.withhold, for: 0)
    holds.stopWaiting(one, for: 0)
    expect(holds.answered(for: 0), [])
    #expect(holds.holders(of: 0) == 0)
    #expect(holds.order(for: 0) == .giveBack)
  }
}
