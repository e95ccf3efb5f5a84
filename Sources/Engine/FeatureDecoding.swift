import CKernels

extension Features {
  /// What the text under `features` says, and the input shape that follows from it.
  static func decode(_ text: ModelText) throws(ModelError) -> (features: Features, shape: Shape) {
    let kind = try text.member("kind")
    switch try kind.name() {
    case "image": return try image(text)
    case "log_mel": return try spectrogram(text, mel: true)
    case "log_spectrogram": return try spectrogram(text, mel: false)
    case "vector": return try vector(text)
    case let other:
      throw kind.error(.wrongValue, "expected image, log_mel, log_spectrogram or vector, found \(other)")
    }
  }

  private static func image(_ text: ModelText) throws(ModelError) -> (Features, Shape) {
    try text.allowOnly("kind width height channels mean std mirrored")
    let extents = 1...Int(MMX_MAX_IMAGE_EXTENT)
    let width = try text.member("width").integer(in: extents)
    let height = try text.member("height").integer(in: extents)
    let channelText = try text.member("channels")
    let channels = try channelText.integer(in: 1...3)
    guard channels != 2 else { throw channelText.error(.wrongValue, "expected 1 or 3, found 2") }
    guard width * height * channels <= ModelLimits.elements else {
      throw text.error(.tooLarge, "more than \(ModelLimits.elements) elements")
    }
    let image = Image(
      width: width, height: height, channels: channels, mean: try floats(try text.member("mean"), channels),
      std: try positives(try text.member("std"), channels),
      mirrored: try text.optional("mirrored")?.bool() ?? false)
    return (.image(image), Shape(height: height, width: width, channels: channels))
  }

  private static func spectrogram(_ text: ModelText, mel: Bool) throws(ModelError) -> (Features, Shape) {
    let common = "kind sample_rate window frame hop fft frames bands floor mean std center"
    try text.allowOnly(mel ? common + " f_min f_max" : common)
    let samples = 1...Int(MMX_MAX_WINDOW_SAMPLES)
    var range: ClosedRange<Float>?
    if mel {
      let low = try text.member("f_min").float()
      let high = try text.member("f_max").float()
      guard low >= 0, low < high else {
        throw text.error(.features, "f_min \(low) and f_max \(high) must be 0 <= f_min < f_max")
      }
      range = low...high
    }
    let spectrogram = Spectrogram(
      sampleRate: try text.member("sample_rate").integer(in: 1...1_000_000),
      window: try text.member("window").integer(in: samples),
      frame: try text.member("frame").integer(in: samples), hop: try text.member("hop").integer(in: samples),
      fft: try text.member("fft").integer(in: 64...4096),
      frames: try text.member("frames").integer(in: 1...ModelLimits.extent),
      bands: try text.member("bands").integer(in: 1...ModelLimits.extent), mel: range,
      floor: try text.member("floor").positive(), mean: try text.member("mean").float(),
      std: try text.member("std").positive(), center: try text.member("center").bool())
    var description = mmx_spectrogram(spectrogram)
    guard mmx_spectrogram_size(&description) > 0 else {
      throw text.error(
        .features,
        "these do not go together: fft must be a power of two and at least frame, (frames - 1) * hop + frame at most "
          + "window, bands at most fft / 2 + 1, f_max at most half the sample rate")
    }
    return (
      .spectrogram(spectrogram), Shape(height: spectrogram.frames, width: spectrogram.bands, channels: 1)
    )
  }

  private static func vector(_ text: ModelText) throws(ModelError) -> (Features, Shape) {
    try text.allowOnly("kind length mean std")
    let length = try text.member("length").integer(in: 1...ModelLimits.extent)
    let vector = Vector(
      length: length, mean: try floats(try text.member("mean"), length),
      std: try positives(try text.member("std"), length))
    return (.vector(vector), Shape(vector: length))
  }

  private static func floats(_ text: ModelText, _ count: Int) throws(ModelError) -> [Float] {
    var values: [Float] = []
    for element in try text.elements(count...count) { values.append(try element.float()) }
    return values
  }

  private static func positives(_ text: ModelText, _ count: Int) throws(ModelError) -> [Float] {
    var values: [Float] = []
    for element in try text.elements(count...count) { values.append(try element.positive()) }
    return values
  }
}

extension mmx_spectrogram {
  init(_ features: Features.Spectrogram) {
    self.init(
      sample_rate: Int32(features.sampleRate), window: Int32(features.window), frame: Int32(features.frame),
      hop: Int32(features.hop), fft: Int32(features.fft), frames: Int32(features.frames),
      bands: Int32(features.bands), mel: features.mel == nil ? 0 : 1, f_min: features.mel?.lowerBound ?? 0,
      f_max: features.mel?.upperBound ?? 0, floor: features.floor, mean: features.mean, std: features.std,
      center: features.center ? 1 : 0)
  }
}
