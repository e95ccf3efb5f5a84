import Sensing
import Testing
import Vocabulary

@testable import Sensing

/// By when a device's thread has to do what it was told, and what becomes of one that does not. On a clock of the test's.
@Suite struct DeviceSupervisionTests {
  private func now(_ milliseconds: Int64) -> Moment {
    Moment(boot: at(milliseconds), steady: at(milliseconds))
  }

  /// Six seconds to wake, two of patience, two to close.
  private func core() -> DeviceState { DeviceState(subject: "sensor x (d)", wakeLimit: .seconds(6)) }

  private func fault(_ core: DeviceState) -> SensorFault? {
    if case .failed(let fault, _) = core.state { fault } else { nil }
  }

  /// A sensor whose thread has taken its first wake at 0.
  private func opening() throws -> (DeviceState, Int) {
    var core = core()
    core.wake(now(0))
    let wake = try #require(core.wanted)
    let order = core.nextOrder(for: 0, now(0))
    #expect(order == .open(wake))
    return (core, wake)
  }

  private func supervise(_ core: inout DeviceState, _ milliseconds: Int64) -> Bool {
    core.supervise(now(milliseconds))
  }

  @Test func anOpenThatDoesNotReturnIsAFault() throws {
    var (core, wake) = try opening()
    #expect(core.due == at(6_000))
    let early = supervise(&core, 5_999)
    #expect(!early && fault(core) == nil)
    let told = supervise(&core, 6_000)
    #expect(told && fault(core) == .openHung)
    #expect(core.takeStateChange() == .failed(.openHung, since: at(6_000)))
    #expect(core.counters.faults == 1)
    #expect(core.due == nil, "nothing more is expected of it")
    // What it says when it comes back is of a wake that is over.
    core.opened(wake, by: 0, patience: .seconds(2))
    let late = core.becameAwake(wake, since: at(7_000), now(7_000))
    #expect(!late && fault(core) == .openHung)
  }

  @Test func anOpenDeviceThatGivesNothingIsWedgedAndItsThreadIsKept() throws {
    var (core, wake) = try opening()
    core.opened(wake, by: 0, patience: .seconds(2))
    _ = supervise(&core, 6_000)
    #expect(fault(core) == .wedged && !core.isStuck)
    #expect(core.due == at(8_000), "the thread has two seconds to close it")
    let order = core.nextOrder(for: 0, now(6_100))
    #expect(order == .wait)
    #expect(core.due == nil)
  }

  @Test func anAwakeDeviceWhoseThreadIsHeldIsWedgedThenHung() throws {
    var (core, wake) = try opening()
    core.opened(wake, by: 0, patience: .milliseconds(500))
    _ = core.becameAwake(wake, since: at(100), now(100))
    #expect(core.due == at(1_100))
    _ = core.delivered(wake, upTo: at(600), now(600))
    #expect(core.due == at(1_600))
    _ = supervise(&core, 1_600)
    #expect(fault(core) == .wedged)
    _ = supervise(&core, 3_600)
    #expect(fault(core) == .closeHung && core.isStuck)
    #expect(core.counters.faults == 2)
  }

  @Test func aCloseThatDoesNotReturnIsAFaultAlthoughNobodyWantsTheSensor() throws {
    var (core, wake) = try opening()
    core.opened(wake, by: 0, patience: .seconds(2))
    _ = core.becameAwake(wake, since: at(100), now(100))
    core.sleep(now(1_000))
    #expect(core.state == .asleep)
    _ = supervise(&core, 2_999)
    #expect(core.state == .asleep)
    _ = supervise(&core, 3_000)
    #expect(core.takeStateChange() == .failed(.closeHung, since: at(3_000)))
    core.wake(now(17_999))
    #expect(core.wanted == nil, "a driver that hangs is left alone for 15 s")
  }

  @Test func aSleepWhileOpeningLeavesTheTimeForOpening() throws {
    var (core, _) = try opening()
    core.sleep(now(100))
    _ = supervise(&core, 7_999)
    #expect(core.state == .asleep)
    _ = supervise(&core, 8_000)
    #expect(fault(core) == .openHung)
  }

  @Test func aWakeWhileItsThreadStillClosesIsTakenWhenItIsBack() throws {
    var (core, wake) = try opening()
    core.opened(wake, by: 0, patience: .seconds(2))
    core.sleep(now(1_000))
    core.wake(now(1_100))
    let second = try #require(core.wanted)
    #expect(core.due == at(3_000))
    let order = core.nextOrder(for: 0, now(1_200))
    #expect(order == .open(second))
    #expect(core.due == at(7_100))
    // The same, and it does not come back.
    core.opened(second, by: 0, patience: .seconds(2))
    core.sleep(now(2_000))
    core.wake(now(2_100))
    _ = supervise(&core, 4_000)
    #expect(fault(core) == .closeHung)
  }

