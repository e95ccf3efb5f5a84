import CKernels
import Testing

/// A random linear layer and its sums by the definition.
private struct Layer {
  var input: [Int8]
  var weight: [Int8]
  var bias: [Int32]
  var inZero: Int32

  init(_ dice: inout Dice, inputs: Int, outputs: Int) {
    input = dice.activations(inputs)
    weight = dice.weights(inputs * outputs)
    bias = dice.biases(outputs)
    inZero = dice.zeroPoint()
  }

  func sum(_ oc: Int) -> Int {
    input.indices.reduce(Int(bias[oc])) {
      $0 + (Int(input[$1]) - Int(inZero)) * Int(weight[oc * input.count + $1])
    }
  }
}

@Suite struct LinearTests {
  @Test(arguments: [1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 63, 100, 255, 1024])
  func agreesWithBruteForce(inputs: Int) {
    var dice = Dice(seed: 31 + UInt64(inputs))
    for outputs in [1, 2, 5, 10] {
      let layer = Layer(&dice, inputs: inputs, outputs: outputs)
      var output = Output(&dice, channels: outputs)
      output.inZero = layer.inZero
      let got = output.with { q in
        written(outputs) {
          mmx_linear_s8(layer.input, Int32(inputs), layer.weight, layer.bias, Int32(outputs), q, $0)
        }
      }
      #expect(got == (0..<outputs).map { output.finish(layer.sum($0), channel: $0) })
    }
  }

  @Test(arguments: [1, 2, 9, 16, 40, 129]) func logitsAreTheScaledSum(inputs: Int) {
    var dice = Dice(seed: 41 + UInt64(inputs))
    for outputs in [1, 2, 10] {
      let layer = Layer(&dice, inputs: inputs, outputs: outputs)
      let scale = dice.multipliers(outputs)
      var got = [Float](repeating: .nan, count: outputs + 1)
      mmx_linear_f32(
        layer.input, Int32(inputs), layer.weight, layer.bias, Int32(outputs), layer.inZero, scale, &got)
      #expect(Array(got[..<outputs]) == (0..<outputs).map { Float(layer.sum($0)) * scale[$0] })
      #expect(got[outputs].isNaN)
    }
  }

  /// Above 2^24 a sum becomes the nearest float before it is scaled.
  @Test func largeSumsRoundToTheNearestFloat() {
    var got: [Float] = [0, 0, 0]
    mmx_linear_f32([0], 1, [0, 0, 0], [16_777_217, 16_777_219, -16_777_217], 3, 0, [1, 1, 1], &got)
    #expect(got == [16_777_216, 16_777_220, -16_777_216])
  }

  /// What the loader should have refused wraps, as the header says; it does not trap and is the same everywhere.
  @Test func sumsThatOverflowWrap() {
    var got: [Float] = [0]
    mmx_linear_f32([1], 1, [1], [.max], 1, 0, [1], &got)
    #expect(got == [-0x1p31])
  }
}
