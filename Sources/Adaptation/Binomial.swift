/// Exact tails of the binomial distribution, with +, -, x and / alone: the same bits on every machine.
package enum Binomial {
  /// P(X <= k) of X successes in n trials of probability p.
  /// - Parameters:
  ///   - k: any; below 0 gives 0, n and more give 1.
  ///   - n: >= 0, some thousands at most: one term each.
  ///   - p: 0...1.
  package static func cumulative(_ k: Int, of n: Int, _ p: Double) -> Double {
    if k < 0 { return 0 }
    if k >= n || p <= 0 { return 1 }
    if p >= 1 { return 0 }
    // Terms relative to that of the mode, which is the largest: nothing overflows, and what underflows does not matter.
    let mode = min(n, Int(Double(n + 1) * p))
    let odds = p / (1 - p)
    var below = mode <= k ? 1.0 : 0
    var all = 1.0
    var term = 1.0
    for i in stride(from: mode, to: 0, by: -1) {
      term *= Double(i) / (Double(n - i + 1) * odds)
      all += term
      if i - 1 <= k { below += term }
    }
    term = 1
    for i in mode..<n {
      term *= Double(n - i) * odds / Double(i + 1)
      all += term
      if i + 1 <= k { below += term }
    }
    return min(1, below / all)
  }

  /// Largest p that k successes of n leave possible (Clopper and Pearson 1934): P(X <= k) = `error` there.
  package static func upperBound(_ k: Int, of n: Int, error: Double) -> Double {
    if k >= n { return 1 }
    return bisect { cumulative(k, of: n, $0) > error }
  }

  /// Smallest p that k successes of n leave possible: P(X >= k) = `error` there.
  package static func lowerBound(_ k: Int, of n: Int, error: Double) -> Double {
    if k <= 0 { return 0 }
    return bisect { 1 - cumulative(k - 1, of: n, $0) < error }
  }

  /// P(X <= k) and P(X >= k) of X marked ones among n drawn of `all`, `marked` of which are: Fisher's exact test.
  /// - Parameters:
  ///   - k: a number that can be drawn.
  ///   - marked: 0...all.
  ///   - n: 0...all.
  static func hypergeometric(_ k: Int, of n: Int, marked: Int, all: Int) -> (low: Double, high: Double) {
    let (least, most) = (max(0, n + marked - all), min(n, marked))
    precondition((least...most).contains(k), "a number that cannot be drawn")
    /// P(x + 1) / P(x).
    func ratio(_ x: Int) -> Double {
      Double(marked - x) * Double(n - x) / (Double(x + 1) * Double(all - marked - n + x + 1))
    }
    // Relative to the term of k: beyond the mode the terms fall on either side, so only what does not matter underflows;
    // a sum that overflows makes its side 1 and the other 0.
    var (below, above) = (0.0, 0.0)
    var term = 1.0
    for x in stride(from: k - 1, through: least, by: -1) {
      term /= ratio(x)
      below += term
    }
    term = 1
    for x in k..<most {
      term *= ratio(x)
      above += term
    }
    if below.isInfinite { return (1, 0) }
    if above.isInfinite { return (0, 1) }
    let sum = below + 1 + above
    return ((below + 1) / sum, (above + 1) / sum)
  }

  /// Where `holds`, true at 0, becomes false on the way to 1; to 2^-40.
  private static func bisect(_ holds: (Double) -> Bool) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if holds(middle) { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
