import CKernels
import Vocabulary

/// Turns one modality's raw input into its first activation. Tables and scratch are made once; a run allocates nothing.
/// A class because it owns memory and arrays hold nothing that cannot be copied; used by the one engine that made it.
final class FeatureExtractor {
  private enum Tables {
    case spectrogram(UnsafeMutableRawPointer, Features.Spectrogram)
    /// table[channel][256]
    case image(mmx_image, table: UnsafeMutablePointer<Int8>, scratch: UnsafeMutableRawPointer)
    /// mean[n], std[n], scratch[n]
    case vector(
      length: Int, mean: UnsafeMutablePointer<Float>, std: UnsafeMutablePointer<Float>,
      scratch: UnsafeMutablePointer<Float>)
  }

  private let tables: Tables
  private let kernels: mmx_plain_kernels
  private let scale: Float
  private let zeroPoint: Int32
  private let count: Int
  private let input: UnsafeMutablePointer<Int8>
  /// Where the sound lies whose frames stand in the spectrogram's memory; nil where nobody said.
  private var position: SoundPosition?

  /// - Parameter input: where the first layer reads, in the engine's arena.
  init(
    _ features: Features, _ activation: Activation, _ kernels: mmx_plain_kernels,
    input: UnsafeMutablePointer<Int8>
  ) {
    self.kernels = kernels
    scale = activation.scale
    zeroPoint = activation.zeroPoint
    count = activation.shape.count
    self.input = input
    tables =
      switch features {
      case .spectrogram(let spectrogram): Self.tables(spectrogram)
      case .image(let image): Self.tables(image, activation)
      case .vector(let vector): Self.tables(vector)
      }
  }

  deinit {
    switch tables {
    case .spectrogram(let memory, _): memory.deallocate()
    case .image(_, let table, let scratch):
      table.deallocate()
      scratch.deallocate()
    case .vector(_, let mean, let std, let scratch):
      mean.deallocate()
      std.deallocate()
      scratch.deallocate()
    }
  }

  private static func tables(_ spectrogram: Features.Spectrogram) -> Tables {
    var description = mmx_spectrogram(spectrogram)
    let size = mmx_spectrogram_size(&description)
    precondition(size > 0, "the model's features were checked")
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    mmx_spectrogram_init(&description, memory)
    return .spectrogram(memory, spectrogram)
  }

  private static func tables(_ image: Features.Image, _ activation: Activation) -> Tables {
    var description = mmx_image(
      width: Int32(image.width), height: Int32(image.height), channels: Int32(image.channels))
    let size = mmx_image_scratch_size(&description, Int32(MMX_MAX_IMAGE_EXTENT))
    precondition(size > 0, "the model's features were checked")
    let table = UnsafeMutablePointer<Int8>.allocate(capacity: image.channels * 256)
    for channel in 0..<image.channels {
      let values = (0..<256).map { (Float($0) / 255 - image.mean[channel]) / image.std[channel] }
      mmx_quantize_f32(values, 256, activation.scale, activation.zeroPoint, table + channel * 256)
    }
    // Room for the widest source there may be; pages that no source reaches are never touched.
    return .image(
      description, table: table, scratch: .allocate(byteCount: size, alignment: 16))
  }

  private static func tables(_ vector: Features.Vector) -> Tables {
    func copy(_ values: [Float]) -> UnsafeMutablePointer<Float> {
      let place = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
      place.initialize(from: values, count: values.count)
      return place
    }
    return .vector(
      length: vector.length, mean: copy(vector.mean), std: copy(vector.std), scratch: copy(vector.mean))
  }

  /// Computes each frame once: those that the window before had on the same samples are kept. The bits are the same.
  /// - Parameter position: where the window lies in its stream; nil computes every frame, now and the next time.
  func extract(pcm: UnsafeBufferPointer<Int16>, at position: SoundPosition?) -> SpectrogramWork {
    guard case .spectrogram(let memory, let spectrogram) = tables else {
      preconditionFailure("this modality does not take sound")
    }
    precondition(pcm.count == spectrogram.window, "exactly one window of samples")
    let fresh = fresh(spectrogram, position)
    self.position = position
    kernels.spectrogram(memory, pcm.baseAddress, Int32(fresh), scale, zeroPoint, input)
    return SpectrogramWork(computed: fresh, frames: spectrogram.frames)
  }

  /// How much `extract` would compute; nil where no sound is taken.
  func work(at position: SoundPosition?) -> SpectrogramWork? {
    guard case .spectrogram(_, let spectrogram) = tables else { return nil }
    return SpectrogramWork(computed: fresh(spectrogram, position), frames: spectrogram.frames)
  }

  private func fresh(_ spectrogram: Features.Spectrogram, _ position: SoundPosition?) -> Int {
    guard let position, let before = self.position,
      let hops = position.hops(of: spectrogram.hop, since: before)
    else { return spectrogram.frames }
    return min(hops, spectrogram.frames)
  }

  /// - Parameter mirrored: the features' columns stand in reverse order.
  func extract(image: PixelView, mirrored: Bool) {
    guard case .image(var description, let table, let scratch) = tables else {
      preconditionFailure("this modality does not take pictures")
    }
    precondition(
      image.width <= MMX_MAX_IMAGE_EXTENT && image.height <= MMX_MAX_IMAGE_EXTENT,
      "a picture of at most 16384 x 16384")
    kernels.image(
      &description, image.base, Int32(image.width), Int32(image.height), Int32(image.channels), table,
      scratch,
      input)
    if mirrored { reverseColumns(Int(description.width), Int(description.channels)) }
  }

  private func reverseColumns(_ width: Int, _ channels: Int) {
    for row in stride(from: input, to: input + count, by: width * channels) {
      var (left, right) = (row, row + (width - 1) * channels)
      while left < right {
        for channel in 0..<channels { swap(&left[channel], &right[channel]) }
        left += channels
        right -= channels
      }
    }
  }

  func extract(vector: UnsafeBufferPointer<Float>) {
    guard case .vector(let length, let mean, let std, let scratch) = tables else {
      preconditionFailure("this modality does not take vectors")
    }
    precondition(vector.count == length, "exactly the vector's length")
    for index in 0..<length { scratch[index] = (vector[index] - mean[index]) / std[index] }
    kernels.quantize(scratch, Int32(length), scale, zeroPoint, input)
  }

  /// Features that were extracted elsewhere, in the input activation's layout.
  func take(features: UnsafeBufferPointer<Float>) {
    precondition(features.count == count, "exactly the input activation's elements")
    kernels.quantize(features.baseAddress, Int32(count), scale, zeroPoint, input)
  }

  /// The same, quantized already.
  func take(quantized: UnsafeBufferPointer<Int8>) {
    precondition(quantized.count == count, "exactly the input activation's elements")
    if let base = quantized.baseAddress { input.update(from: base, count: count) }
  }
}