  @Test func aThreadThatHangsIsReplacedAtTheNextTryAndLeavesWhenItIsBack() throws {
    var (core, _) = try opening()
    _ = supervise(&core, 6_000)
    core.wake(now(20_999))
    #expect(core.wanted == nil)
    core.wake(now(21_000))
    #expect(core.wanted != nil && fault(core) == .openHung)
    let number = core.replaceThread()
    let again = core.replaceThread()
    #expect(number == 1 && again == nil && core.abandoned == 1)
    let left = core.nextOrder(for: 0, now(21_500))
    #expect(left == .leave)
    #expect(core.abandoned == 0)
    let taken = core.nextOrder(for: 1, now(21_600))
    #expect(taken == .open(try #require(core.wanted)))
  }

  @Test func threadsThatHangAreBoundedAndTriesGoOnWhenOneIsBack() throws {
    var (core, _) = try opening()
    var time: Int64 = 6_000
    for number in 1...4 {
      _ = supervise(&core, time)
      #expect(core.isStuck)
      time += 60_000
      core.wake(now(time))
      guard number <= 3 else { break }
      let replacement = core.replaceThread()
      #expect(replacement == number)
      _ = core.nextOrder(for: number, now(time))
      time += 6_000
    }
    #expect(core.wanted == nil && core.abandoned == 3, "a fourth thread is not given up")
    let left = core.nextOrder(for: 1, now(time))
    #expect(left == .leave)
    core.wake(now(time))
    #expect(core.wanted != nil)
    let replacement = core.replaceThread()
    #expect(replacement == 4)
  }

  @Test func aThreadThatIsBackInTimeIsKeptAndTriedSoon() throws {
    var (core, _) = try opening()
    _ = supervise(&core, 6_000)
    let order = core.nextOrder(for: 0, now(7_000))
    #expect(order == .wait)
    core.wake(now(8_000))
    let replacement = core.replaceThread()
    #expect(core.wanted != nil && replacement == nil)
  }

  @Test func aRetryThatFailsTheSameWayIsNotToldAndAnotherFaultIs() throws {
    var core = core()
    func error(_ fault: SensorFault) -> SensingError {
      SensingError("sensor x (d)", .device(fault, detail: ""))
    }
    func fail(_ fault: SensorFault, _ time: Int64) throws {
      core.wake(now(time))
      _ = core.nextOrder(for: 0, now(time))
      _ = core.failed(try #require(core.wanted), error(fault), now(time))
      _ = core.nextOrder(for: 0, now(time))
    }
    try fail(.absent, 0)
    #expect(core.takeStateChange() == .failed(.absent, since: at(0)))
    try fail(.absent, 60_000)
    #expect(core.takeStateChange() == nil && core.state == .failed(.absent, since: at(0)))
    try fail(.busy, 120_000)
    #expect(core.takeStateChange() == .failed(.busy, since: at(120_000)))
    #expect(core.counters.faults == 3)
  }

  @Test func aSuspendedMachineIsNoSilentDevice() throws {
    var (core, wake) = try opening()
    core.opened(wake, by: 0, patience: .seconds(2))
    _ = core.becameAwake(wake, since: at(100), now(100))
    let told = core.supervise(Moment(boot: at(3_600_000), steady: at(200)))
    #expect(!told && core.state.isAwake)
  }
}

@Suite struct PatienceTests {
  @Test func pausesGrowFromNothingToTheLongestAndBeginAnewWithData() {
    var patience = Patience(.seconds(2), from: at(0))
    var pauses = (0..<10).map { _ in patience.pauseAfterNothing().count / 1_000_000 }
    #expect(pauses == [0, 1, 2, 4, 8, 16, 32, 64, 64, 64])
    patience.renew(at: at(500))
    pauses = (0..<2).map { _ in patience.pauseAfterNothing().count / 1_000_000 }
    #expect(pauses == [0, 1])
    #expect(!patience.isOver(at: at(2_499)) && patience.isOver(at: at(2_500)))
  }

  @Test func anOverrunGivesADeviceItsTimeAgainOnce() {
    var patience = Patience(.seconds(2), from: at(0))
    patience.overran(at: at(1_900))
    #expect(!patience.isOver(at: at(3_899)))
    patience.overran(at: at(3_800))
    #expect(patience.isOver(at: at(3_900)), "one that overruns for ever and gives nothing is over")
    patience.renew(at: at(5_000))
    patience.overran(at: at(6_000))
    #expect(!patience.isOver(at: at(7_999)) && patience.isOver(at: at(8_000)))
  }
}
