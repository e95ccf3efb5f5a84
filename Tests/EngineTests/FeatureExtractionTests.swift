import CKernels
import Engine
import Testing
import Vocabulary

/// Raw inputs must give what the same features give when they are computed here and set quantized.
@Suite struct FeatureExtractionTests {
  private let file = Networks.random(seed: 11)

  private func quantize(_ values: [Float], scale: Float, zero: Int) -> [Int8] {
    values.map { value in
      let q = (value / scale).rounded(.toNearestOrEven) + Float(zero)
      return Int8(min(127, max(-128, q)))
    }
  }

  private func activation(_ name: String) throws -> (scale: Float, zero: Int) {
    let place = try Reference.activation(file, name)
    return (Float(try place.member("scale").real()), Int(try place.member("zero_point").integer()))
  }

  private func logits(_ modality: Int, _ set: (inout Engine) -> Void) throws -> [Float] {
    var engine = Engine(try Model.decode(file.bytes))
    engine.beginWindow()
    set(&engine)
    _ = engine.advance(modality)
    return engine.withLogits { Array($0) }
  }

  @Test func picturesOfTheRightSizeGoThroughTheTableOnly() throws {
    let shape = try Reference(file).shape("p.in")
    var dice = Dice(1)
    let pixels = (0..<shape.reduce(1, *)).map { _ in UInt8.random(in: 0...255, using: &dice) }
    let (scale, zero) = try activation("p.in")
    let expected = quantize(pixels.map { (Float($0) / 255 - 0.5) / 0.25 }, scale: scale, zero: zero)
    let quantized = try logits(0) { engine in
      expected.withUnsafeBufferPointer { engine.setInput(0, quantized: $0) }
    }
    let fromPicture = try logits(0) { engine in
      pixels.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        engine.setInput(
          0, image: PixelView(base: base, width: shape[1], height: shape[0], channels: shape[2]))
      }
    }
    #expect(fromPicture == quantized)
  }

  /// Pictures that are whole times as large as the features: what is seen in a mirror is the picture with its columns in
  /// reverse.
  @Test(arguments: 1...3) func aMirroredPictureIsThePictureInAMirror(_ times: Int) throws {
    let shape = try Reference(file).shape("p.in")
    let (height, width, channels) = (shape[0] * times, shape[1] * times, shape[2])
    var dice = Dice(UInt64(times))
    let pixels = (0..<height * width * channels).map { _ in UInt8.random(in: 0...255, using: &dice) }
    var reversed = pixels
    for index in pixels.indices {
      let (row, column, channel) = (index / channels / width, index / channels % width, index % channels)
      reversed[(row * width + width - 1 - column) * channels + channel] = pixels[index]
    }
    func seen(_ pixels: [UInt8], mirrored: Bool) throws -> [Float] {
      var engine = Engine(try Model.decode(file.bytes))
      engine.beginWindow()
      pixels.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let view = PixelView(base: base, width: width, height: height, channels: channels)
        engine.setInput(0, image: view, mirrored: mirrored)
      }
      return (0..<2).flatMap { _ in
        _ = engine.advance(0)
        return engine.withLogits { Array($0) }
      }
    }
    #expect(try seen(pixels, mirrored: true) == seen(reversed, mirrored: false))
    #expect(try seen(pixels, mirrored: false) == seen(reversed, mirrored: true))
    #expect(try seen(pixels, mirrored: true) != seen(pixels, mirrored: false))
  }

  @Test func soundGoesThroughTheSpectrogramKernel() throws {
    var dice = Dice(2)
    let pcm = (0..<1000).map { _ in Int16.random(in: -20000...20000, using: &dice) }
    let (scale, zero) = try activation("s.in")
    var description = mmx_spectrogram(
      sample_rate: 8000, window: 1000, frame: 200, hop: 100, fft: 256, frames: 9, bands: 8, mel: 1, f_min: 50,
      f_max: 4000, floor: 0.001, mean: -2, std: 3, center: 0)
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: mmx_spectrogram_size(&description), alignment: 16)
    defer { memory.deallocate() }
    mmx_spectrogram_init(&description, memory)
    var expected = [Int8](repeating: 0, count: 72)
    mmx_spectrogram_run(memory, pcm, description.frames, scale, Int32(zero), &expected)
    #expect(Set(expected).count > 10)
    let quantized = try logits(1) { engine in
      expected.withUnsafeBufferPointer { engine.setInput(1, quantized: $0) }
    }
    #expect(
      try logits(1) { engine in pcm.withUnsafeBufferPointer { engine.setInput(1, pcm: $0) } } == quantized)
  }

  @Test func vectorsAreNormalizedAndQuantized() throws {
    let vector: [Float] = [0.3, -1, .nan, 30, 4]
    let (scale, zero) = try activation("v.in")
    let mean: [Float] = [0, 1, 2, 3, 4]
    let std: [Float] = [1, 0.5, 2, 4, 1]
    let normal = vector.indices.map { vector[$0].isNaN ? 0 : (vector[$0] - mean[$0]) / std[$0] }
    let expected = quantize(normal, scale: scale, zero: zero)
    let quantized = try logits(2) { engine in
      expected.withUnsafeBufferPointer { engine.setInput(2, quantized: $0) }
    }
    #expect(try logits(2) { e in vector.withUnsafeBufferPointer { e.setInput(2, vector: $0) } } == quantized)
    #expect(
      try logits(2) { e in normal.withUnsafeBufferPointer { e.setInput(2, features: $0) } } == quantized)
  }
}
