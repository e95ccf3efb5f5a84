import CKernels
import Testing

@Suite struct DepthwiseTests {
  @Test func randomShapesAgreeWithBruteForce() {
    var dice = Dice(seed: 11)
    for round in 0..<200 {
      // Some with more channels than one tile of sums.
      let channels = round % 20 == 0 ? dice.int(63...130) : dice.int(1...9)
      let w = SlidingWindow.random(&dice, channels: channels, extent: round % 20 == 0 ? 4 : 9)
      let input = dice.activations(w.inCount)
      let weight = dice.weights(w.kernelHeight * w.kernelWidth * channels)
      let bias = dice.biases(channels)
      let output = Output(&dice, channels: channels)
      var window = w.c
      let got = output.with { q in
        written(w.outCount) { mmx_depthwise_conv2d_s8(&window, input, weight, bias, q, $0) }
      }
      let wanted = w.map { taps, c in
        var sum = Int(bias[c])
        for tap in taps {
          let at = (tap.ky * w.kernelWidth + tap.kx) * channels + c
          sum += (Int(input[tap.cell + c]) - Int(output.inZero)) * Int(weight[at])
        }
        return output.finish(sum, channel: c)
      }
      #expect(got == wanted, "\(w)")
    }
  }
}
