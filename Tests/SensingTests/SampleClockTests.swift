import Testing
import Vocabulary

@testable import Sensing

@Suite struct SampleClockTests {
  @Test(arguments: [8_000, 16_000, 22_050, 44_100, 48_000]) func numbersAndTimesAreInverse(rate: Int) {
    var clock = SampleClock(rate: rate)
    clock.set(1_000, at: at(50_000))
    for number in [-5, 0, 1, 999, 1_000, 1_001, 1_441, 44_101, 48_000 * 60] {
      #expect(clock.number(at: clock.time(of: number)) == number)
      #expect(clock.number(at: clock.time(of: number) - Nanoseconds(2)) == number - 1)
    }
  }

  @Test func aClockThatIsOffBy100PPMIsFollowedWithinFortyMicroseconds() {
    var clock = SampleClock(rate: 16_000)
    clock.set(0, at: at(0))
    var worst: Int64 = 0
    for period in 1...10_000 {
      // 320 samples take 20.002 ms instead of 20.
      let truth = Instant(sinceBoot: Int64(period) * 20_002_000)
      clock.learn(period * 320, at: truth)
      worst = max(worst, abs((clock.time(of: period * 320) - truth).count))
    }
    #expect(worst < 40_000)
    #expect(worst > 20_000)
  }

  @Test func farInstantsStayWithinTheNumbers() {
    var clock = SampleClock(rate: 384_000)
    clock.set(0, at: at(0))
    #expect(clock.number(at: Instant(sinceBoot: .max)) == 384_000 * 3_600)
    #expect(clock.number(at: Instant(sinceBoot: .min / 2)) == -384_000 * 3_600)
  }

  /// A driver may leave any number in its stamp.
  @Test(arguments: [Int64.min, -1, 0, .max, .max - 1_000_000_000])
  func aStampThatCannotBeTrueIsNow(_ stamp: Int64) {
    let now = Instant(sinceBoot: 60_000_000_000)
    for offset in [0, 5_000_000_000, Int64.max] {
      #expect(bootTime(ofStamp: stamp, offset: offset, now: now) == now)
    }
    #expect(bootTime(ofStamp: 59_000_000_000, offset: 500_000_000, now: now).sinceBoot == 59_500_000_000)
  }
}
