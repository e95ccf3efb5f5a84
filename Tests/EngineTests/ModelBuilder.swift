import JSON

/// A small generator with a state of its own (SplitMix64): the same models every run.
struct Dice: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func bytes(_ count: Int) -> [Int8] {
    (0..<count).map { _ in Int8.random(in: -128...127, using: &self) }
  }
}

/// Writes networks with random weights, layer by layer, keeping scales such that activations use their range.
struct ModelBuilder {
  var dice: Dice
  var file = ModelFile()
  private var activations = JSONObject()
  private var shapes: [String: [Int]] = [:]
  private var scales: [String: Float] = [:]
  private var zeros: [String: Int] = [:]

  init(seed: UInt64) { dice = Dice(seed) }

  mutating func activation(_ name: String, _ shape: [Int], scale: Float? = nil, zero: Int? = nil) {
    let scale = scale ?? Float.random(in: 0.01...0.1, using: &dice)
    let zero = zero ?? Int.random(in: -128...127, using: &dice)
    shapes[name] = shape
    scales[name] = scale
    zeros[name] = zero
    activations.append(
      name,
      [
        "shape": .array(shape.map { .integer(Int64($0)) }), "scale": .real(Double(scale)),
        "zero_point": .integer(Int64(zero)),
      ])
  }

  func shape(_ name: String) -> [Int] { shapes[name] ?? [] }

  /// Weights, biases and scales under `name`.w, .b and .s; returns the members that point at them.
  private mutating func constants(_ name: String, _ shape: [Int], outputs: Int) -> JSONObject {
    let count = shape.reduce(1, *)
    file.tensors.append(
      .init("\(name).w", int8: (0..<count).map { _ in Int8.random(in: -127...127, using: &dice) }, shape))
    file.tensors.append(
      .init(
        "\(name).b", int32: (0..<outputs).map { _ in Int32.random(in: -9000...9000, using: &dice) }, [outputs]
      ))
    file.tensors.append(
      .init(
        "\(name).s", float32: (0..<outputs).map { _ in Float.random(in: 0.001...0.004, using: &dice) },
        [outputs]))
    return [
      "weight": .string("\(name).w"), "bias": .string("\(name).b"), "weight_scale": .string("\(name).s"),
    ]
  }

  private func node(_ op: String, _ inputs: [String], _ output: String, _ more: JSONObject = [:]) -> JSONValue
  {
    var object: JSONObject = [
      "op": .string(op), "inputs": .array(inputs.map { .string($0) }), "output": .string(output),
    ]
    for member in more.members { object.append(member.key, member.value) }
    return .object(object)
  }

  /// An output scale that spreads `terms` random products over some 50 steps.
  private func spread(_ input: String, terms: Int) -> Float {
    (scales[input] ?? 1) * 0.0025 * Float(terms).squareRoot() * 74 * 73 / 50
  }

  private func window(_ input: String, _ kernel: [Int], _ stride: [Int], _ padding: [Int]) -> [Int] {
    let shape = shape(input)
    return [
      (shape[0] + padding[0] + padding[2] - kernel[0]) / stride[0] + 1,
      (shape[1] + padding[1] + padding[3] - kernel[1]) / stride[1] + 1,
    ]
  }

  private func list(_ values: [Int]) -> JSONValue { .array(values.map { .integer(Int64($0)) }) }

  mutating func conv2d(
    _ input: String, _ output: String, channels: Int, kernel: [Int], stride: [Int], padding: [Int], relu: Bool
  ) -> JSONValue {
    let depth = shape(input)[2]
    activation(
      output, window(input, kernel, stride, padding) + [channels],
      scale: spread(input, terms: kernel[0] * kernel[1] * depth))
    var more = constants(output, [channels, kernel[0], kernel[1], depth], outputs: channels)
    more.append("stride", list(stride))
    more.append("padding", list(padding))
    more.append("activation", relu ? "relu" : "none")
    return node("conv2d", [input], output, more)
  }

