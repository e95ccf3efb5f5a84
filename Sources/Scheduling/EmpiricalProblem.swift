/// What one exit costs and when it answers.
package struct EmpiricalExit: Hashable, Sendable {
  /// Incremental cost from the modality's exit before it, >= 0.
  package var cost: Double
  /// The exit answers when the entropy is at or below it; nil switches it off.
  package var threshold: Double?

  package init(cost: Double, threshold: Double?) {
    self.cost = cost
    self.threshold = threshold
  }

  /// Whether it answers at this entropy. NaN never answers.
  func answers(_ entropy: Double) -> Bool {
    guard let threshold else { return false }
    return entropy <= threshold
  }
}

/// A modality whose exits were recorded.
package struct EmpiricalModality: Hashable, Sendable {
  package var name: String
  /// Cost of waking its sensor, >= 0; paid at its first exit unless it is the first modality.
  package var wakeCost: Double
  /// Cost of keeping its sensor awake, for one window that is asked, >= 0; paid at its first exit, in place of the
  /// wake, if it is the first modality: the same prices as in `ModalityStatistics`.
  package var standbyCost: Double
  /// At least one.
  package var exits: [EmpiricalExit]

  package init(name: String, wakeCost: Double = 0, standbyCost: Double = 0, exits: [EmpiricalExit]) {
    self.name = name
    self.wakeCost = wakeCost
    self.standbyCost = standbyCost
    self.exits = exits
  }
}

/// What one exit said of one recorded window.
package struct RecordedReading: Hashable, Sendable {
  /// Normalized entropy; NaN where the exit had nothing usable to say, which never answers.
  package var entropy: Double
  package var correct: Bool

  package init(entropy: Double, correct: Bool) {
    self.entropy = entropy
    self.correct = correct
  }
}

/// What every exit said of one window.
package struct RecordedWindow: Hashable, Sendable {
  /// By modality, in the problem's order, then by exit.
  package var readings: [[RecordedReading]]
  package var fusionCorrect: Bool

  package init(readings: [[RecordedReading]], fusionCorrect: Bool) {
    self.readings = readings
    self.fusionCorrect = fusionCorrect
  }
}

/// The question put to `plan(empirical:)`.
package struct EmpiricalProblem: Hashable, Sendable {
  /// Worth of a right answer in units of cost, >= 0.
  package var lambda: Double
  /// 1...12 (`maximumModalities`). Ties are decided in this, the declared, order.
  package var modalities: [EmpiricalModality]
  package var fusionCost: Double
  /// At least one.
  package var windows: [RecordedWindow]

  package init(
    lambda: Double, modalities: [EmpiricalModality], fusionCost: Double, windows: [RecordedWindow]
  ) {
    self.lambda = lambda
    self.modalities = modalities
    self.fusionCost = fusionCost
    self.windows = windows
  }
}
