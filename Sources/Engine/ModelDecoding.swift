import JSON
import Vocabulary

extension Model {
  /// The one format this reads.
  static let format = 1

  /// What fusion is called in ledgers, plans and answers, so that no modality can be.
  static let fusionName = "fusion"

  /// Reads a model file and packs it for a set of instructions. What it returns has been checked in every part and
  /// keeps nothing of `bytes`.
  package static func decode(
    _ bytes: [UInt8], for set: InstructionSet = .best
  ) throws(ModelError) -> Model {
    let container = try SafeTensors(bytes)
    guard let text = container.metadata["mmexit"] else {
      throw ModelError(
        .metadataMissing, at: "header", "no text under __metadata__.mmexit; this is no mmexit model")
    }
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONValue.parse(
        text, maximumBytes: ModelLimits.headerBytes, maximumDepth: ModelLimits.textDepth)
    } catch {
      throw ModelError(error.kind == .tooLarge ? .tooLarge : .textSyntax, at: "mmexit", error.description)
    }
    let model: Result<Model, ModelError> = bytes.withUnsafeBytes { file in
      do throws(ModelError) {
        return .success(try decode(ModelText(place: JSONPlace(root, at: "mmexit")), file, container, set))
      } catch {
        return .failure(error)
      }
    }
    return try model.get()
  }

  private static func decode(
    _ text: ModelText, _ bytes: UnsafeRawBufferPointer, _ container: SafeTensors, _ set: InstructionSet
  ) throws(ModelError) -> Model {
    let format = try text.member("format")
    guard try format.integer(in: 0...Int(Int32.max)) == Self.format else {
      throw format.error(.format, "this program reads format \(Self.format)")
    }
    try text.allowOnly("format name classes none overriding_class activations modalities fusion provenance")
    let (classes, none, overriding) = try decodeClasses(text)
    var decoder = GraphDecoder(file: bytes, container: container, classCount: classes.count)
    try decoder.decodeActivations(try text.member("activations"))

    var modalities: [ModalityDescription] = []
    var encoders: [Encoder] = []
    for place in try text.member("modalities").elements(1...ModelLimits.modalities) {
      let (description, encoder) = try modality(
        place, classes, hasNone: none != nil, isOverridden: overriding != nil, &decoder)
      guard !modalities.contains(where: { $0.name.hasSameBytes(as: description.name) }) else {
        throw try place.member("name").error(.duplicate, "another modality is called \"\(description.name)\"")
      }
      guard description.name != Self.fusionName else {
        throw try place.member("name").error(.duplicate, "\"\(description.name)\" means the fusion of all")
      }
      modalities.append(description)
      encoders.append(encoder)
    }
    var heads = GainDecoding(names: modalities.map(\.name), inputs: encoders.map(\.input))
    var gains: [[GainHead?]] = []
    for (index, place) in try text.member("modalities").elements(1...ModelLimits.modalities).enumerated() {
      gains.append(try heads.heads(of: index, place, encoders[index], &decoder))
      modalities[index] = modalities[index].with(gains[index])
    }
    // An activity check before each encoder, the encoders' exits, and fusion's: all may stand in one decision.
    let hops = encoders.reduce(1) { $0 + $1.stages.count + 1 }
    guard hops <= Decision.maximumExits else {
      throw try text.member("modalities").error(
        .tooManyExits,
        "\(hops) exits with activity checks and fusion; a decision has room for \(Decision.maximumExits)")
    }
    let (fusion, inputs, stage) = try decodeFusion(try text.member("fusion"), encoders, classes, &decoder)
    try decoder.checkNothingIsLeft()
    let graph = try assemble(decoder, encoders, inputs, stage, gains, set)
    return Model(
      name: try text.member("name").name(), classes: classes, noneClass: none,
      overridingClass: overriding, modalities: modalities, fusion: fusion,
      provenance: try text.optional("provenance")?.place.value.text ?? "null", graph: graph)
  }

  private static func assemble(
    _ decoder: GraphDecoder, _ encoders: [Encoder], _ fusionInputs: [Int], _ fusion: Stage,
    _ gains: [[GainHead?]], _ set: InstructionSet
  ) throws(ModelError) -> Graph {
    let pools = PoolFusion(decoder.activations.count, encoders, fusion)
    var packing = LayerPacking(set, decoder.activations, decoder.constants)
    let encoders = encoders.map { encoder in
      Encoder(
        input: encoder.input, feature: encoder.feature,
        stages: encoder.stages.map { packing.pack(pools.fuse($0)) })
    }
    let fusion = packing.pack(pools.fuse(fusion))
    let plan = ArenaPlan(
      activations: decoder.activations, encoders: encoders, fusionInputs: fusionInputs, fusion: fusion,
      limit: ModelLimits.arenaBytes)
    guard let plan else {
      throw ModelError(
        .arenaTooLarge, at: "mmexit.activations",
        "they need more than the \(ModelLimits.arenaBytes) bytes allowed")
    }
    return Graph(
      activations: decoder.activations, encoders: encoders, fusionInputs: fusionInputs, fusion: fusion,
      gains: gains,
      classCount: decoder.classCount, plan: plan, set: set, scratchBytes: packing.scratchBytes,
      constants: packing.isPortable ? [decoder.constants, decoder.unpacked] : [decoder.constants])
  }

  private static func decodeClasses(_ text: ModelText) throws(ModelError) -> (
    [String], none: Int?, overriding: Int?
  ) {
    var classes: [String] = []
    for element in try text.member("classes").elements(ModelLimits.classes) {
      let name = try element.name()
      guard !classes.contains(bytesOf: name) else {
        throw element.error(.classes, "\"\(name)\" stands twice")
      }
      classes.append(name)
    }
    let none = try text.optional("none").map { (place) throws(ModelError) in
      try classIndex(try place.name(), classes, place)
    }
    guard let place = try text.optional("overriding_class") else { return (classes, none, nil) }
    let overriding = try classIndex(try place.name(), classes, place)
    guard overriding != none else {
      throw place.error(
        .classes, "\"\(classes[overriding])\" is the class that means nothing, which overrides nothing")
    }
    return (classes, none, overriding)
  }

  private static func classIndex(
    _ name: String, _ classes: [String], _ text: ModelText
  ) throws(ModelError) -> Int {
    guard let index = classes.firstIndex(bytesOf: name) else {
      throw text.error(.classes, "\"\(name)\" is not among the classes")
    }
    return index
  }

  private static func modality(
    _ text: ModelText, _ classes: [String], hasNone: Bool, isOverridden: Bool,
    _ decoder: inout GraphDecoder
  ) throws(ModelError) -> (ModalityDescription, Encoder) {
    try text.allowOnly("name input features segments")
    let (features, shape) = try Features.decode(try text.member("features"))
    let inputText = try text.member("input")
    let input = try decoder.activation(inputText)
    let activation = decoder.activations[input]
    try decoder.claim(activation.name, inputText)
    guard activation.shape == shape else {
      throw inputText.error(
        .features, "\"\(activation.name)\" has shape \(activation.shape), the features give \(shape)")
    }
    var scope: GraphDecoder.Scope = [BytewiseText(activation.name): input]
    var segments: [SegmentDescription] = []
    var stages: [Stage] = []
    let places = try text.member("segments").elements(1...Decision.maximumExits)
    for (index, place) in places.enumerated() {
      try place.allowOnly("nodes exit")
      // An exit may stand on the input itself; the feature may not.
      let minimum = index == places.count - 1 ? 1 : 0
      let nodes = try Self.nodes(try place.member("nodes"), minimum: minimum, &scope, &decoder)
      let more =
        " gain" + (hasNone ? " threshold_beside_none" : "")
        + (stages.isEmpty && isOverridden ? " override_threshold" : "")
      let (exit, exitNodes) = try Self.exit(try place.member("exit"), scope, classes, &decoder, more: more)
      let stage = Stage(nodes: nodes, exitNodes: exitNodes)
      stages.append(stage)
      segments.append(
        SegmentDescription(
          exit: exit, macs: stage.macs, parameters: stage.parameters, exitMacs: stage.exitMacs,
          exitParameters: stage.exitParameters))
    }
    // The last segment has at least one node, and none of its nodes are logits.
    let feature = stages.last?.nodes.last?.output ?? input
    return (
      ModalityDescription(
        name: try text.member("name").name(), features: features, inputShape: shape.extents,
        segments: segments),
      Encoder(input: input, feature: feature, stages: stages)
    )
  }

  /// Nodes outside exits: logits have no place among them.
  private static func nodes(
    _ text: ModelText, minimum: Int, _ scope: inout GraphDecoder.Scope, _ decoder: inout GraphDecoder
  ) throws(ModelError) -> [Node] {
    var nodes: [Node] = []
    for place in try text.elements(minimum...ModelLimits.nodes) {
      let node = try decoder.node(place, &scope)
      guard node.output != nil else { throw place.error(.logits, "logits stand only at the end of an exit") }
      nodes.append(node)
    }
    return nodes
  }

  /// An exit sees what its modality's segments have computed so far; what it computes is its own.
  private static func exit(
    _ text: ModelText, _ scope: GraphDecoder.Scope, _ classes: [String], _ decoder: inout GraphDecoder,
    more: String = ""
  ) throws(ModelError) -> (ExitDescription, [Node]) {
    try text.allowOnly("nodes temperature threshold class_thresholds accuracy hazard" + more)
    var scope = scope
    var nodes: [Node] = []
    let places = try text.member("nodes").elements(1...ModelLimits.nodes)
    for (index, place) in places.enumerated() {
      let node = try decoder.node(place, &scope)
      guard (node.output == nil) == (index == places.count - 1) else {
        throw place.error(.logits, "an exit ends with logits, and has them only there")
      }
      nodes.append(node)
    }
    var classThresholds: [Int: Float] = [:]
    if let overrides = try text.optional("class_thresholds") {
      for (name, place) in try overrides.members() {
        classThresholds[try classIndex(name, classes, place)] = Float(try place.real(in: 0...1))
      }
    }
    let description = ExitDescription(
      temperature: try text.member("temperature").positive(),
      threshold: try text.optional("threshold").map { (t) throws(ModelError) in Float(try t.real(in: 0...1))
      },
      classThresholds: classThresholds,
      accuracy: try text.optional("accuracy").map { (t) throws(ModelError) in try t.real(in: 0...1) },
      hazard: try text.optional("hazard").map { (t) throws(ModelError) in try t.real(in: 0...1) },
      overrideThreshold: try text.optional("override_threshold").map { (t) throws(ModelError) in
        Float(try t.real(in: 0...1))
      },
      thresholdBesideNone: try text.optional("threshold_beside_none").map { (t) throws(ModelError) in
        Float(try t.real(in: 0...1))
      })
    return (description, nodes)
  }

  private static func decodeFusion(
    _ text: ModelText, _ encoders: [Encoder], _ classes: [String], _ decoder: inout GraphDecoder
  ) throws(ModelError) -> (FusionDescription, [Int], Stage) {
    try text.allowOnly("inputs nodes exit")
    let inputsText = try text.member("inputs")
    var scope: GraphDecoder.Scope = [:]
    var copies: [Int] = []
    let places = try inputsText.elements(1...ModelLimits.modalities)
    guard places.count == encoders.count else {
      throw inputsText.error(.fusionInputs, "\(places.count) inputs for \(encoders.count) modalities")
    }
    for (place, encoder) in zip(places, encoders) {
      let feature = decoder.activations[encoder.feature].name
      guard try place.name().hasSameBytes(as: feature) else {
        throw place.error(
          .fusionInputs, "expected \"\(feature)\", which this modality's last segment ends with")
      }
      let copy = decoder.appendCopy(of: encoder.feature)
      scope[BytewiseText(feature)] = copy
      copies.append(copy)
    }
    let nodes = try Self.nodes(try text.member("nodes"), minimum: 0, &scope, &decoder)
    let (exit, exitNodes) = try Self.exit(try text.member("exit"), scope, classes, &decoder)
    let stage = Stage(nodes: nodes, exitNodes: exitNodes)
    return (
      FusionDescription(exit: exit, macs: stage.macs, parameters: stage.parameters), copies, stage
    )
  }
}
