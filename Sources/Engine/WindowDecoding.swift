import CKernels
import Vocabulary

/// Sliding windows, and the operations that are nothing else.
extension GraphDecoder {
  func window(
    _ call: NodeCall, _ input: Shape, kernel: (height: Int, width: Int), outChannels: Int
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

  func checkTerms(_ terms: Int, _ text: ModelText) throws(ModelError) {
    guard terms <= Int(MMX_MAX_TERMS) else {
      throw text.error(.tooManyTerms, "a sum of \(terms) terms; at most \(MMX_MAX_TERMS) fit 32 bits")
    }
  }

  /// Kernel extents of a weight tensor, which come from its shape in the file.
  func kernel(_ text: ModelText, at axis: Int, rank: Int) throws(ModelError) -> (
    height: Int, width: Int
  ) {
    let name = try text.name()
    guard let tensor = container.tensors[BytewiseText(name)] else {
      throw text.error(.unknownTensor, "the file holds no tensor \"\(name)\"")
    }
    guard tensor.shape.count == rank, tensor.shape.allSatisfy({ $0 <= ModelLimits.extent }) else {
      throw text.error(
        .tensorMismatch,
        "expected \(rank) extents of at most \(ModelLimits.extent), tensor \"\(name)\" is \(tensor.shape)")
    }
    return (tensor.shape[axis], tensor.shape[axis + 1])
  }

  func poolWindow(_ call: NodeCall) throws(ModelError) -> mmx_window {
    try call.allowOnly("kernel stride padding")
    let input = try call.map()
    let kernel = try call.text.member("kernel").integers(2, in: 1...ModelLimits.extent)
    try checkTerms(kernel[0] * kernel[1], call.text)
    return try window(call, input.shape, kernel: (kernel[0], kernel[1]), outChannels: input.shape.channels)
  }

  func maxPool(_ call: NodeCall) throws(ModelError) -> Operation {
    let window = try poolWindow(call)
    try call.requireSameQuantization(as: try call.input())
    return .maxPool(window)
  }

  func averagePool(_ call: NodeCall) throws(ModelError) -> Operation {
    .averagePool(try poolWindow(call), multiplier: try poolMultiplier(call))
  }

  func poolMultiplier(_ call: NodeCall) throws(ModelError) -> UnsafePointer<Float> {
    let input = try call.input()
    return constants.copy([try multiplier(input.scale / call.output.scale, call.text)])
  }

  func globalAveragePool(_ call: NodeCall) throws(ModelError) -> Operation {
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
}
