/// Windows without any data, one after another: one state, and counted. A terminal or a journal is told when it begins, and
/// behind it how long it was; ledger and watchers have every window.
package struct NoDataRun: Sendable {
  /// The reason of such a decision.
  package static let reason = "noData"

  private var count: UInt64 = 0

  package init() {}

  /// A decision comes.
  /// - Returns: a line that goes before it, and whether it has a line of its own.
  package mutating func take(isNoData: Bool) -> (before: String?, isShown: Bool) {
    guard isNoData else { return (end(), true) }
    count += 1
    return (nil, count == 1)
  }

  /// No further decision comes, or one with data.
  /// - Returns: what there is to be said of those that had no line.
  package mutating func end() -> String? {
    defer { count = 0 }
    return count > 1 ? "(\(count) windows without data)" : nil
  }
}
