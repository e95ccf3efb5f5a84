/// The shortest decimal digits that read back as the same binary number, and of those the nearest to it.
/// Steele and White's free-format algorithm (1990) with exact integers: the same digits on every CPU, no table,
/// no locale and no heap. Value = 0.d1d2d3... x 10^`exponent`.
struct ShortestDecimal {
  /// A double needs at most 17.
  private(set) var digits = InlineArray<18, UInt8>(repeating: 0)
  private(set) var count = 0
  private(set) var exponent: Int

  /// - Parameters: a number finite and above 0.
  init(_ number: Double) {
    let field = Int(number.exponentBitPattern)
    let fraction = number.significandBitPattern
    let significand = field == 0 ? fraction : fraction | (1 << 52)
    self.init(significand, power: max(field, 1) - 1075, narrowBelow: fraction == 0 && field > 1)
  }

  init(_ number: Float) {
    let field = Int(number.exponentBitPattern)
    let fraction = UInt64(number.significandBitPattern)
    let significand = field == 0 ? fraction : fraction | (1 << 23)
    self.init(significand, power: max(field, 1) - 150, narrowBelow: fraction == 0 && field > 1)
  }

  /// - Parameters:
  ///   - significand: value = significand x 2^power.
  ///   - narrowBelow: the neighbour below is half as far away as the one above (a power of two).
  private init(_ significand: UInt64, power: Int, narrowBelow: Bool) {
    // remainder / scale is the value; above / scale and below / scale are half the distances to its neighbours.
    let doubling = narrowBelow ? 2 : 1
    var remainder = WideInteger(significand)
    remainder.shiftLeft(doubling + max(power, 0))
    var scale = WideInteger(1)
    scale.shiftLeft(doubling + max(-power, 0))
    var below = WideInteger(1)
    below.shiftLeft(max(power, 0))
    var above = below
    if narrowBelow { above.shiftLeft(1) }
    // Half to even on reading back: an even significand also owns the ends of its interval.
    let even = significand & 1 == 0

    // floor(log10(2^x)) for every exponent of a double; one too low at most, which the comparison below mends.
    let bits = power + (63 - significand.leadingZeroBitCount)
    exponent = (bits * 78_913) >> 18
    for _ in 0..<max(exponent, 0) { scale.multiply(by: 10) }
    for _ in 0..<max(-exponent, 0) {
      remainder.multiply(by: 10)
      above.multiply(by: 10)
      below.multiply(by: 10)
    }
    while Self.reaches(remainder, above, scale, even) {
      scale.multiply(by: 10)
      exponent += 1
    }
    var low = false
    var high = false
    repeat {
      remainder.multiply(by: 10)
      above.multiply(by: 10)
      below.multiply(by: 10)
      var digit: UInt8 = 0
      while remainder.compare(scale) >= 0 {
        remainder.subtract(scale)
        digit += 1
      }
      low = remainder.compare(below) < (even ? 1 : 0)
      high = Self.reaches(remainder, above, scale, even)
      if low || high {
        remainder.shiftLeft(1)
        let half = remainder.compare(scale)
        if (high && !low) || (high && low && (half > 0 || (half == 0 && digit & 1 == 1))) { digit += 1 }
      }
      digits[count] = digit
      count += 1
    } while !low && !high
  }

  /// Whether remainder + above is beyond the scale (or on it, where the end belongs to the interval).
  private static func reaches(
    _ remainder: WideInteger, _ above: WideInteger, _ scale: WideInteger, _ even: Bool
  ) -> Bool {
    var sum = remainder
    sum.add(above)
    return sum.compare(scale) >= (even ? 0 : 1)
  }
}
