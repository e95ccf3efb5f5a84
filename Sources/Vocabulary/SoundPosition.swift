/// Where a window of sound lies in its stream. Two windows of one stream have the samples that bear the same numbers in
/// common, and whatever was computed from those alone.
package struct SoundPosition: Hashable, Sendable {
  /// Another one each time that the samples are numbered anew: since the sensor was opened, say.
  package var stream: UInt64
  /// The number of the window's first sample.
  package var first: Int

  @inlinable package init(stream: UInt64, first: Int) {
    self.stream = stream
    self.first = first
  }

  /// How many times `hop` samples this window begins after that one; nil where that is no whole number of hops, where
  /// this one begins earlier, or where they have nothing to do with each other.
  package func hops(of hop: Int, since earlier: SoundPosition) -> Int? {
    guard stream == earlier.stream, first >= earlier.first else { return nil }
    let (hops, rest) = (first - earlier.first).quotientAndRemainder(dividingBy: hop)
    return rest == 0 ? hops : nil
  }
}

/// How many of a window's spectrogram frames were computed for it; the others were known from windows before.
package struct SpectrogramWork: Hashable, Sendable {
  package var computed: Int
  package var frames: Int

  @inlinable package init(computed: Int, frames: Int) {
    self.computed = computed
    self.frames = frames
  }
}
