/// One node's text with the activations it names.
struct NodeCall {
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
