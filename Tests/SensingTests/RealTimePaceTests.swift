import Linux
import Testing
import Vocabulary

@testable import Sensing

/// A clock that goes forward only when it is waited for or turned.
final class HandClock: PacingClock {
  private(set) var now: Instant
  private(set) var waits: [Instant?] = []

  init(start: Instant) { now = start }

  func turn(by time: Nanoseconds) { now = now + time }

  func wait(until instant: Instant?, orFor bell: Bell) -> Bool {
    waits.append(instant)
    if bell.clear() { return true }
    if let instant { now = max(now, instant) }
    return false
  }
}

@Suite struct RealTimePaceTests {
  @Test func eventsAreDueOnAnAbsoluteScheduleWhateverTheWorkBetween() throws {
    let clock = HandClock(start: at(5_000))
    let rig = try ReplayFixture().rig(pace: .realTime(clock))
    rig.start()
    rig.wake(ReplayFixture.microphone)
    _ = rig.next(until: nil)
    for window in 1...4 {
      rig.requestSound(ReplayFixture.microphone, until: at(Int64(window) * 250))
      _ = rig.next(until: nil)
      clock.turn(by: .milliseconds(window == 2 ? 400 : 10))  // Work; once it takes longer than a window.
    }
    #expect(clock.waits == [at(5_000), at(5_250), at(5_500), at(5_750), at(6_000)])
    #expect(rig.now == at(1_000))
    #expect(clock.now == at(6_010))
  }

  @Test func theBellEndsTheWaitAndTheEventIsStillToCome() throws {
    let clock = HandClock(start: at(0))
    let rig = try ReplayFixture().rig(pace: .realTime(clock))
    rig.start()
    rig.bell.ring()
    #expect(rig.next(until: at(100)) == .interrupted)
    #expect(rig.next(until: at(100)) == .deadline)
    #expect(clock.now == at(100))
  }

  @Test func theMachinesClockWaitsForItsTimeOrTheBell() throws {
    let clock = BootClock()
    let bell = try Bell()
    let due = clock.now + .milliseconds(3)
    #expect(!clock.wait(until: due, orFor: bell))
    #expect(clock.now >= due)
    bell.ring()
    #expect(clock.wait(until: nil, orFor: bell))
  }
}
