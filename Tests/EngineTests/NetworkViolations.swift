import Engine
import JSON

extension Violations {
  private static let tiny = Networks.tiny()
  private static let large = Networks.random(seed: 1)
  /// Nodes of the picture's segments: conv2d, depthwise, add | max_pool, average_pool, concat, conv2d,
  /// global pool, table, multiply, table, multiply, global pool.
  private static let one = "modalities/0/segments/0/nodes"
  private static let two = "modalities/0/segments/1/nodes"

  private static func shape(_ file: ModelFile, _ name: String) -> [Int] {
    (try? Reference(file).shape(name)) ?? []
  }

  static let network: [Violation] = names + shapes + constants + bounds

  private static let names: [Violation] = [
    Violation(.unknownOperation, large, "\(one)/0/op", "conv3d", at: "modalities/0/segments/0/nodes/0/op"),
    Violation(.missingMember, large, "\(one)/0/op", nil),
    Violation(.unknownActivation, large, "\(one)/0/output", "p.q"),
    Violation(
      .unknownActivation, large, "\(one)/1/inputs", ["p.q"], at: "modalities/0/segments/0/nodes/1/inputs/0"),
    Violation(.undefined, large, "\(one)/0/inputs", ["p.d1"], at: "modalities/0/segments/0/nodes/0/inputs/0"),
    Violation(.undefined, large, "\(one)/0/inputs", ["p.c1"], at: "modalities/0/segments/0/nodes/0/inputs/0"),
    // Another modality's, an exit's own, and an encoder's inside fusion are all out of sight.
    Violation(.undefined, large, "\(one)/0/inputs", ["s.in"], at: "modalities/0/segments/0/nodes/0/inputs/0"),
    Violation(
      .undefined, large, "modalities/0/segments/1/exit/nodes/0/inputs", ["p.g1"],
      at: "modalities/0/segments/1/exit/nodes/0/inputs/0"),
    Violation(
      .undefined, large, "fusion/nodes/0/inputs", ["p.f", "s.f", "v.l"], at: "fusion/nodes/0/inputs/2"),
    Violation(.duplicate, large, "\(one)/1/output", "p.c1"),
    Violation(.duplicate, large, "\(one)/1/output", "p.in"),
    Violation(.duplicate, large, "modalities/0/segments/0/exit/nodes/1/output", "p.f"),
    Violation(.duplicate, large, "modalities/0/segments/1/exit/nodes/0/output", "p.1"),
    Violation(.wrongValue, large, "\(one)/2/inputs", ["p.c1"]),
    Violation(.wrongValue, large, "\(one)/0/inputs", []),
    Violation(.wrongValue, large, "\(one)/0/inputs", ["p.in", "p.in"]),
    Violation(.wrongValue, large, "\(one)/0/activation", "gelu"),
    Violation(.unexpectedMember, large, "\(two)/0/activation", "relu"),
    Violation(.unexpectedMember, large, "\(one)/0/kernel", [3, 3]),
    Violation(.wrongValue, large, two, [], at: two),
    Violation(
      .logits, large, "modalities/0/segments/0/exit/nodes",
      large.text["modalities", 0, "segments", 0, "exit", "nodes", 0].map { [$0] },
      at: "modalities/0/segments/0/exit/nodes/0"),
    Violation(
      .logits, tiny, "modalities/0/segments/0/nodes/9",
      tiny.text["modalities", 0, "segments", 0, "exit", "nodes", 0], at: "modalities/0/segments/0/nodes/1"),
    Violation(
      .logits, tiny, "modalities/0/segments/0/exit/nodes/9",
      tiny.text["modalities", 0, "segments", 0, "exit", "nodes", 0]?.setting(["output"], to: "again"),
      at: "modalities/0/segments/0/exit/nodes/0"),
    Violation(.fusionInputs, tiny, "fusion/inputs", ["a.f"]),
    Violation(.fusionInputs, tiny, "fusion/inputs", ["b.f", "a.f"], at: "fusion/inputs/0"),
    Violation(.fusionInputs, tiny, "fusion/inputs", ["a.f", "b.in"], at: "fusion/inputs/1"),
    Violation(.missingMember, tiny, "fusion", nil),
    Violation(.unusedActivation, tiny, "activations/spare", ["shape": [1], "scale": 1.0, "zero_point": 0]),
  ]

