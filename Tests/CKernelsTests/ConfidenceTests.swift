import CKernels
import Glibc
import Testing

/// Distance in units in the last place of the float nearest to the exact value.
private func ulps(_ got: Float, _ exact: Double) -> Double {
  let nearest = Float(exact)
  if nearest.isInfinite || got.isInfinite { return got == nearest ? 0 : .infinity }
  return abs(Double(got) - exact) / Double(nearest.ulp)
}

@Suite struct ExponentTests {
  @Test func isWithinOneUlpOverTheWholeRange() {
    var worst = 0.0
    for step in 0..<400_000 {
      let x = -104.5 + Float(step) * (194.5 / 400_000)
      worst = max(worst, ulps(mmx_expf(x), Glibc.exp(Double(x))))
    }
    #expect(worst <= 1)
  }

  @Test func smallArgumentsAreExact() {
    var x: Float = 1
    while x > 0 {
      #expect(ulps(mmx_expf(x), Glibc.exp(Double(x))) <= 1)
      #expect(ulps(mmx_expf(-x), Glibc.exp(Double(-x))) <= 1)
      x /= 2.75
    }
    #expect(mmx_expf(0) == 1)
    #expect(mmx_expf(-0.0) == 1)
  }

  @Test func endsOfTheRange() {
    #expect(mmx_expf(.infinity) == .infinity)
    #expect(mmx_expf(-.infinity) == 0)
    #expect(mmx_expf(.nan).isNaN)
    let last = Float(0x1.62e42ep6)
    #expect(mmx_expf(last).isFinite)
    #expect(mmx_expf(last.nextUp) == .infinity)
    #expect(mmx_expf(.greatestFiniteMagnitude) == .infinity)
    #expect(mmx_expf(-.greatestFiniteMagnitude) == 0)
    // Below the smallest normal number the result loses bits, but is not flushed.
    #expect(mmx_expf(-103.9) == .leastNonzeroMagnitude)
    #expect(mmx_expf(-104) == 0)
  }
}

@Suite struct LogarithmTests {
  @Test func isWithinOneUlpOverTheWholeRange() {
    var worst = 0.0
    var pattern: UInt32 = 1
    while pattern < Float.infinity.bitPattern {
      let x = Float(bitPattern: pattern)
      worst = max(worst, ulps(mmx_logf(x), Glibc.log(Double(x))))
      pattern += 4093
    }
    #expect(worst <= 1)
  }

  @Test func isWithinOneUlpAroundOne() {
    var worst = 0.0
    for offset in -20_000...20_000 {
      let x = Float(bitPattern: UInt32(Int(Float(1).bitPattern) + offset))
      worst = max(worst, ulps(mmx_logf(x), Glibc.log(Double(x))))
    }
    #expect(worst <= 1)
    #expect(mmx_logf(1) == 0)
  }

  @Test func endsOfTheRange() {
    #expect(mmx_logf(0) == -.infinity)
    #expect(mmx_logf(-0.0) == -.infinity)
    #expect(mmx_logf(.infinity) == .infinity)
    #expect(mmx_logf(-1).isNaN)
    #expect(mmx_logf(-.infinity).isNaN)
    #expect(mmx_logf(.nan).isNaN)
    #expect(ulps(mmx_logf(.leastNonzeroMagnitude), Glibc.log(0x1p-149)) <= 1)
    #expect(ulps(mmx_logf(.greatestFiniteMagnitude), Glibc.log(0x1.fffffep127)) <= 1)
  }
}

@Suite struct SoftmaxEntropyTests {
  struct Answer: Equatable {
    var entropy: Float
    var best: Int32
    var probability: [Float]
  }

  static func answer(_ logits: [Float], temperature: Float = 1) -> Answer {
    var probability = [Float](repeating: -1, count: logits.count)
    var best: Int32 = -1
    let entropy = mmx_softmax_entropy(logits, Int32(logits.count), temperature, &probability, &best)
    return Answer(entropy: entropy, best: best, probability: probability)
  }