  mutating func depthwise(
    _ input: String, _ output: String, kernel: [Int], stride: [Int], padding: [Int], relu: Bool
  ) -> JSONValue {
    let depth = shape(input)[2]
    activation(
      output, window(input, kernel, stride, padding) + [depth],
      scale: spread(input, terms: kernel[0] * kernel[1]))
    var more = constants(output, [kernel[0], kernel[1], depth], outputs: depth)
    more.append("stride", list(stride))
    more.append("padding", list(padding))
    if relu { more.append("activation", "relu") }
    return node("depthwise_conv2d", [input], output, more)
  }

  mutating func pool(
    _ op: String, _ input: String, _ output: String, kernel: [Int], stride: [Int], padding: [Int]
  ) -> JSONValue {
    let shape = window(input, kernel, stride, padding) + [shape(input)[2]]
    activation(
      output, shape, scale: op == "max_pool" ? scales[input] : nil,
      zero: op == "max_pool" ? zeros[input] : nil)
    return node(
      op, [input], output, ["kernel": list(kernel), "stride": list(stride), "padding": list(padding)])
  }

  mutating func globalPool(_ input: String, _ output: String) -> JSONValue {
    activation(output, [shape(input)[2]])
    return node("global_average_pool", [input], output)
  }

  mutating func linear(_ input: String, _ output: String, _ count: Int, relu: Bool) -> JSONValue {
    let terms = shape(input)[0]
    activation(output, [count], scale: spread(input, terms: terms))
    var more = constants(output, [count, terms], outputs: count)
    more.append("activation", relu ? "relu" : "none")
    return node("linear", [input], output, more)
  }

  mutating func add(_ a: String, _ b: String, _ output: String, relu: Bool) -> JSONValue {
    activation(output, shape(a))
    return node("add", [a, b], output, ["activation": relu ? "relu" : "none"])
  }

  mutating func multiply(_ a: String, _ b: String, _ output: String, relu: Bool) -> JSONValue {
    activation(output, shape(a), scale: (scales[a] ?? 1) * (scales[b] ?? 1) * 80)
    return node("multiply", [a, b], output, ["activation": relu ? "relu" : "none"])
  }

  mutating func table(_ input: String, _ output: String) -> JSONValue {
    activation(output, shape(input))
    file.tensors.append(.init("\(output).t", int8: dice.bytes(256), [256]))
    return node("table", [input], output, ["table": .string("\(output).t")])
  }

  mutating func concat(_ inputs: [String], _ output: String) -> JSONValue {
    let last = inputs.reduce(0) { $0 + (shape($1).last ?? 0) }
    activation(output, shape(inputs[0]).dropLast() + [last])
    return node("concat", inputs, output)
  }

  mutating func flatten(_ input: String, _ output: String) -> JSONValue {
    activation(output, [shape(input).reduce(1, *)], scale: scales[input], zero: zeros[input])
    return node("flatten", [input], output)
  }

  mutating func logits(_ input: String, _ output: String, classes: Int) -> JSONValue {
    node("logits", [input], output, constants(output, [classes, shape(input)[0]], outputs: classes))
  }

  mutating func exit(_ nodes: [JSONValue], threshold: JSONValue = 0.25) -> JSONValue {
    [
      "nodes": .array(nodes), "temperature": .real(Double(Float.random(in: 0.05...2, using: &dice))),
      "threshold": threshold, "accuracy": 0.75, "hazard": 0.5,
    ]
  }

  mutating func finish(classes: [String], modalities: [JSONValue], fusion: JSONValue) -> ModelFile {
    file.text = [
      "format": 1, "name": "test", "classes": .array(classes.map { .string($0) }),
      "none": .string(classes[0]),
      "activations": .object(activations), "modalities": .array(modalities), "fusion": fusion,
      "provenance": ["seed": 1],
    ]
    return file
  }
}
