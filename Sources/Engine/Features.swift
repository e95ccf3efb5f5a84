/// What an engine makes of a modality's raw input before its first layer. See docs/model-format.md.
package enum Features: Equatable, Sendable {
  case image(Image)
  case spectrogram(Spectrogram)
  case vector(Vector)

  /// value = (v / 255 - mean) / std per channel, v of the picture cropped and averaged to `width` x `height`.
  package struct Image: Equatable, Sendable {
    /// Pixels.
    package let width: Int
    package let height: Int
    /// 1 (grey) or 3 (RGB).
    package let channels: Int
    package let mean: [Float]
    package let std: [Float]
    /// What is seen in a mirror means the same, and the network learned both: every other picture of a stream is
    /// mirrored, so that two looks at one still scene are two opinions (horizontal flips at test time).
    package let mirrored: Bool
  }

  /// ln(power + floor) of `frames` x `bands`, less `mean`, divided by `std`.
  package struct Spectrogram: Equatable, Sendable {
    /// Hz.
    package let sampleRate: Int
    /// Samples of one input: what `setInput(_:pcm:)` wants.
    package let window: Int
    /// Samples of one frame, and between the starts of two.
    package let frame: Int
    package let hop: Int
    /// Points of the transform, a power of two.
    package let fft: Int
    package let frames: Int
    package let bands: Int
    /// Hz: triangular HTK mel bands over this range; nil: the bands are FFT bins 0..<bands.
    package let mel: ClosedRange<Float>?
    package let floor: Float
    package let mean: Float
    package let std: Float
    /// The window's own mean is subtracted first.
    package let center: Bool
  }

  /// value = (x - mean) / std per element.
  package struct Vector: Equatable, Sendable {
    package let length: Int
    package let mean: [Float]
    package let std: [Float]
  }
}
