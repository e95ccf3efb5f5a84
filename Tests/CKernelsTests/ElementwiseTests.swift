import CKernels
import Testing

private let every = (-128...127).map { Int8($0) }

@Suite struct QuantizeTests {
  private static func quantized(_ values: [Float], scale: Float = 1, zero: Int32 = 0) -> [Int8]? {
    written(values.count) { mmx_quantize_f32(values, Int32(values.count), scale, zero, $0) }
  }

  @Test func tiesGoToTheEvenNeighbour() {
    let ties: [Float] = [-3.5, -2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, 3.5, 125.5, 126.5]
    #expect(Self.quantized(ties) == [-4, -2, -2, 0, 0, 0, 2, 2, 4, 126, 126])
  }

  /// The neighbours of a tie are no ties.
  @Test func neighboursOfTiesGoToTheNearest() {
    let values: [Float] = [
      Float(0.5).nextUp, Float(0.5).nextDown, Float(2.5).nextUp, Float(1.5).nextDown, Float(-2.5).nextDown,
    ]
    #expect(Self.quantized(values) == [1, 0, 3, 1, -3])
  }

  @Test func theRoundingIsBeforeTheZeroPoint() {
    // 0.5 rounds to 0 before 1 is added; rounding 1.5 would give 2.
    #expect(Self.quantized([0.5, 1.5], zero: 1) == [1, 3])
  }

  @Test func whatIsOutOfRangeSaturates() {
    let values: [Float] = [
      127.5, 128, 300, 511, 513, 1e9, 3e9, 1e30, .greatestFiniteMagnitude, .infinity,
    ]
    for zero: Int32 in [-128, 0, 127] {
      let high = values.map { requantized($0, zero: zero) }
      let low = values.map { requantized(-$0, zero: zero) }
      #expect(Self.quantized(values, zero: zero) == high)
      #expect(Self.quantized(values.map { -$0 }, zero: zero) == low)
      #expect(high.suffix(6) == [127, 127, 127, 127, 127, 127])
      #expect(low.suffix(6) == [-128, -128, -128, -128, -128, -128])
    }
  }

  @Test func notANumberIsTheZeroPoint() {
    #expect(Self.quantized([.nan, -.nan, .signalingNaN], zero: -17) == [-17, -17, -17])
  }

  @Test func randomValuesAgreeWithTheDefinition() {
    var dice = Dice(seed: 51)
    for _ in 0..<50 {
      let scale = dice.float(0.001...2)
      let zero = dice.zeroPoint()
      let values = (0..<100).map { _ in dice.float(-300...300) * scale }
      #expect(
        Self.quantized(values, scale: scale, zero: zero) == values.map { requantized($0 / scale, zero: zero) }
      )
    }
  }
}

@Suite struct RequantizeTests {
  @Test func everyValueAgreesWithTheDefinition() {
    var dice = Dice(seed: 61)
    for _ in 0..<100 {
      let (from, to) = (dice.zeroPoint(), dice.zeroPoint())
      let multiplier = dice.float(0.01...4)
      let got = written(256) { mmx_requantize_s8(every, 256, multiplier, from, to, $0) }
      let wanted = every.map { requantized(Float(Int32($0) - from) * multiplier, zero: to) }
      #expect(got == wanted)
    }
  }

  @Test func theSameScaleIsTheIdentity() {
    for zero: Int32 in [-128, -3, 0, 127] {
      #expect(written(256) { mmx_requantize_s8(every, 256, 1, zero, zero, $0) } == every)
    }
  }

  @Test func soundAndUnsoundMultipliersAlikeAreDefined() {
    #expect(written(3) { mmx_requantize_s8([-1, 0, 1], 3, .infinity, 0, 5, $0) } == [-128, 5, 127])
    #expect(written(3) { mmx_requantize_s8([-1, 0, 1], 3, .nan, 0, 5, $0) } == [5, 5, 5])
  }
}

@Suite struct AddTests {
  @Test func everyPairAgreesWithTheDefinition() {
    var dice = Dice(seed: 71)
    let a = every.flatMap { [Int8](repeating: $0, count: 256) }
    let b = (0..<256).flatMap { _ in every }
    for _ in 0..<6 {
      let (aScale, bScale) = (dice.float(0.01...2), dice.float(0.01...2))
      let (aZero, bZero) = (dice.zeroPoint(), dice.zeroPoint())
      let output = Output(&dice, channels: 1)
      let got = written(a.count) {
        mmx_add_s8(
          a, b, Int32(a.count), aScale, aZero, bScale, bZero, output.outZero, output.low, output.high, $0)
      }
      let wanted = a.indices.map { i in
        let left = aScale * Float(Int32(a[i]) - aZero)
        let right = bScale * Float(Int32(b[i]) - bZero)
        return requantized(left + right, zero: output.outZero, low: output.low, high: output.high)
      }
      #expect(got == wanted)
    }
  }

  /// A fused multiply-add would give 0.5 and a little and round it up.
  @Test func productsAreRoundedBeforeTheyAreAdded() {
    var dice = Dice(seed: 72)
    var differing = 0
    for _ in 0..<20_000 {
      let (a, b) = (dice.activation(), dice.activation())
      let aScale = dice.float(0.01...1)
      // Chosen so that the sum lies near a tie.
      let target = Float(dice.int(-100...100)) + 0.5
      guard b != 0 else { continue }
      let bScale = (target - aScale * Float(a)) / Float(b)
      let separate = requantized(aScale * Float(a) + bScale * Float(b), zero: 0)
      let fused = requantized((bScale * Float(b)).addingProduct(aScale, Float(a)), zero: 0)
      if separate != fused { differing += 1 }
      #expect(written(1) { mmx_add_s8([a], [b], 1, aScale, 0, bScale, 0, 0, -128, 127, $0) } == [separate])
    }
    #expect(differing > 0)
  }
}

@Suite struct MultiplyTests {
  @Test func everyPairAgreesWithTheDefinition() {
    var dice = Dice(seed: 81)
    let a = every.flatMap { [Int8](repeating: $0, count: 256) }
    let b = (0..<256).flatMap { _ in every }
    for _ in 0..<6 {
      let multiplier = dice.float(0.0001...0.1)
      let (aZero, bZero) = (dice.zeroPoint(), dice.zeroPoint())
      let output = Output(&dice, channels: 1)
      let got = written(a.count) {
        mmx_multiply_s8(
          a, b, Int32(a.count), aZero, bZero, multiplier, output.outZero, output.low, output.high, $0)
      }
      let wanted = a.indices.map { i in
        requantized(
          Float((Int32(a[i]) - aZero) * (Int32(b[i]) - bZero)) * multiplier, zero: output.outZero,
          low: output.low, high: output.high)
      }
      #expect(got == wanted)
    }
  }
}

@Suite struct TableTests {
  @Test func everyCodeFindsItsPlace() {
    var dice = Dice(seed: 91)
    let table = (0..<256).map { _ in dice.activation() }
    #expect(written(256) { mmx_table_s8(every, 256, table, $0) } == table)
    #expect(written(3) { mmx_table_s8([127, -128, 0], 3, table, $0) } == [table[255], table[0], table[128]])
  }
}
