import Testing
import Vocabulary

@testable import Sensing

/// Recorded sound of a device whose clock is off, beside pictures of one that is not.
@Suite struct ReplayClockTests {
  /// An hour of sound at 1,000 Hz, whose samples tell their numbers, and of pictures.
  private func rig(clockPPM: Int, loops: Bool = false) throws -> (ReplayRig, ReplayFixture) {
    var fixture = ReplayFixture()
    fixture.soundSamples = 3_601_000
    fixture.frames = 36_000
    fixture.clockPPM = clockPPM
    return (try fixture.rig(loops: loops), fixture)
  }

  @Test(arguments: [200, -200, 75, 1_000, -1_000]) func anHourOfAClockThatIsOffStaysAligned(ppm: Int) throws {
    let (rig, fixture) = try rig(clockPPM: ppm)
    try rig.start()
    rig.wake(ReplayFixture.microphone)
    var worst = 0
    for seconds in stride(from: Int64(1), to: 3_590, by: 7) {
      _ = rig.next(until: at(seconds * 1_000))
      while rig.now < at(seconds * 1_000) { _ = rig.next(until: at(seconds * 1_000)) }
      let (samples, missing) = rig.sound(ReplayFixture.microphone, endingAt: seconds * 1_000 - 100, count: 20)
      #expect(missing == 0)
      // The device had counted so many by then.
      let counted = Int((Double(seconds) - 0.1) * 1_000 * (1 + Double(ppm) * 1e-6))
      worst = max(worst, abs(Int(samples[19]) + 1 - counted % 10_000) % 9_990)
    }
    #expect(worst <= 1, "samples of a millisecond")
    withExtendedLifetime(fixture) {}
  }

  @Test func theClocksErrorIsMeasured() {
    for ppm in [-300, -75, 0, 75, 200] {
      var clock = SampleClock(rate: 16_000)
      clock.set(0, at: at(0))
      let rate = SampleRate(perSecond: 16_000, partsPerMillion: ppm)
      for period in 1...30_000 {
        let count = rate.samples(in: Nanoseconds(Int64(period) * 20_000_000))
        // Stamps that jitter by a millisecond.
        let jitter = Nanoseconds(Int64((period * 7_919) % 2_000) * 1_000 - 1_000_000)
        clock.learn(count, at: .zero + rate.duration(of: count) + jitter)
        if period == 400 { #expect(clock.partsPerMillion == nil) }
      }
      let measured = clock.partsPerMillion ?? .nan
      #expect(abs(measured - Double(ppm)) < 2, "\(measured) where \(ppm) is true")
    }
  }

  @Test func aClockThatIsRightChangesNothing() {
    for perSecond in [8_000, 16_000, 44_100] {
      let rate = SampleRate(perSecond: perSecond)
      for time in [0, 1, 999_999, 62_500, 1_000_000_000, 86_400_000_000_000] as [Int64] {
        #expect(rate.samples(in: Nanoseconds(time)) == Int(Double(time) / 1e9 * Double(perSecond) + 1e-9))
      }
      #expect(rate.duration(of: perSecond) == .seconds(1))
      let fast = SampleRate(perSecond: perSecond, partsPerMillion: 200)
      for count in [1, 7, 16_000, 57_611_520] { #expect(fast.samples(in: fast.duration(of: count)) == count) }
    }
  }
}
