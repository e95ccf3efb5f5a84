import Vocabulary

/// Frames in a number of seconds, exact: 30000/1001, 25/1.
package struct FrameRate: Hashable, Sendable {
  package let frames: Int
  package let seconds: Int

  /// Nil unless both are 1...1,000,000,000 and the rate is at most 1,000 frames a second and at least one a day.
  package init?(frames: Int, seconds: Int = 1) {
    let sane = 1...1_000_000_000
    guard sane.contains(frames), sane.contains(seconds), frames <= 1_000 * seconds, seconds <= 86_400 * frames
    else { return nil }
    self.frames = frames
    self.seconds = seconds
  }

  /// From one frame to the next, rounded down to the nanosecond.
  package var interval: Nanoseconds { time(ofFrame: 1) }

  /// When frame `index` (from 0) is captured, counted from frame 0; rounded down to the nanosecond.
  package func time(ofFrame index: Int) -> Nanoseconds {
    Nanoseconds(scaled(Int64(index), by: Int64(seconds) * 1_000_000_000, over: Int64(frames)))
  }

  /// Whether so many frames last no longer than a recording may.
  func fits(frames count: Int) -> Bool { count <= SensingLimits.recordedSeconds / seconds * frames }

  /// How many frames have been captured once `time` is reached; frame 0 counts at time 0.
  package func framesCaptured(by time: Nanoseconds) -> Int {
    if time.count < 0 { return 0 }
    // `time(ofFrame:)` rounds down, so the frame that the division gives may have a successor at the very instant.
    let estimate = Int(scaled(time.count, by: Int64(frames), over: Int64(seconds) * 1_000_000_000))
    return self.time(ofFrame: estimate + 1) <= time ? estimate + 2 : estimate + 1
  }

  /// The first frame captured at `time` or later.
  package func firstFrame(notBefore time: Nanoseconds) -> Int {
    if time.count <= 0 { return 0 }
    return framesCaptured(by: time - Nanoseconds(1))
  }
}

/// The arithmetic of a sample rate, exact where samples divide the second and rounded down where not.
struct SampleRate: Hashable, Sendable {
  let perSecond: Int
  /// What the device's clock is fast by, in millionths.
  let partsPerMillion: Int

  init(perSecond: Int, partsPerMillion: Int = 0) {
    self.perSecond = perSecond
    self.partsPerMillion = partsPerMillion
  }

  /// Samples in a million seconds.
  private var perMillionSeconds: Int64 { Int64(perSecond) * Int64(1_000_000 + partsPerMillion) }

  /// Whole samples in `time`; 0 for a negative one.
  func samples(in time: Nanoseconds) -> Int {
    Int(scaled(max(0, time.count), by: perMillionSeconds, over: 1_000_000_000_000_000))
  }

  /// How long `count` samples last, rounded up, so that `samples(in:)` of it is `count` again.
  func duration(of count: Int) -> Nanoseconds {
    let down = scaled(Int64(count), by: 1_000_000_000_000_000, over: perMillionSeconds)
    let exact = scaled(down, by: perMillionSeconds, over: 1_000_000_000_000_000) == Int64(count)
    return Nanoseconds(exact ? down : down + 1)
  }
}

/// value * factor / divisor, rounded down, with a product of 128 bits between.
/// - Precondition: none is negative, `divisor` is not 0, the result fits.
private func scaled(_ value: Int64, by factor: Int64, over divisor: Int64) -> Int64 {
  let product = value.multipliedFullWidth(by: factor)
  return divisor.dividingFullWidth(product).quotient
}
