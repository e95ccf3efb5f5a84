/// Exit 0 of a microphone: whether a window is louder than the room has lately been, for next to nothing.
///
/// The level is the mean square of the window's loudest 20 ms frame, its own mean taken off (microphones have an
/// offset). The floor goes a quarter of the way down to a quieter window, three quarters to one that is quieter by 6 dB or more
/// (a motor has stopped, and who speaks next is to be heard), and up to a louder one by at most 1/64 of
/// itself: a bang hardly lifts it, and a fan that starts is part of the room after some minutes. Integers throughout:
/// the same answers on every machine. docs/activity.md.
package struct SoundActivity: Equatable, Sendable {
  package struct Observation: Equatable, Sendable {
    /// Mean square of the loudest frame, 0...2^30 (full scale squared).
    package let level: Int64
    /// What it was held against.
    package let floor: Int64
    package let active: Bool
  }

  /// Samples of one frame.
  package let frame: Int
  /// Windows at the start during which everything counts as active while the floor is learnt.
  package let warmUp: Int
  /// Power ratio to the floor from which on a window is active, in 1/256.
  package let ratio: Int64
  /// Mean square below which nothing is active whatever the floor: some 4 units of amplitude, a converter's own noise.
  package static let quietest: Int64 = 16
  /// Mean square below which no microphone is at work: a converter's least noise is some 2 units of amplitude.
  package static let dead: Int64 = 4
  /// Floor above which nobody is heard: -14 dB of full scale, where a word spoken near by lies at -20 dB.
  package static let drowned: Int64 = 42_750_000

  /// Mean square in 1/64.
  private var scaledFloor: Int64 = 0
  private var observed = 0

  /// - Parameters:
  ///   - sampleRate: Hz, at least 50.
  ///   - margin: dB above the floor, 0...60. The loudest frame of a steady noise differs by less than 2 dB from window to window.
  package init(sampleRate: Int, margin: Int = 2, warmUp: Int = 8) {
    precondition(sampleRate >= 50 && (0...60).contains(margin) && warmUp >= 1)
    frame = sampleRate / 50
    self.warmUp = warmUp
    ratio = Self.powerRatio(margin)
  }

  /// 10^(dB/10) in 1/256, of 0 to 60 dB. By the decibel: 1 dB is 322/256 to a part in a thousand, tens are exact.
  package static func powerRatio(_ decibels: Int) -> Int64 {
    let units: [Int64] = [256, 322, 406, 511, 643, 810, 1019, 1283, 1615, 2033]
    return (0..<decibels / 10).reduce(units[decibels % 10]) { ratio, _ in ratio * 10 }
  }

  /// The floor that the next window is held against.
  package var floor: Int64 { scaledFloor / 64 }

  /// Takes one window. A window shorter than a frame is one frame.
  package mutating func observe(_ pcm: UnsafeBufferPointer<Int16>) -> Observation {
    let level = Self.loudest(pcm, frame: frame)
    let floor = observed == 0 ? level : self.floor
    let loud = level > Self.quietest && level * 256 > floor * ratio
    let active = observed < warmUp || loud
    let scaled = level * 64
    if observed == 0 {
      scaledFloor = scaled
    } else if scaled < scaledFloor {
      let fall = scaledFloor - scaled
      // A quarter of the power is 6 dB: more than a steady noise differs by from window to window.
      scaledFloor -= max(1, scaled <= scaledFloor / 4 ? fall / 4 * 3 : fall / 4)
    } else if scaled > scaledFloor {
      scaledFloor += max(1, min(scaled - scaledFloor, max(scaledFloor, 64)) / 64)
    }
    if observed < warmUp { observed += 1 }
    return Observation(level: level, floor: floor, active: active)
  }

  /// Largest variance of a frame; the last, shorter one is left out unless it is the only one.
  private static func loudest(_ pcm: UnsafeBufferPointer<Int16>, frame: Int) -> Int64 {
    var loudest: Int64 = 0
    var start = 0
    repeat {
      let end = min(start + frame, pcm.count)
      var sum: Int64 = 0
      var squares: Int64 = 0
      for index in start..<end {
        let sample = Int64(pcm[index])
        sum += sample
        squares += sample * sample
      }
      let count = Int64(end - start)
      if count > 0 { loudest = max(loudest, (squares - sum * sum / count) / count) }
      start = end
    } while start + frame <= pcm.count
    return loudest
  }
}
