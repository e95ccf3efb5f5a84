import Testing
import Vocabulary

@testable import Sensing

@Suite struct RatesTests {
  @Test func frameTimesAndCountsAreInverse() throws {
    for rate in [
      FrameRate(frames: 30), FrameRate(frames: 30_000, seconds: 1_001), FrameRate(frames: 7, seconds: 3),
    ] {
      let rate = try #require(rate)
      for index in [0, 1, 2, 29, 30, 1_000, 107_892] {
        let time = rate.time(ofFrame: index)
        #expect(rate.framesCaptured(by: time) == index + 1)
        #expect(rate.framesCaptured(by: time - Nanoseconds(1)) == index)
        #expect(rate.firstFrame(notBefore: time) == index)
        #expect(rate.firstFrame(notBefore: time + Nanoseconds(1)) == index + 1)
      }
    }
  }

  @Test func frameRatesOutsideReasonAreRefused() {
    #expect(FrameRate(frames: 0) == nil)
    #expect(FrameRate(frames: 25, seconds: 0) == nil)
    #expect(FrameRate(frames: 1_001) == nil)
    #expect(FrameRate(frames: -1, seconds: -1) == nil)
  }

  @Test func samplesAndDurationsAreInverse() {
    for perSecond in [8_000, 16_000, 22_050, 44_100, 48_000] {
      let rate = SampleRate(perSecond: perSecond)
      for count in [0, 1, 2, 441, perSecond, perSecond * 86_400 + 1] {
        #expect(rate.samples(in: rate.duration(of: count)) == count)
      }
    }
    #expect(SampleRate(perSecond: 16_000).duration(of: 4_000) == .milliseconds(250))
    #expect(SampleRate(perSecond: 16_000).samples(in: Nanoseconds(-5)) == 0)
  }
}
