import CKernels
import Testing

private func kernel(
  _ w: SlidingWindow, _ input: [Int8], _ weight: [Int8], _ bias: [Int32], _ output: Output
) -> [Int8]? {
  var window = w.c
  return output.with { q in
    written(w.outCount) { mmx_conv2d_s8(&window, input, weight, bias, q, $0) }
  }
}

private func bruteForce(
  _ w: SlidingWindow, _ input: [Int8], _ weight: [Int8], _ bias: [Int32], _ output: Output
) -> [Int8] {
  w.map { taps, oc in
    var sum = Int(bias[oc])
    for tap in taps {
      for ic in 0..<w.inChannels {
        let at = ((oc * w.kernelHeight + tap.ky) * w.kernelWidth + tap.kx) * w.inChannels + ic
        sum += (Int(input[tap.cell + ic]) - Int(output.inZero)) * Int(weight[at])
      }
    }
    return output.finish(sum, channel: oc)
  }
}

private func agrees(_ w: SlidingWindow, _ dice: inout Dice) -> Bool {
  let input = dice.activations(w.inCount)
  let weight = dice.weights(w.outChannels * w.kernelHeight * w.kernelWidth * w.inChannels)
  let bias = dice.biases(w.outChannels)
  let output = Output(&dice, channels: w.outChannels)
  return kernel(w, input, weight, bias, output) == bruteForce(w, input, weight, bias, output)
}

@Suite struct ConvolutionTests {
  @Test func randomShapesAgreeWithBruteForce() {
    var dice = Dice(seed: 1)
    for _ in 0..<250 {
      let w = SlidingWindow.random(&dice, channels: dice.int(1...7), outChannels: dice.int(1...5))
      #expect(agrees(w, &dice), "\(w)")
    }
  }

  @Test func singleChannelAgreesWithBruteForce() {
    var dice = Dice(seed: 2)
    for _ in 0..<150 {
      let w = SlidingWindow.random(&dice, channels: 1, outChannels: dice.int(1...3))
      #expect(agrees(w, &dice), "\(w)")
    }
    // Rows longer than one tile of sums.
    for stride in 1...3 {
      for width in [64, 68, 69, 133, 200] {
        let w = SlidingWindow(
          inHeight: 4, inWidth: width, inChannels: 1, outChannels: 2, kernelHeight: 3, kernelWidth: 5,
          strideY: 1, strideX: stride, padTop: 1, padLeft: 2, padBottom: 1, padRight: 2)
        #expect(agrees(w, &dice), "\(w)")
      }
    }
  }

  @Test func pointwiseAndWideChannelsAgreeWithBruteForce() {
    var dice = Dice(seed: 3)
    for channels in [15, 16, 17, 31, 33, 64, 65] {
      let w = SlidingWindow(
        inHeight: 3, inWidth: 2, inChannels: channels, outChannels: 3, kernelHeight: 1, kernelWidth: 1,
        strideY: 1, strideX: 1, padTop: 0, padLeft: 0, padBottom: 0, padRight: 0)
      #expect(agrees(w, &dice), "\(w)")
    }
  }

  /// Real 0 outside the image: with every input at the zero point only the bias is left, at the borders too.
  @Test(arguments: [Int32(-128), -1, 0, 127]) func paddingIsRealZero(zero: Int32) {
    var dice = Dice(seed: 4)
    let w = SlidingWindow(
      inHeight: 5, inWidth: 5, inChannels: 2, outChannels: 1, kernelHeight: 3, kernelWidth: 3, strideY: 1,
      strideX: 1, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1)
    var output = Output(&dice, channels: 1)
    (output.inZero, output.outZero, output.low, output.high) = (zero, 0, -128, 127)
    output.multiplier = [1]
    let input = [Int8](repeating: Int8(zero), count: w.inCount)
    #expect(
      kernel(w, input, dice.weights(18), [42], output) == [Int8](repeating: 42, count: w.outCount))
  }

  /// The largest sums that the header allows: 65,536 terms of 255 * 127, and the bias that is still allowed then.
  @Test func largestSumsDoNotOverflow() {
    var dice = Dice(seed: 5)
    let terms = Int(MMX_MAX_TERMS)
    let w = SlidingWindow(
      inHeight: 16, inWidth: 16, inChannels: 256, outChannels: 1, kernelHeight: 16, kernelWidth: 16,
      strideY: 1, strideX: 1, padTop: 0, padLeft: 0, padBottom: 0, padRight: 0)
    var output = Output(&dice, channels: 1)
    (output.inZero, output.outZero, output.low, output.high) = (-128, 0, -128, 127)
    output.multiplier = [100 / 0x1p31]
    let bias = Int32.max - Int32(terms) * Int32(MMX_MAX_TERM)
    let input = [Int8](repeating: 127, count: terms)
    let up = [Int8](repeating: 127, count: terms)
    let down = [Int8](repeating: -127, count: terms)
    #expect(kernel(w, input, up, [bias], output) == [100])
    #expect(kernel(w, input, down, [-bias], output) == [-100])
  }
}
