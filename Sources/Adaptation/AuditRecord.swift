import Vocabulary

/// What one exit said of one window.
package struct ExitOutcome: Hashable, Sendable {
  /// What a threshold is held against, 0...1: the normalized entropy, or what stands for it where a gain head speaks
  /// (`Reading.doubt`); NaN where the exit was not run, which never answers.
  package var entropy: Float
  /// Calibrated probability of the class it named, 0...1.
  package var certainty: Float
  /// Index of that class; -1 where the exit was not run.
  package var label: Int16

  package init(entropy: Float, certainty: Float, label: Int16) {
    self.entropy = entropy
    self.certainty = certainty
    self.label = label
  }

  /// The sensor could not be had.
  package static let missing = ExitOutcome(entropy: .nan, certainty: 0, label: -1)

  package var wasRun: Bool { label >= 0 }

  /// Bit by bit, so that a missing outcome equals another.
  package static func == (a: Self, b: Self) -> Bool {
    a.label == b.label && a.entropy.bitPattern == b.entropy.bitPattern
      && a.certainty.bitPattern == b.certainty.bitPattern
  }
}

/// What an audited window is held to have been.
package struct ReferenceLabel: Hashable, Sendable {
  package enum Source: UInt8, Hashable, Sendable {
    /// Fusion of every sensor's encoder, sure or not: keeping only sure ones would bias the estimates.
    case fusion = 0
    /// A client that is entitled to say so.
    case client = 1
  }

  package var label: Int16
  package var source: Source
  /// Calibrated probability of the label, 0...1; 1 for a client's.
  package var certainty: Float

  package init(label: Int16, source: Source, certainty: Float) {
    self.label = label
    self.source = source
    self.certainty = certainty
  }
}

/// One window on which every modality and every exit was run. A value of fixed size without heap storage: the pipeline
/// fills it and hands it on.
package struct AuditRecord: Sendable {
  /// Number of the decision that was audited, from 1; 0 for one of an earlier run, which can be labelled no more.
  package var decision: UInt64
  /// The window's end, on the clock of the run.
  package var end: Instant
  /// Sensors whose activity check found nothing going on.
  package var inactive: ModalitySet = []
  /// What the audit cost beyond the decision, as posted under the account `audit`.
  package var cost: Nanojoules
  /// By the layout's row.
  package private(set) var exits = InlineArray<32, ExitOutcome>(repeating: .missing)
  package private(set) var fusion = ExitOutcome.missing
  /// A client's label; nil where there is none, or where it may not count.
  package internal(set) var clientLabel: Int16?

  package init(decision: UInt64, end: Instant, cost: Nanojoules = .zero) {
    self.decision = decision
    self.end = end
    self.cost = cost
  }

  /// Enters what one exit said. Nothing is allocated. Activity checks (exit 0) go into `inactive` instead.
  package mutating func enter(_ reading: Reading, _ layout: ExitLayout) {
    let outcome = ExitOutcome(
      entropy: reading.doubt, certainty: reading.certainty, label: Int16(clamping: reading.label))
    switch reading.exit {
    case .fusion: fusion = outcome
    case .encoder(_, 0): break
    case .encoder(let modality, let exit): exits[layout.row(modality: modality, exit: exit)] = outcome
    }
  }

  mutating func set(_ outcome: ExitOutcome, row: Int) { exits[row] = outcome }
  mutating func setFusion(_ outcome: ExitOutcome) { fusion = outcome }

  /// A client's label where one counts, else the fused answer; nil where fusion was not run.
  package var reference: ReferenceLabel? {
    if let clientLabel { return ReferenceLabel(label: clientLabel, source: .client, certainty: 1) }
    guard fusion.wasRun else { return nil }
    return ReferenceLabel(label: fusion.label, source: .fusion, certainty: fusion.certainty)
  }

  /// Whether an outcome named the reference label; nil where either is missing.
  package func isCorrect(_ outcome: ExitOutcome) -> Bool? {
    guard outcome.wasRun, let reference else { return nil }
    return outcome.label == reference.label
  }

  /// Modalities whose encoders ran to their end.
  package func available(_ layout: ExitLayout) -> ModalitySet {
    var set: ModalitySet = []
    for modality in 0..<layout.modalityCount where exits[layout.lastRow(of: modality)].wasRun {
      set.insert(ModalitySet(index: modality))
    }
    return set
  }

  /// Whether something happened: the reference is another class than the one that means "nothing".
  package func isEvent(none: Int?) -> Bool {
    guard let reference else { return false }
    return none.map { Int(reference.label) != $0 } ?? true
  }
}

extension AuditRecord: Equatable {
  package static func == (a: Self, b: Self) -> Bool {
    for row in 0..<ExitLayout.maximumExits where a.exits[row] != b.exits[row] { return false }
    return a.decision == b.decision && a.end == b.end && a.inactive == b.inactive && a.cost == b.cost
      && a.fusion == b.fusion && a.clientLabel == b.clientLabel
  }
}
