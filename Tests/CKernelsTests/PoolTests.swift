import CKernels
import Testing

@Suite struct PoolTests {
  private static func windows(seed: UInt64) -> [SlidingWindow] {
    var dice = Dice(seed: seed)
    return (0..<200).map { round in
      let channels = round % 20 == 0 ? dice.int(63...130) : dice.int(1...9)
      return SlidingWindow.random(&dice, channels: channels, extent: round % 20 == 0 ? 4 : 9)
    }
  }

  @Test func maximumAgreesWithBruteForce() {
    var dice = Dice(seed: 21)
    for w in Self.windows(seed: 22) {
      let input = dice.activations(w.inCount)
      var window = w.c
      let got = written(w.outCount) { mmx_max_pool_s8(&window, input, $0) }
      let wanted = w.map { taps, c in taps.map { input[$0.cell + c] }.max() ?? -128 }
      #expect(got == wanted, "\(w)")
    }
  }

  @Test func averageAgreesWithBruteForce() {
    var dice = Dice(seed: 23)
    for w in Self.windows(seed: 24) {
      let input = dice.activations(w.inCount)
      var output = Output(&dice, channels: 1)
      output.multiplier = [dice.float(0.2...3)]
      var window = w.c
      let got = output.with { q in
        written(w.outCount) { mmx_average_pool_s8(&window, input, q, $0) }
      }
      let wanted = w.map { taps, c in
        guard !taps.isEmpty else { return output.finish(0, channel: 0) }
        let sum = taps.reduce(0) { $0 + Int(input[$1.cell + c]) - Int(output.inZero) }
        let mean = Float(sum) * (output.multiplier[0] / Float(taps.count))
        return requantized(mean, zero: output.outZero, low: output.low, high: output.high)
      }
      #expect(got == wanted, "\(w)")
    }
  }

  /// Global pooling of a constant gives the constant, whatever the extents.
  @Test(arguments: [1, 3, 7, 112]) func globalAverageOfAConstantIsTheConstant(extent: Int) {
    let side = Int32(extent)
    var window = mmx_window(
      in_height: side, in_width: side, in_channels: 2, out_height: 1, out_width: 1, out_channels: 2,
      kernel_height: side, kernel_width: side, stride_y: 1, stride_x: 1, pad_top: 0, pad_left: 0)
    var one: Float = 1
    let input = (0..<(extent * extent * 2)).map { $0 % 2 == 0 ? Int8(-128) : Int8(127) }
    let got = withUnsafePointer(to: &one) { one in
      var q = mmx_requantize(
        multiplier: one, in_zero_point: -5, out_zero_point: -5, clamp_min: -128, clamp_max: 127)
      return written(2) { mmx_average_pool_s8(&window, input, &q, $0) }
    }
    #expect(got == [-128, 127])
  }
}
