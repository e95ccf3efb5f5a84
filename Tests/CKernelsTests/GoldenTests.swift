import CKernels
import Testing

/// Fingerprints of every function's bytes for fixed pseudo-random inputs. They are part of the specification: another
/// CPU, compiler or faster variant must give the same. Should one change on purpose, a trained model's answers change.
@Suite struct GoldenTests {
  private static func window(channels: Int, outChannels: Int) -> SlidingWindow {
    SlidingWindow(
      inHeight: 13, inWidth: 70, inChannels: channels, outChannels: outChannels, kernelHeight: 3,
      kernelWidth: 5, strideY: 2, strideX: 1, padTop: 1, padLeft: 2, padBottom: 1, padRight: 2)
  }

  /// A fixed output stage around the middle of the sums' range.
  private static func output(_ dice: inout Dice, channels: Int) -> Output {
    var output = Output(&dice, channels: channels)
    (output.inZero, output.outZero, output.low, output.high) = (-11, 4, -128, 127)
    return output
  }

  @Test(arguments: [(1, 0x80EA_9742_E1EE_6D2D as UInt64), (6, 0x7DFD_FD38_21F2_E624)]) func convolution(
    channels: Int, golden: UInt64
  ) {
    var dice = Dice(seed: 201)
    let w = Self.window(channels: channels, outChannels: 4)
    let output = Self.output(&dice, channels: 4)
    let (input, weight) = (dice.activations(w.inCount), dice.weights(4 * 15 * channels))
    let bias = dice.biases(4)
    var window = w.c
    let got = output.with { q in
      written(w.outCount) { mmx_conv2d_s8(&window, input, weight, bias, q, $0) }
    }
    #expect(fingerprint(got) == golden)
  }

  @Test func depthwise() {
    var dice = Dice(seed: 202)
    let w = Self.window(channels: 6, outChannels: 6)
    let output = Self.output(&dice, channels: 6)
    let (input, weight, bias) = (dice.activations(w.inCount), dice.weights(15 * 6), dice.biases(6))
    var window = w.c
    let got = output.with { q in
      written(w.outCount) { mmx_depthwise_conv2d_s8(&window, input, weight, bias, q, $0) }
    }
    #expect(fingerprint(got) == 0xE9AB_1D79_4BB5_45C2)
  }

  @Test func pools() {
    var dice = Dice(seed: 203)
    let w = Self.window(channels: 6, outChannels: 6)
    let input = dice.activations(w.inCount)
    var output = Self.output(&dice, channels: 1)
    output.multiplier = [1.37]
    var window = w.c
    #expect(fingerprint(written(w.outCount) { mmx_max_pool_s8(&window, input, $0) }) == 0x84B2_51DD_323D_6325)
    let average = output.with { q in
      written(w.outCount) { mmx_average_pool_s8(&window, input, q, $0) }
    }
    #expect(fingerprint(average) == 0x6097_F0C2_3516_8DC1)
  }

  @Test func linear() {
    var dice = Dice(seed: 204)
    let output = Self.output(&dice, channels: 33)
    let (input, weight, bias) = (dice.activations(150), dice.weights(150 * 33), dice.biases(33))
    let got = output.with { q in
      written(33) { mmx_linear_s8(input, 150, weight, bias, 33, q, $0) }
    }
    #expect(fingerprint(got) == 0x4EB0_8825_648F_4BDB)
    var logits = [Float](repeating: 0, count: 33)
    mmx_linear_f32(input, 150, weight, bias, 33, -11, output.multiplier, &logits)
    #expect(fingerprint(logits) == 0xCD27_4E16_6284_0EF2)
  }

  @Test func elementwise() {
    var dice = Dice(seed: 205)
    let (a, b) = (dice.activations(1_000), dice.activations(1_000))
    let sum = written(1_000) { mmx_add_s8(a, b, 1_000, 0.371, -5, 0.592, 9, 2, -100, 127, $0) }
    #expect(fingerprint(sum) == 0x29C6_49BF_0810_506A)
    #expect(
      fingerprint(written(1_000) { mmx_requantize_s8(a, 1_000, 0.83, -5, 17, $0) }) == 0xEC0E_D709_695C_1CA3)
    let values = (0..<1_000).map { _ in dice.float(-9...9) }
    #expect(
      fingerprint(written(1_000) { mmx_quantize_f32(values, 1_000, 0.07, 3, $0) }) == 0x0A6D_CB86_9C32_F983)
  }

  @Test func exponentAndLogarithm() {
    var dice = Dice(seed: 206)
    let values = (0..<10_000).map { _ in dice.float(-104...89) }
    #expect(fingerprint(values.map(mmx_expf)) == 0x1896_AC85_970B_35CA)
    let positive = (0..<10_000).map { _ in Float(bitPattern: UInt32(dice.int(1...0x7F7F_FFFF))) }
    #expect(fingerprint(positive.map(mmx_logf)) == 0x9D09_B22E_BBBF_C908)
  }

  @Test func softmaxEntropy() {
    var dice = Dice(seed: 207)
    var all: [Float] = []
    for _ in 0..<500 {
      let logits = (0..<dice.int(2...20)).map { _ in dice.float(-10...10) }
      let answer = SoftmaxEntropyTests.answer(logits, temperature: dice.float(0.1...4))
      all += [answer.entropy] + answer.probability
    }
    #expect(fingerprint(all) == 0xB9E1_8B8E_59D3_F317)
  }

  /// Noise over 40 dB of loudness.
  @Test(arguments: [(true, 0xB997_8232_2495_8D49 as UInt64), (false, 0xB756_29EC_31A1_2532)])
  func spectrogram(mel: Bool, golden: UInt64) {
    var dice = Dice(seed: 208)
    let pcm = (0..<16_000).map { Int16(dice.int(-32_768...32_767) / (1 + $0 / 160)) }
    let d = mmx_spectrogram.speech.with {
      ($0.mel, $0.center, $0.bands) = mel ? (1, 1, 40) : (0, 0, 129)
    }
    #expect(fingerprint(d.run(pcm, scale: 0.02, zero: 3)) == golden)
  }

  @Test func image() {
    var dice = Dice(seed: 209)
    let pixels = (0..<(61 * 47 * 3)).map { _ in UInt8(dice.int(0...255)) }
    let table = dice.activations(768)
    var d = mmx_image(width: 28, height: 24, channels: 3)
    var scratch = [UInt32](repeating: 0, count: mmx_image_scratch_size(&d, 61) / 4)
    let got = written(28 * 24 * 3) { mmx_image_run(&d, pixels, 61, 47, 3, table, &scratch, $0) }
    #expect(fingerprint(got) == 0x202E_FF04_CC93_276F)
  }
}
