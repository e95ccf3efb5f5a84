/// A class whose evidence holds over windows: one thing that happened. A value without heap storage.
package struct StreamEvent: Hashable, Sendable {
  /// Index of the class; never the one that means "nothing".
  package var label: Int
  /// When it was given out.
  package var start: Instant
  /// When its evidence had fallen for long enough; nil while it goes on.
  package var end: Instant?
  /// The highest evidence it had so far, 0...1.
  package var certainty: Double
  /// Modalities that took part in its windows.
  package var modalities: ModalitySet
  /// Number of the decision it was given out with, and of the last that spoke for it.
  package var firstDecision: UInt64
  package var lastDecision: UInt64

  package init(label: Int, start: Instant, certainty: Double, modalities: ModalitySet, decision: UInt64) {
    self.label = label
    self.start = start
    self.certainty = certainty
    self.modalities = modalities
    firstDecision = decision
    lastDecision = decision
  }
}
