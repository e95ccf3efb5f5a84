import CKernels

extension GraphDecoder {
  /// What a part of the network may use so far: activation indices by name.
  typealias Scope = [String: Int]

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
    let call = Call(text: text, inputs: inputs.map { activations[$0] }, output: activations[output])
    let decoded: (operation: Operation, macs: Int, parameters: Int)
    switch name {
    case "conv2d": decoded = try conv2d(call)
    case "depthwise_conv2d": decoded = try depthwiseConv2d(call)
    case "max_pool": decoded = (try maxPool(call), 0, 0)
    case "average_pool": decoded = (try averagePool(call), 0, 0)
    case "global_average_pool": decoded = (try globalAveragePool(call), 0, 0)
    case "linear": decoded = try linear(call)
    case "add": decoded = (try add(call), 0, 0)
    case "concat": decoded = (try concat(call), 0, 0)
    case "flatten": decoded = (try flatten(call), 0, 0)
    default: throw try text.member("op").error(.unknownOperation, "no such operation: \"\(name)\"")
    }
    let touched = Int64(call.output.shape.count) * decoded.operation.cells
    try count(work: max(Int64(decoded.macs), touched), text)
    scope[activations[output].name] = output
    return Node(
      operation: decoded.operation, inputs: inputs, output: output, relu: try relu(text),
      macs: Int64(decoded.macs), parameters: Int64(decoded.parameters))
  }

  /// One node's text with the activations it names.
  private struct Call {
    let text: ModelText
    let inputs: [Activation]
    let output: Activation

    func allowOnly(_ names: String) throws(ModelError) {
      try text.allowOnly("op inputs output \(names)")
    }

    /// The only input there may be.
    func input() throws(ModelError) -> Activation {
      guard inputs.count == 1 else {
        throw try text.member("inputs").error(.wrongValue, "expected 1 input, found \(inputs.count)")
      }
      return inputs[0]
    }

    func map() throws(ModelError) -> Activation {
      let input = try input()
      guard !input.shape.isVector else {
        throw try text.member("inputs").error(
          .shapeMismatch, "\"\(input.name)\" is a vector; this operation wants [height, width, channels]")
      }
      return input
    }

    func vector() throws(ModelError) -> Activation {
      let input = try input()
      guard input.shape.isVector else {
        throw try text.member("inputs").error(
          .shapeMismatch, "\"\(input.name)\" is a map; flatten or pool it first")
      }
      return input
    }

    func require(_ expected: Shape) throws(ModelError) {
      guard output.shape == expected else {
        throw try text.member("output").error(
          .shapeMismatch, "\"\(output.name)\" has shape \(output.shape), the operation gives \(expected)")
      }
    }

    /// Of operations that pass their values on as they are.
    func requireSameQuantization(as input: Activation) throws(ModelError) {
      guard input.scale == output.scale, input.zeroPoint == output.zeroPoint else {
        throw try text.member("output").error(
          .quantizationMismatch, "this operation keeps scale and zero point, but \"\(input.name)\" has others"
        )
      }
    }
  }

  private func use(_ text: ModelText, _ scope: Scope) throws(ModelError) -> Int {
    let index = try activation(text)
    guard let visible = scope[activations[index].name] else {
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

  // MARK: Windows

  private func window(
    _ call: Call, _ input: Shape, kernel: (height: Int, width: Int), outChannels: Int
  ) throws(ModelError) -> mmx_window {
    let text = call.text
    let stride = try text.member("stride").integers(2, in: 1...ModelLimits.extent)
    let padding = try text.member("padding").integers(4, in: 0...ModelLimits.extent)
    // So that no window lies wholly outside the image.
    guard padding[0] < kernel.height, padding[2] < kernel.height, padding[1] < kernel.width,
      padding[3] < kernel.width
    else { throw try text.member("padding").error(.wrongValue, "padding must be smaller than the kernel") }
    let spareHeight = input.height + padding[0] + padding[2] - kernel.height
    let spareWidth = input.width + padding[1] + padding[3] - kernel.width
    guard spareHeight >= 0, spareWidth >= 0 else {
      throw text.error(
        .shapeMismatch,
        "a kernel of \(kernel.height) x \(kernel.width) does not fit the padded input \(input)")
    }
    let result = Shape(
      height: spareHeight / stride[0] + 1, width: spareWidth / stride[1] + 1, channels: outChannels)
    try call.require(result)
    return mmx_window(
      in_height: Int32(input.height), in_width: Int32(input.width), in_channels: Int32(input.channels),
      out_height: Int32(result.height), out_width: Int32(result.width), out_channels: Int32(outChannels),
      kernel_height: Int32(kernel.height), kernel_width: Int32(kernel.width), stride_y: Int32(stride[0]),
      stride_x: Int32(stride[1]), pad_top: Int32(padding[0]), pad_left: Int32(padding[1]))
  }

  private func checkTerms(_ terms: Int, _ text: ModelText) throws(ModelError) {
    guard terms <= Int(MMX_MAX_TERMS) else {
      throw text.error(.tooManyTerms, "a sum of \(terms) terms; at most \(MMX_MAX_TERMS) fit 32 bits")
    }
  }

  /// Kernel extents of a weight tensor, which come from its shape in the file.
  private func kernel(_ text: ModelText, at axis: Int, rank: Int) throws(ModelError) -> (
    height: Int, width: Int
  ) {
    let name = try text.name()
    guard let tensor = container.tensors[name] else {
      throw text.error(.unknownTensor, "the file holds no tensor \"\(name)\"")
    }
    guard tensor.shape.count == rank, tensor.shape.allSatisfy({ $0 <= ModelLimits.extent }) else {
      throw text.error(
        .tensorMismatch,
        "expected \(rank) extents of at most \(ModelLimits.extent), tensor \"\(name)\" is \(tensor.shape)")
    }
    return (tensor.shape[axis], tensor.shape[axis + 1])
  }

  // MARK: Operations

  private mutating func filter(
    _ text: ModelText, shape: [Int], outputs: Int, terms: Int, input: Activation, output: Activation?
  ) throws(ModelError) -> Filter {
    try checkTerms(terms, text)
    return Filter(
      weight: try weight(try text.member("weight"), shape),
      bias: try bias(try text.member("bias"), count: outputs, terms: terms),
      multiplier: try multiplier(
        try text.member("weight_scale"), count: outputs, input: input, output: output),
      outputs: outputs)
  }

  private mutating func conv2d(_ call: Call) throws(ModelError) -> (Operation, Int, Int) {
    try call.allowOnly("weight bias weight_scale stride padding activation")
    let input = try call.map()
    let outputs = call.output.shape.channels
    let kernel = try kernel(try call.text.member("weight"), at: 1, rank: 4)
    let window = try window(call, input.shape, kernel: kernel, outChannels: outputs)
    let terms = kernel.height * kernel.width * input.shape.channels
    let filter = try filter(
      call.text, shape: [outputs, kernel.height, kernel.width, input.shape.channels], outputs: outputs,
      terms: terms, input: input, output: call.output)
    return (.conv2d(window, filter), call.output.shape.count * terms, outputs * terms + outputs)
  }

  private mutating func depthwiseConv2d(_ call: Call) throws(ModelError) -> (Operation, Int, Int) {
    try call.allowOnly("weight bias weight_scale stride padding activation")
    let input = try call.map()
    let channels = input.shape.channels
    let kernel = try kernel(try call.text.member("weight"), at: 0, rank: 3)
    let window = try window(call, input.shape, kernel: kernel, outChannels: channels)
    let terms = kernel.height * kernel.width
    let filter = try filter(
      call.text, shape: [kernel.height, kernel.width, channels], outputs: channels, terms: terms,
      input: input,
      output: call.output)
    return (.depthwiseConv2d(window, filter), call.output.shape.count * terms, channels * terms + channels)
  }

  private func poolWindow(_ call: Call) throws(ModelError) -> mmx_window {
    try call.allowOnly("kernel stride padding")
    let input = try call.map()
    let kernel = try call.text.member("kernel").integers(2, in: 1...ModelLimits.extent)
    try checkTerms(kernel[0] * kernel[1], call.text)
    return try window(call, input.shape, kernel: (kernel[0], kernel[1]), outChannels: input.shape.channels)
  }

  private func maxPool(_ call: Call) throws(ModelError) -> Operation {
    let window = try poolWindow(call)
    try call.requireSameQuantization(as: try call.input())
    return .maxPool(window)
  }

  private func averagePool(_ call: Call) throws(ModelError) -> Operation {
    .averagePool(try poolWindow(call), multiplier: try poolMultiplier(call))
  }

  private func poolMultiplier(_ call: Call) throws(ModelError) -> UnsafePointer<Float> {
    let input = try call.input()
    return constants.copy([try multiplier(input.scale / call.output.scale, call.text)])
  }

  private func globalAveragePool(_ call: Call) throws(ModelError) -> Operation {
    try call.allowOnly("")
    let shape = try call.map().shape
    try call.require(Shape(vector: shape.channels))
    try checkTerms(shape.height * shape.width, call.text)
    let window = mmx_window(
      in_height: Int32(shape.height), in_width: Int32(shape.width), in_channels: Int32(shape.channels),
      out_height: 1, out_width: 1, out_channels: Int32(shape.channels), kernel_height: Int32(shape.height),
      kernel_width: Int32(shape.width), stride_y: 1, stride_x: 1, pad_top: 0, pad_left: 0)
    return .averagePool(window, multiplier: try poolMultiplier(call))
  }

  private mutating func linear(_ call: Call) throws(ModelError) -> (Operation, Int, Int) {
    try call.allowOnly("weight bias weight_scale activation")
    let input = try call.vector()
    let (inputs, outputs) = (input.shape.count, call.output.shape.count)
    try call.require(Shape(vector: outputs))
    let filter = try filter(
      call.text, shape: [outputs, inputs], outputs: outputs, terms: inputs, input: input, output: call.output)
    return (.linear(filter), inputs * outputs, inputs * outputs + outputs)
  }

  private mutating func logits(_ text: ModelText, _ scope: Scope) throws(ModelError) -> Node {
    try text.allowOnly("op inputs output weight bias weight_scale")
    let index = try use(try text.member("inputs").elements(1...1)[0], scope)
    let input = activations[index]
    let outputText = try text.member("output")
    let name = try outputText.name()
    guard indexOf[name] == nil else {
      throw outputText.error(.duplicate, "logits are no activation; \"\(name)\" is one")
    }
    try claim(name, outputText)
    guard input.shape.isVector else {
      throw try text.member("inputs").error(
        .shapeMismatch, "\"\(input.name)\" is a map; flatten or pool it first")
    }
    let terms = input.shape.count
    let filter = try filter(
      text, shape: [classCount, terms], outputs: classCount, terms: terms, input: input, output: nil)
    return Node(
      operation: .logits(filter), inputs: [index], output: nil, relu: false, macs: Int64(classCount * terms),
      parameters: Int64(classCount * terms + classCount))
  }

  private func add(_ call: Call) throws(ModelError) -> Operation {
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

  private func concat(_ call: Call) throws(ModelError) -> Operation {
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

  private func flatten(_ call: Call) throws(ModelError) -> Operation {
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
