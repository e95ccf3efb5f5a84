import Testing
import Vocabulary

@testable import Engine

@Suite struct SensorQualityTests {
  /// One window of a hiss of this amplitude.
  private func sound(_ amplitude: Int, _ activity: inout SoundActivity) -> SoundActivity.Observation {
    var state: UInt32 = 1
    let samples = (0..<1600).map { _ -> Int16 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Int16(Int(state >> 16) * (2 * amplitude + 1) / 65536 - amplitude)
    }
    return samples.withUnsafeBufferPointer { activity.observe($0) }
  }

  private func picture(_ level: Int, contrast: Int) -> FrameActivity.Observation {
    var activity = FrameActivity()
    let pixels = (0..<64 * 48).map { UInt8(level + ($0 % 64 < 32 ? contrast : 0)) }
    return pixels.withUnsafeBufferPointer {
      activity.observe(PixelView(base: $0.baseAddress!, width: 64, height: 48, channels: 1))
    }
  }

  @Test func aDeadMicrophoneIsPoorAfterTenSecondsAndBackAfterTwo() {
    var activity = SoundActivity(sampleRate: 16000)
    var quality = SensorQuality.sound
    for _ in 0..<39 { quality.observe(sound(0, &activity)) }
    #expect(!quality.isPoor)
    quality.observe(sound(0, &activity))
    #expect(quality.isPoor)
    for _ in 0..<7 { quality.observe(sound(20, &activity)) }
    #expect(quality.isPoor)
    quality.observe(sound(20, &activity))
    #expect(!quality.isPoor)
  }

  @Test func aQuietRoomIsNotDeadAndALoudOneNotDrowned() {
    for (amplitude, isPoor) in [(6, false), (6000, false), (30_000, true)] {
      var activity = SoundActivity(sampleRate: 16000)
      var quality = SensorQuality.sound
      for _ in 0..<100 { quality.observe(sound(amplitude, &activity)) }
      #expect(quality.isPoor == isPoor, "amplitude \(amplitude)")
    }
  }

  @Test func aBlackOrCoveredPictureIsPoorAfterFourAndBackAtOnce() {
    for (level, contrast, isPoor) in [(4, 6, true), (120, 0, true), (120, 4, false), (9, 4, false)] {
      var quality = SensorQuality.picture
      for _ in 0..<3 { quality.observe(picture(level, contrast: contrast)) }
      #expect(!quality.isPoor)
      quality.observe(picture(level, contrast: contrast))
      #expect(quality.isPoor == isPoor, "\(level), \(contrast)")
      quality.observe(picture(100, contrast: 50))
      #expect(!quality.isPoor)
    }
  }

  @Test func aBlackFrameNowAndThenIsNothing() {
    var quality = SensorQuality.picture
    for step in 0..<40 { quality.observe(picture(step % 4 == 3 ? 100 : 0, contrast: step % 4 == 3 ? 50 : 0)) }
    #expect(!quality.isPoor)
  }
}
