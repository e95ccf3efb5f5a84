import CKernelCheck
import CKernels
import Testing

/// Every path that this machine can run, against the portable kernels. `mmexit-bench check` runs many more cases.
@Suite struct PathTests {
  static let paths = (1..<Int(MMX_ISA_COUNT)).map { mmx_isa(rawValue: UInt32($0)) }
    .filter { mmx_isa_available($0) != 0 }

  @Test(arguments: paths, [(MMX_CHECK_LAYERS, 1500), (MMX_CHECK_PLAIN, 1500), (MMX_CHECK_FEATURES, 150)])
  func randomCasesGiveTheSameBytes(isa: mmx_isa, work: (kind: mmx_check_kind, cases: Int)) throws {
    let checker = try #require(mmx_checker_new())
    defer { mmx_checker_free(checker) }
    for number in 0..<work.cases {
      var text = [CChar](repeating: 0, count: Int(MMX_CHECK_TEXT))
      let same = mmx_check_case(checker, isa, work.kind, UInt64(number), &text) == 1
      #expect(same, "\(String(cString: text))")
    }
  }

  /// What a path makes of one picture must differ when the picture does: else the check of features compares nothing.
  @Test func onePixelMakesADifference() {
    var dice = Dice(seed: 62)
    var description = mmx_image(width: 8, height: 6, channels: 3)
    let pixels = (0..<(40 * 30 * 3)).map { _ in UInt8(dice.int(0...200)) }
    let table = (0..<768).map { Int8(truncatingIfNeeded: $0) }
    var other = pixels
    for sample in 0..<120 { other[20 * 120 + sample] += 50 }
    func output(_ isa: mmx_isa, _ pixels: [UInt8]) -> [Int8]? {
      var scratch = [UInt8](repeating: 0, count: mmx_image_scratch_size(&description, 40))
      return written(8 * 6 * 3) {
        mmx_plain(isa).pointee.image(&description, pixels, 40, 30, 3, table, &scratch, $0)
      }
    }
    for isa in Self.paths {
      #expect(output(isa, pixels) == output(MMX_PORTABLE, pixels))
      #expect(output(isa, other) != output(MMX_PORTABLE, pixels))
    }
  }

  /// A check that nothing can fail would prove nothing: against a layer with one weight changed, it must.
  @Test func oneWeightMakesADifference() throws {
    var window = mmx_window(
      in_height: 6, in_width: 7, in_channels: 5, out_height: 6, out_width: 7, out_channels: 9,
      kernel_height: 3,
      kernel_width: 3, stride_y: 1, stride_x: 1, pad_top: 1, pad_left: 1)
    var dice = Dice(seed: 61)
    let input = dice.activations(6 * 7 * 5)
    let bias = dice.biases(9)
    let multiplier = [Float](repeating: 0.001, count: 9)
    func output(_ isa: mmx_isa, _ weight: [Int8]) -> [Int8]? {
      var q = mmx_requantize(
        multiplier: nil, in_zero_point: 3, out_zero_point: -4, clamp_min: -128, clamp_max: 127)
      var layer = mmx_layer()
      mmx_layer_plan(isa, MMX_CONV2D, &window, &q, 1, &layer)
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: layer.constant_bytes + layer.scratch_bytes + 64, alignment: 64)
      defer { memory.deallocate() }
      let scratch = memory + (layer.constant_bytes + 63) / 64 * 64
      return weight.withUnsafeBufferPointer { w in
        bias.withUnsafeBufferPointer { b in
          multiplier.withUnsafeBufferPointer { m in
            mmx_layer_pack(&layer, w.baseAddress, b.baseAddress, m.baseAddress, memory)
            return written(3 * 3 * 9) { mmx_layer_run(&layer, input, scratch, $0) }
          }
        }
      }
    }
    let weight = dice.weights(9 * 9 * 5)
    var other = weight
    other[200] = other[200] == 100 ? -100 : 100
    let wanted = output(MMX_PORTABLE, weight)
    for isa in Self.paths {
      #expect(output(isa, weight) == wanted)
      #expect(output(isa, other) != wanted)
    }
  }

  @Test func namesAndProbes() {
    #expect(mmx_isa_available(MMX_PORTABLE) == 1)
    #expect(mmx_isa_available(mmx_best_isa()) == 1)
    #expect(mmx_isa_available(mmx_isa(rawValue: 99)) == 0)
    #expect(String(cString: mmx_isa_name(MMX_AVX512_VNNI)) == "avx512vnni")
  }
}
