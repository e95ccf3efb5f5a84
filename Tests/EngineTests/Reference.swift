import JSON

/// Evaluates a model file by its text with plain loops over integers, by the words of docs/model-format.md and the
/// kernel header alone. Shares no code with the engine.
struct Reference {
  struct Value {
    var shape: [Int]
    var elements: [Int]
    subscript(y: Int, x: Int, c: Int) -> Int { elements[(y * shape[1] + x) * shape[2] + c] }
  }

  let file: ModelFile
  private(set) var values: [String: Value] = [:]
  private(set) var logits: [String: [Float]] = [:]

  init(_ file: ModelFile) { self.file = file }

  private var root: JSONPlace { JSONPlace(file.text) }

  func shape(_ name: String) throws -> [Int] {
    try root.member("activations").member(name).member("shape").elements().map { Int(try $0.integer()) }
  }

  private func scale(_ name: String) throws -> Float {
    Float(try root.member("activations").member(name).member("scale").real())
  }

  private func zero(_ name: String) throws -> Int {
    Int(try root.member("activations").member(name).member("zero_point").integer())
  }

  mutating func set(_ name: String, _ elements: [Int8]) throws {
    values[name] = Value(shape: try shape(name), elements: elements.map(Int.init))
  }

  /// Fills a missing modality's feature with its zero point.
  mutating func clear(_ name: String) throws {
    let shape = try shape(name)
    values[name] = Value(shape: shape, elements: Array(repeating: try zero(name), count: shape.reduce(1, *)))
  }

  mutating func run(_ nodes: JSONPlace) throws {
    for node in try nodes.elements() { try run(node: node) }
  }

  private mutating func run(node: JSONPlace) throws {
    let op = try node.member("op").string()
    let inputs = try node.member("inputs").elements().map { try $0.string() }
    let output = try node.member("output").string()
    if op == "logits" {
      logits[output] = try self.logits(node, inputs[0])
      return
    }
    var result = Value(shape: try shape(output), elements: [])
    let relu = try node.optional("activation")?.string() == "relu"
    let sums: [Float]
    switch op {
    case "table":
      let table = file.tensor(try node.member("table").string())?.integers ?? []
      values[output] = Value(
        shape: result.shape, elements: (values[inputs[0]]?.elements ?? []).map { table[$0 + 128] })
      return
    case "multiply": sums = try products(inputs[0], inputs[1], output)
    case "flatten":
      values[output] = Value(shape: result.shape, elements: values[inputs[0]]?.elements ?? [])
      return
    case "conv2d", "depthwise_conv2d": sums = try convolution(node, inputs[0], output, op == "conv2d")
    case "linear":
      sums = try linear(node, inputs[0]).enumerated().map {
        Float($1) * (try multiplier(node, inputs[0], output)[$0])
      }
    case "max_pool", "average_pool", "global_average_pool":
      sums = try pool(node, op, inputs[0], output)
    case "add":
      sums = try zip(scaled(inputs[0], output), scaled(inputs[1], output)).map { $0 + $1 }
    default: sums = try concat(inputs, output)
    }
    let zero = try zero(output)
    result.elements = sums.map { sum in
      min(127, max(relu ? zero : -128, Int(sum.rounded(.toNearestOrEven)) + zero))
    }
    values[output] = result
  }

  private func multiplier(_ node: JSONPlace, _ input: String, _ output: String) throws -> [Float] {
    let scales = file.tensor(try node.member("weight_scale").string())?.floats ?? []
    return try scales.map { (try scale(input) * $0) / (try scale(output)) }
  }

  private func integers(_ node: JSONPlace, _ key: String) throws -> [Int] {
    try node.member(key).elements().map { Int(try $0.integer()) }
  }

