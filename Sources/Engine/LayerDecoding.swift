import CKernels
import Vocabulary

/// Layers with weights.
extension GraphDecoder {
  mutating func filter(
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

  mutating func conv2d(_ call: NodeCall) throws(ModelError) -> (Operation, Int, Int) {
    try call.allowOnly("weight bias weight_scale stride padding activation")
    let input = try call.map()
    let outputs = call.output.shape.channels
    let kernel = try kernel(try call.text.member("weight"), at: 1, rank: 4)
    let window = try window(call, input.shape, kernel: kernel, outChannels: outputs)
    let terms = kernel.height * kernel.width * input.shape.channels
    let filter = try filter(
      call.text, shape: [outputs, kernel.height, kernel.width, input.shape.channels], outputs: outputs,
      terms: terms, input: input, output: call.output)
    return (
      .weighted(Weighted(kind: MMX_CONV2D, window: window, filter: filter)), call.output.shape.count * terms,
      outputs * terms + outputs
    )
  }

  mutating func depthwiseConv2d(_ call: NodeCall) throws(ModelError) -> (Operation, Int, Int) {
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
    return (
      .weighted(Weighted(kind: MMX_DEPTHWISE, window: window, filter: filter)),
      call.output.shape.count * terms, channels * terms + channels
    )
  }

  mutating func linear(_ call: NodeCall) throws(ModelError) -> (Operation, Int, Int) {
    try call.allowOnly("weight bias weight_scale activation")
    let input = try call.vector()
    let (inputs, outputs) = (input.shape.count, call.output.shape.count)
    try call.require(Shape(vector: outputs))
    let filter = try filter(
      call.text, shape: [outputs, inputs], outputs: outputs, terms: inputs, input: input, output: call.output)
    let window = vectorWindow(inputs, outputs)
    return (
      .weighted(Weighted(kind: MMX_LINEAR, window: window, filter: filter)), inputs * outputs,
      inputs * outputs + outputs
    )
  }

  mutating func logits(_ text: ModelText, _ scope: Scope) throws(ModelError) -> Node {
    try text.allowOnly("op inputs output weight bias weight_scale")
    let index = try use(try text.member("inputs").elements(1...1)[0], scope)
    let input = activations[index]
    let outputText = try text.member("output")
    let name = try outputText.name()
    guard indexOf[BytewiseText(name)] == nil else {
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
      operation: .weighted(
        Weighted(kind: MMX_LOGITS, window: vectorWindow(terms, classCount), filter: filter)),
      inputs: [index], output: nil, relu: false, macs: Int64(classCount * terms),
      parameters: Int64(classCount * terms + classCount))
  }

  private func vectorWindow(_ inputs: Int, _ outputs: Int) -> mmx_window {
    mmx_window(
      in_height: 1, in_width: 1, in_channels: Int32(inputs), out_height: 1, out_width: 1,
      out_channels: Int32(outputs), kernel_height: 1, kernel_width: 1, stride_y: 1, stride_x: 1, pad_top: 0,
      pad_left: 0)
  }
}
