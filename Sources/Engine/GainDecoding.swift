import Vocabulary

/// Reads the gain heads of a network whose encoders are known.
struct GainDecoding {
  /// By modality.
  let names: [String]
  /// The activation that each modality's encoder begins with.
  let inputs: [Int]
  /// Of the modality at hand: those its exits look at already.
  private var looked: Set<Int> = []

  init(names: [String], inputs: [Int]) {
    self.names = names
    self.inputs = inputs
  }

  /// The heads of one modality's exits; nil where an exit has none.
  mutating func heads(
    of modality: Int, _ text: ModelText, _ encoder: Encoder, _ decoder: inout GraphDecoder
  ) throws(ModelError) -> [GainHead?] {
    looked = []
    var heads: [GainHead?] = []
    for (place, stage) in zip(try text.member("segments").elements(1...ModelLimits.nodes), encoder.stages) {
      let gain = try place.member("exit").optional("gain")
      // An exit ends with logits, which have one input.
      guard let gain, let feature = stage.exitNodes.last?.inputs.first else {
        heads.append(nil)
        continue
      }
      heads.append(try head(gain, of: modality, feature: feature, &decoder))
    }
    return heads
  }

  private mutating func head(
    _ text: ModelText, of modality: Int, feature: Int, _ decoder: inout GraphDecoder
  ) throws(ModelError) -> GainHead {
    try text.allowOnly("logits feature looks bias output output_bias")
    let biasText = try text.member("bias")
    let hidden = try decoder.length(of: biasText, in: 1...ModelLimits.gainHidden)
    let bias = try decoder.floats(biasText, count: hidden)
    let kept = min(decoder.classCount, GainHead.maximumLogits)
    let logits = try part(
      try text.member("logits"), more: "", hidden: hidden, count: kept, zeroPoint: 0, &decoder)
    var featurePart: GainHead.Part?
    if let place = try text.optional("feature") {
      let input = decoder.activations[feature]
      featurePart = try part(
        place, more: "", hidden: hidden, count: input.shape.count, zeroPoint: input.zeroPoint, &decoder)
    }
    var looks: [GainHead.Look] = []
    var additions: Int64 = 0
    if let places = try text.optional("looks") {
      for place in try places.elements(1...ModelLimits.modalities) {
        let look = try look(place, of: modality, hidden: hidden, &decoder)
        guard !looks.contains(where: { $0.modality == look.modality }) else {
          throw try place.member("modality").error(.duplicate, "this head looks there already")
        }
        let shape = LookShape(decoder.activations[inputs[look.modality]].shape)
        if looked.insert(look.modality).inserted { additions += shape.macs }
        looks.append(look)
      }
    }
    let columns = kept + (featurePart?.count ?? 0) + looks.reduce(0) { $0 + $1.part.count }
    let macs = Int64(hidden * (columns + 1)) + additions
    try decoder.count(work: macs, text)
    return GainHead(
      hidden: hidden, bias: bias, output: try decoder.floats(try text.member("output"), count: hidden),
      outputBias: try text.member("output_bias").float(), logits: logits, feature: featurePart, looks: looks,
      macs: macs, parameters: Int64(hidden * (columns + 2 + looks.count) + 1))
  }

  private func look(
    _ text: ModelText, of modality: Int, hidden: Int, _ decoder: inout GraphDecoder
  ) throws(ModelError) -> GainHead.Look {
    let nameText = try text.member("modality")
    let name = try nameText.name()
    guard let other = names.firstIndex(bytesOf: name) else {
      throw nameText.error(.undefined, "no modality is called \"\(name)\"")
    }
    guard other != modality else {
      throw nameText.error(.undefined, "a head looks at other modalities, not at its own")
    }
    let input = decoder.activations[inputs[other]]
    guard !input.shape.isVector else {
      throw nameText.error(.shapeMismatch, "\"\(name)\" takes a vector; only maps are looked at")
    }
    let shape = LookShape(input.shape)
    let weight = decoder.container.tensors[BytewiseText(try text.member("weight").name())]
    let count = weight?.shape == [hidden, shape.columnCount] ? shape.columnCount : shape.count
    let part = try part(
      text, more: " modality bias", hidden: hidden, count: count, zeroPoint: input.zeroPoint, &decoder)
    return GainHead.Look(
      modality: other, part: part, bias: try decoder.floats(try text.member("bias"), count: hidden))
  }

  private func part(
    _ text: ModelText, more: String, hidden: Int, count: Int, zeroPoint: Int32,
    _ decoder: inout GraphDecoder
  ) throws(ModelError) -> GainHead.Part {
    try text.allowOnly("weight weight_scale" + more)
    try decoder.checkTerms(count, text)
    let scaleText = try text.member("weight_scale")
    let scale = try decoder.floats(scaleText, count: hidden)
    for row in 0..<hidden where !(scale[row] > 0) {
      throw scaleText.error(.scale, "element \(row) is \(scale[row]); scales are above 0 and finite")
    }
    return GainHead.Part(
      weight: try decoder.keptWeight(try text.member("weight"), [hidden, count]), scale: scale, count: count,
      zeroPoint: zeroPoint)
  }
}

extension GraphDecoder {
  /// Finite float32 numbers, kept with the graph.
  mutating func floats(_ text: ModelText, count: Int) throws(ModelError) -> UnsafePointer<Float> {
    let tensor = try tensor(text, .float32, [count])
    let values = words(tensor).map { Float(bitPattern: $0) }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw text.error(.wrongValue, "element \(bad) of tensor \"\(tensor.name)\" is \(values[bad])")
    }
    return constants.copy(values)
  }

  /// Weights in -127...127, kept with the graph as they are.
  mutating func keptWeight(_ text: ModelText, _ shape: [Int]) throws(ModelError) -> UnsafePointer<Int8> {
    let count = shape.reduce(1, *)
    let weight = try weight(text, shape)
    return constants.copy(Array(UnsafeBufferPointer(start: weight, count: count)))
  }

  /// How long a tensor of one dimension is.
  func length(of text: ModelText, in range: ClosedRange<Int>) throws(ModelError) -> Int {
    let name = try text.name()
    guard let tensor = container.tensors[BytewiseText(name)] else {
      throw text.error(.unknownTensor, "the file holds no tensor \"\(name)\"")
    }
    guard tensor.shape.count == 1, range.contains(tensor.shape[0]) else {
      throw text.error(
        .tensorMismatch,
        "expected \(range.lowerBound) to \(range.upperBound) elements, tensor \"\(name)\" is \(tensor.shape)")
    }
    return tensor.shape[0]
  }
}