  private static let shapes: [Violation] = [
    Violation(.wrongValue, large, "\(one)/1/stride", [1]),
    Violation(.wrongValue, large, "\(one)/1/stride", [0, 1], at: "modalities/0/segments/0/nodes/1/stride/0"),
    Violation(.wrongValue, large, "\(one)/1/padding", [1, 1, 1]),
    Violation(.wrongValue, large, "\(one)/1/padding", [3, 1, 1, 1]),
    Violation(
      .wrongValue, large, "\(one)/1/padding", [-1, 1, 1, 1], at: "modalities/0/segments/0/nodes/1/padding/0"),
    Violation(
      .shapeMismatch, large, "\(one)/1/padding", [0, 1, 1, 1], at: "modalities/0/segments/0/nodes/1/output"),
    Violation(.shapeMismatch, large, "\(two)/0/kernel", [2000, 2], at: "modalities/0/segments/1/nodes/0"),
    Violation(
      .shapeMismatch, large, "\(two)/0/kernel", [2, 3], at: "modalities/0/segments/1/nodes/0/output"),
    Violation(
      .shapeMismatch, large, "\(one)/2/inputs", ["p.c1", "p.in"], at: "modalities/0/segments/0/nodes/2/output"
    ),
    Violation(.shapeMismatch, large, "\(two)/2/inputs", ["p.m2", "p.in"]),
    Violation(
      .shapeMismatch, large, "\(two)/2/inputs", ["p.m2"], at: "modalities/0/segments/1/nodes/2/output"),
    Violation(
      .shapeMismatch, large, "activations/s.v2/shape", [1], at: "modalities/1/segments/1/nodes/0/output"),
    Violation(.shapeMismatch, large, "modalities/1/segments/1/nodes/1/inputs", ["s.c1"]),
    Violation(.shapeMismatch, large, "modalities/0/segments/0/exit/nodes/1/inputs", ["p.a1"]),
    Violation(
      .shapeMismatch, large, "modalities/2/segments/0/nodes/1",
      ["op": "flatten", "inputs": ["v.l"], "output": "v.f"], at: "modalities/2/segments/0/nodes/1/inputs"),
    Violation(.wrongValue, large, "\(two)/6/inputs", ["p.c2"]),
    Violation(.shapeMismatch, large, "\(two)/6/inputs", ["p.c2", "p.x2"]),
    Violation(
      .shapeMismatch, large, "\(two)/6/inputs", ["p.t2", "p.c2"], at: "modalities/0/segments/1/nodes/6/output"
    ),
    Violation(
      .shapeMismatch, large, "\(two)/5/inputs", ["p.c2"], at: "modalities/0/segments/1/nodes/5/output"),
    Violation(.wrongValue, large, "\(two)/5/inputs", ["p.g2", "p.g2"]),
    Violation(.unexpectedMember, large, "\(two)/5/activation", "relu"),
    Violation(
      .quantizationMismatch, large, "activations/p.m2/scale", 3.5,
      at: "modalities/0/segments/1/nodes/0/output"),
    Violation(
      .quantizationMismatch, large.with("activations/s.c1/zero_point", 1), "activations/s.v2/zero_point", 2,
      at: "modalities/1/segments/1/nodes/0/output"),
  ]

