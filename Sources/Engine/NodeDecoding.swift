import CKernels
import Vocabulary

extension GraphDecoder {
  /// What a part of the network may use so far: activation indices by name.
  typealias Scope = [BytewiseText: Int]

  /// A node of the text, checked against the activations it names. Its output joins the scope.
  mutating func node(_ text: ModelText, _ scope: inout Scope) throws(ModelError) -> Node {
    try countNode(text)
    let name = try text.member("op").name()
    if name == "logits" {
      let node = try logits(text, scope)
      try count(work: node.macs, text)
      return node
    }
    var inputs: [Int] = []
    for input in try text.member("inputs").elements(1...ModelLimits.concatInputs) {
      inputs.append(try use(input, scope))
    }
    let outputText = try text.member("output")
    let output = try activation(outputText)
    try claim(activations[output].name, outputText)
    let call = NodeCall(text: text, inputs: inputs.map { activations[$0] }, output: activations[output])
    let decoded: (operation: Operation, macs: Int, parameters: Int)
    switch name {
    case "conv2d": decoded = try conv2d(call)
    case "depthwise_conv2d": decoded = try depthwiseConv2d(call)
    case "max_pool": decoded = (try maxPool(call), 0, 0)
    case "average_pool": decoded = (try averagePool(call), 0, 0)
    case "global_average_pool": decoded = (try globalAveragePool(call), 0, 0)
    case "linear": decoded = try linear(call)
    case "add": decoded = (try add(call), 0, 0)
    case "multiply": decoded = (try multiply(call), 0, 0)
    case "table": decoded = (try table(call), 0, 0)
    case "concat": decoded = (try concat(call), 0, 0)
    case "flatten": decoded = (try flatten(call), 0, 0)
    default: throw try text.member("op").error(.unknownOperation, "no such operation: \"\(name)\"")
    }
    let touched = Int64(call.output.shape.count) * decoded.operation.cells
    try count(work: max(Int64(decoded.macs), touched), text)
    scope[BytewiseText(activations[output].name)] = output
    return Node(
      operation: decoded.operation, inputs: inputs, output: output, relu: try relu(text),
      macs: Int64(decoded.macs), parameters: Int64(decoded.parameters))
  }

  func use(_ text: ModelText, _ scope: Scope) throws(ModelError) -> Int {
    let index = try activation(text)
    guard let visible = scope[BytewiseText(activations[index].name)] else {
      throw text.error(
        .undefined, "\"\(activations[index].name)\" is not computed before this, in this part of the network")
    }
    return visible
  }

  private func relu(_ text: ModelText) throws(ModelError) -> Bool {
    guard let activation = try text.optional("activation") else { return false }
    switch try activation.name() {
    case "none": return false
    case "relu": return true
    case let other: throw activation.error(.wrongValue, "expected none or relu, found \(other)")
    }
  }

  private func add(_ call: NodeCall) throws(ModelError) -> Operation {
    try call.allowOnly("activation")
    guard call.inputs.count == 2 else {
      throw try call.text.member("inputs").error(.wrongValue, "expected 2 inputs, found \(call.inputs.count)")
    }
    for input in call.inputs {
      try call.require(input.shape)
      _ = try multiplier(input.scale / call.output.scale, call.text)
    }
    return .add
  }

  private func multiply(_ call: NodeCall) throws(ModelError) -> Operation {
    try call.allowOnly("activation")
    guard call.inputs.count == 2 else {
      throw try call.text.member("inputs").error(.wrongValue, "expected 2 inputs, found \(call.inputs.count)")
    }
    let (a, b) = (call.inputs[0], call.inputs[1])
    try call.require(a.shape)
    let cell = b.shape.height == 1 && b.shape.width == 1 && b.shape.channels == a.shape.channels
    guard a.shape == b.shape || cell && !a.shape.isVector else {
      throw try call.text.member("inputs").error(
        .shapeMismatch, "\(b.shape) is neither \(a.shape) nor one cell of its channels")
    }
    return .multiply(multiplier: try multiplier(a.scale * b.scale / call.output.scale, call.text))
  }

  private mutating func table(_ call: NodeCall) throws(ModelError) -> Operation {
    try call.allowOnly("table")
    try call.require(try call.input().shape)
    return .table(try codes(try call.text.member("table"), count: 256))
  }

  private func concat(_ call: NodeCall) throws(ModelError) -> Operation {
    try call.allowOnly("")
    let first = call.inputs[0].shape
    let channels = call.inputs.reduce(0) { $0 + $1.shape.channels }
    for input in call.inputs {
      guard input.shape.isVector == first.isVector, input.shape.height == first.height,
        input.shape.width == first.width
      else {
        throw try call.text.member("inputs").error(
          .shapeMismatch, "\(input.shape) and \(first) differ in more than the last extent")
      }
      _ = try multiplier(input.scale / call.output.scale, call.text)
    }
    try call.require(
      first.isVector
        ? Shape(vector: channels) : Shape(height: first.height, width: first.width, channels: channels))
    return .concat
  }

  private func flatten(_ call: NodeCall) throws(ModelError) -> Operation {
    try call.allowOnly("")
    let input = try call.map()
    try call.require(Shape(vector: input.shape.count))
    try call.requireSameQuantization(as: input)
    return .flatten
  }
}

extension Operation {
  /// Values looked at for one of the output, where those are no multiply-accumulates.
  fileprivate var cells: Int64 {
    switch self {
    case .maxPool(let window), .averagePool(let window, _):
      Int64(window.kernel_height) * Int64(window.kernel_width)
    default: 1
    }
  }
}
