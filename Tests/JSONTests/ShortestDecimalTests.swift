import JSON
import Testing

@Suite struct ShortestDecimalTests {
  private func text(_ number: Double) -> String {
    var writer = JSONWriter(capacity: 64)
    writer.value(number)
    return writer.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  private func text(_ number: Float) -> String {
    var writer = JSONWriter(capacity: 64)
    writer.value(number)
    return writer.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  /// The significant digits alone, to compare with the standard library's, which lays them out otherwise.
  private func digits(_ text: String) -> String {
    let mantissa = text.prefix { $0 != "e" }.filter { $0.isNumber }.drop { $0 == "0" }
    return String(mantissa.reversed().drop { $0 == "0" }.reversed())
  }

  @Test(arguments: [
    (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-1.5, "-1.5"), (0.1, "0.1"), (1.0 / 3, "0.3333333333333333"),
    (1e15, "1000000000000000.0"), (1e16, "1.0e16"), (123456.5, "123456.5"), (1e-5, "0.00001"),
    (1.25e-6, "1.25e-6"), (.leastNonzeroMagnitude, "5.0e-324"),
    (1.7976931348623157e308, "1.7976931348623157e308"),
    (2.2250738585072014e-308, "2.2250738585072014e-308"), (9_007_199_254_740_992, "9007199254740992.0"),
    (.infinity, "null"), (-.infinity, "null"), (.nan, "null"),
  ])
  func writesDoublesAsExpected(_ number: Double, _ expected: String) { #expect(text(number) == expected) }

  @Test(arguments: [
    (Float(0.1), "0.1"), (1.0 / 3, "0.33333334"), (16_777_216, "16777216.0"),
    (.leastNonzeroMagnitude, "1.0e-45"),
    (3.4028235e38, "3.4028235e38"), (.nan, "null"), (-0.0, "-0.0"),
  ])
  func writesFloatsAsExpected(_ number: Float, _ expected: String) { #expect(text(number) == expected) }

  @Test func readsBackAndIsAsShortAsTheStandardLibrarys() {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
    var wrong: [String] = []
    for round in 0..<20_000 {
      let bits = next()
      // Powers of two are the lopsided intervals; small decimals are what ledgers hold.
      let number: Double =
        switch round % 4 {
        case 0: Double(sign: .plus, exponent: Int(bits % 2000) - 1000, significand: 1)
        case 1: Double(Int64(bits % 1_000_000)) / 1000
        default: Double(bitPattern: bits)
        }
      guard number.isFinite, number != 0 else { continue }
      let ours = text(number)
      if Double(ours) != number || digits(ours) != digits(number.description) { wrong.append(ours) }
      let single = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      guard single.isFinite, single != 0 else { continue }
      let short = text(single)
      if Float(short) != single || digits(short) != digits(single.description) { wrong.append(short) }
    }
    #expect(wrong.isEmpty)
  }
}