  @Test func agreesWithTheFormulaInDouble() {
    var dice = Dice(seed: 81)
    for _ in 0..<500 {
      let n = dice.int(2...20)
      let temperature = dice.float(0.05...10)
      let logits = (0..<n).map { _ in dice.float(-12...12) }
      let got = Self.answer(logits, temperature: temperature)
      let powers = logits.map { Glibc.exp(Double($0) / Double(temperature)) }
      let sum = powers.reduce(0, +)
      var entropy = 0.0
      for (i, power) in powers.enumerated() {
        let p = power / sum
        if p > 0 { entropy -= p * Glibc.log(p) / Glibc.log(Double(n)) }
        #expect(abs(Double(got.probability[i]) - p) < 3e-6)
      }
      #expect(abs(Double(got.entropy) - entropy) < 3e-6)
      #expect(abs(got.probability.reduce(0, +) - 1) < 1e-5)
      #expect(logits[Int(got.best)] == logits.max())
    }
  }

  @Test(arguments: [2, 3, 7, 10, 1000]) func equalLogitsAreFullyUnsure(n: Int) {
    for value: Float in [0, -3.7, 1e30] {
      let got = Self.answer([Float](repeating: value, count: n), temperature: 0.7)
      #expect(got.entropy == 1)
      #expect(got.best == 0)
      #expect(got.probability == [Float](repeating: 1 / Float(n), count: n))
    }
  }

  @Test func oneFarAheadIsFullySure() {
    var logits = [Float](repeating: -1000, count: 9)
    logits[4] = 1000
    let got = Self.answer(logits)
    #expect(got.entropy == 0)
    #expect(got.best == 4)
    #expect(got.probability == [0, 0, 0, 0, 1, 0, 0, 0, 0])
  }

  @Test func aShiftOfAllLogitsChangesNothing() {
    var dice = Dice(seed: 82)
    for _ in 0..<100 {
      // Whole numbers, so that the shift itself is exact.
      let logits = (0..<8).map { _ in Float(dice.int(-9...9)) }
      let shift = Float(dice.int(-1000...1000))
      #expect(
        Self.answer(logits, temperature: 1.3) == Self.answer(logits.map { $0 + shift }, temperature: 1.3))
    }
  }

  @Test func entropyRisesWithTheTemperature() {
    let logits: [Float] = [2, 1, 0, -1]
    let entropies = [0.1, 0.5, 1, 2, 5, 100].map { Self.answer(logits, temperature: $0).entropy }
    #expect(entropies == entropies.sorted())
    #expect(Set(entropies).count == entropies.count)
  }

  @Test func theFirstOfEqualsIsBest() {
    #expect(Self.answer([1, 5, 5, 5, 0]).best == 1)
    #expect(Self.answer([-0.0, 0.0]).best == 0)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func whatIsNotANumberIsNeverSure(bad: Float) {
    for place in 0..<3 {
      var logits: [Float] = [100, 0, 0]
      logits[place] = bad
      #expect(
        Self.answer(logits) == Answer(entropy: 1, best: 0, probability: [Float](repeating: 1 / 3, count: 3)))
    }
  }

  @Test(arguments: [Float.nan, 0, -1]) func anUnsoundTemperatureIsNeverSure(temperature: Float) {
    #expect(Self.answer([100, 0], temperature: temperature).entropy == 1)
  }

  @Test func hugeLogitsAndTinyTemperaturesStayDefined() {
    let huge = Float.greatestFiniteMagnitude
    #expect(Self.answer([huge, -huge, 0]) == Answer(entropy: 0, best: 0, probability: [1, 0, 0]))
    #expect(Self.answer([1, 0], temperature: .leastNonzeroMagnitude).entropy == 0)
    #expect(Self.answer([1, 0], temperature: .infinity).entropy == 1)
  }
}