  private func convolution(_ node: JSONPlace, _ input: String, _ output: String, _ dense: Bool) throws
    -> [Float]
  {
    guard let x = values[input], let weight = file.tensor(try node.member("weight").string()),
      let bias = file.tensor(try node.member("bias").string())?.integers
    else { return [] }
    let (w, kernel) = (weight.integers, dense ? Array(weight.shape[1...2]) : Array(weight.shape[0...1]))
    let multiplier = try multiplier(node, input, output)
    let (stride, padding, zero) = (
      try integers(node, "stride"), try integers(node, "padding"), try zero(input)
    )
    let (shape, depth) = (try shape(output), x.shape[2])
    var sums: [Float] = []
    for oy in 0..<shape[0] {
      for ox in 0..<shape[1] {
        for oc in 0..<shape[2] {
          var sum = bias[oc]
          for ky in 0..<kernel[0] {
            for kx in 0..<kernel[1] {
              let (y, column) = (oy * stride[0] - padding[0] + ky, ox * stride[1] - padding[1] + kx)
              guard (0..<x.shape[0]).contains(y), (0..<x.shape[1]).contains(column) else { continue }
              if dense {
                for ic in 0..<depth {
                  sum += (x[y, column, ic] - zero) * w[((oc * kernel[0] + ky) * kernel[1] + kx) * depth + ic]
                }
              } else {
                sum += (x[y, column, oc] - zero) * w[(ky * kernel[1] + kx) * depth + oc]
              }
            }
          }
          sums.append(Float(sum) * multiplier[oc])
        }
      }
    }
    return sums
  }

  private func linear(_ node: JSONPlace, _ input: String) throws -> [Int] {
    guard let x = values[input]?.elements, let w = file.tensor(try node.member("weight").string())?.integers,
      let bias = file.tensor(try node.member("bias").string())?.integers
    else { return [] }
    let zero = try zero(input)
    return bias.indices.map { row in
      x.indices.reduce(bias[row]) { $0 + (x[$1] - zero) * w[row * x.count + $1] }
    }
  }

  private func logits(_ node: JSONPlace, _ input: String) throws -> [Float] {
    let scales = file.tensor(try node.member("weight_scale").string())?.floats ?? []
    let own = try scale(input)
    return try zip(linear(node, input), scales).map { Float($0) * (own * $1) }
  }

  /// Real values in steps of the output's scale, its zero point not yet added.
  private func pool(_ node: JSONPlace, _ op: String, _ input: String, _ output: String) throws -> [Float] {
    guard let x = values[input] else { return [] }
    let global = op == "global_average_pool"
    let kernel = global ? Array(x.shape[0...1]) : try integers(node, "kernel")
    let stride = global ? [1, 1] : try integers(node, "stride")
    let padding = global ? [0, 0, 0, 0] : try integers(node, "padding")
    let shape = global ? [1, 1, x.shape[2]] : try shape(output)
    let (zero, multiplier) = (try zero(input), try scale(input) / scale(output))
    var sums: [Float] = []
    for oy in 0..<shape[0] {
      for ox in 0..<shape[1] {
        for c in 0..<shape[2] {
          var cells: [Int] = []
          for y in oy * stride[0] - padding[0]..<oy * stride[0] - padding[0] + kernel[0]
          where (0..<x.shape[0]).contains(y) {
            for column in ox * stride[1] - padding[1]..<ox * stride[1] - padding[1] + kernel[1]
            where (0..<x.shape[1]).contains(column) { cells.append(x[y, column, c] - zero) }
          }
          let sum = cells.reduce(0, +)
          sums.append(
            op == "max_pool" ? Float(cells.max() ?? 0) : Float(sum) * (multiplier / Float(cells.count)))
        }
      }
    }
    return sums
  }

  private func scaled(_ input: String, _ output: String) throws -> [Float] {
    let (factor, zero) = (try scale(input) / scale(output), try zero(input))
    return (values[input]?.elements ?? []).map { factor * Float($0 - zero) }
  }

  private func products(_ a: String, _ b: String, _ output: String) throws -> [Float] {
    let (x, y) = (values[a]?.elements ?? [], values[b]?.elements ?? [])
    let (xZero, yZero) = (try zero(a), try zero(b))
    let factor = try scale(a) * scale(b) / scale(output)
    return x.indices.map { Float((x[$0] - xZero) * (y[$0 % y.count] - yZero)) * factor }
  }

  private func concat(_ inputs: [String], _ output: String) throws -> [Float] {
    let parts = try inputs.map { try scaled($0, output) }
    let widths = inputs.map { values[$0]?.shape.last ?? 0 }
    let rows = parts[0].count / widths[0]
    return (0..<rows).flatMap { row in
      zip(parts, widths).flatMap { $0[row * $1..<(row + 1) * $1] }
    }
  }
}

extension Reference {
  static func activation(_ file: ModelFile, _ name: String) throws -> JSONPlace {
    try JSONPlace(file.text).member("activations").member(name)
  }
}