  private static let constants: [Violation] = [
    Violation(.unknownTensor, tiny, "modalities/0/segments/0/nodes/0/weight", "w"),
    Violation(.unknownTensor, large, "\(one)/0/weight", "w"),
    Violation(.tensorMismatch, tiny, "modalities/0/segments/0/nodes/0/weight", "a.1.w"),
    Violation(.tensorMismatch, tiny, "modalities/0/segments/0/nodes/0/weight", "a.f.b"),
    Violation(.tensorMismatch, tiny, "modalities/0/segments/0/nodes/0/bias", "a.f.s"),
    Violation(.tensorMismatch, tiny, "modalities/0/segments/0/nodes/0/weight_scale", "a.f.b"),
    Violation(.tensorMismatch, large, "\(one)/0/weight", "p.d1.w"),
    Violation(.tensorMismatch, large, "\(two)/5/table", "p.c2.w"),
    Violation(.unknownTensor, large, "\(two)/5/table", "t"),
    Violation(
      .tensorMismatch, tiny, "classes", ["no", "yes", "c"], at: "modalities/0/segments/0/exit/nodes/0/weight"),
    Violation(
      "a weight of -128", .weightRange, "mmexit.modalities[0].segments[0].nodes[0].weight",
      tiny.with("a.f.w") { $0.bytes[5] = 0x80 }),
    Violation(
      "a bias that could overflow", .biasRange, "mmexit.modalities[0].segments[0].nodes[0].bias",
      tiny.with("a.f.b") { $0 = .init("a.f.b", int32: [0, 0, Int32.max - 2 * 32385 + 1], [3]) }),
    Violation(
      "the smallest bias", .biasRange, "mmexit.modalities[0].segments[0].nodes[0].bias",
      tiny.with("a.f.b") { $0 = .init("a.f.b", int32: [.min, 0, 0], [3]) }),
    scale(0), scale(-0.001), scale(.nan), scale(.infinity), scale(1e38), scale(.leastNonzeroMagnitude),
    Violation(
      "a tensor that nobody uses", .unusedTensor, "tensor spare",
      { () -> ModelFile in
        var file = tiny
        file.tensors.append(.init("spare", int8: [1], [1]))
        return file
      }()),
  ]

  private static func scale(_ value: Float) -> Violation {
    // With the input's and output's, 1e38 leaves float32 upwards and the smallest denormal downwards.
    var file = tiny.with("a.f.s") { $0 = .init("a.f.s", float32: [0.01, value, 0.01], [3]) }
    file.text = file.text.setting(["activations", "a.in", "scale"], to: value == 1e38 ? 1e6 : 0.1)
    return Violation(
      "a weight scale of \(value)", .scale, "mmexit.modalities[0].segments[0].nodes[0].weight_scale", file)
  }

  private static let bounds: [Violation] = [
    Violation(
      "more exits than a decision holds", .tooManyExits, "mmexit.modalities", BoundaryNetworks.exits(23)),
    Violation(
      "more nodes than allowed", .tooManyNodes, "mmexit.modalities[0].segments[1].nodes[23]",
      BoundaryNetworks.nodes(2049)),
    Violation(
      "a sum of too many terms", .tooManyTerms, "mmexit.modalities[0].segments[0].nodes[0]",
      BoundaryNetworks.terms(257)),
    Violation("an arena too large", .arenaTooLarge, "mmexit.activations", BoundaryNetworks.arena(5)),
    Violation(
      "too much work", .tooMuchWork, "mmexit.modalities[0].segments[0].nodes[4]", BoundaryNetworks.work(5)),
  ]
}

/// A step into a tree: a key or an index.
protocol TreeStep {}
extension String: TreeStep {}
extension Int: TreeStep {}

extension JSONValue {
  subscript(steps: any TreeStep...) -> JSONValue? {
    var value = self
    for step in steps {
      switch (value, step) {
      case (.array(let elements), let index as Int) where index < elements.count: value = elements[index]
      case (.object(let object), let key as String):
        guard let member = object[key] else { return nil }
        value = member
      default: return nil
      }
    }
    return value
  }
}
