import Vocabulary

/// How a budget stands: what the status shows of it.
package struct SpendingFigures: Hashable, Sendable {
  /// What it is an average over.
  package static let period = Nanoseconds.seconds(3600)

  /// What is set, on the average of any hour.
  package var watts: Double
  /// What the last hour took; of the first, so far.
  package var used: Nanojoules
  /// How much of the hour has gone by: all of it after the first.
  package var elapsed: Nanoseconds
  /// No more was taken than is set.
  package var isKept: Bool
  /// Nobody but who listens is woken, so that it is kept.
  package var isFrugal: Bool
}
