/// A budget or a bound on the risk is broken, or is kept again.
package struct BoundChange: Hashable, Sendable {
  /// The raw values are the configuration's keys.
  package enum Bound: String, Hashable, Sendable {
    case budget
    case risk = "risk-bound"
  }

  package var bound: Bound
  package var isKept: Bool
  /// What is set: watts on the average of an hour, or a share of windows, 0...1.
  package var limit: Double
  /// What it was when that was seen, in the same unit.
  package var value: Double

  package init(_ bound: Bound, isKept: Bool, limit: Double, value: Double) {
    self.bound = bound
    self.isKept = isKept
    self.limit = limit
    self.value = value
  }
}
