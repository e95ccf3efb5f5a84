/// What is known of one exit.
package struct ExitStatistics: Hashable, Sendable {
  /// Share of right answers among the windows that leave there, the modality's earlier exits not having
  /// answered; 0...1. (`paper` may be fed the paper's own figure, over all samples.)
  package var accuracy: Double
  /// Incremental cost from the modality's exit before it, >= 0, in the unit of lambda (joules, MACs, ...).
  /// The first exit's includes sensing and does not include waking.
  package var cost: Double
  /// Probability that it answers, given that the modality's earlier exits did not; 0...1.
  package var hazard: Double

  package init(accuracy: Double, cost: Double, hazard: Double) {
    self.accuracy = accuracy
    self.cost = cost
    self.hazard = hazard
  }
}

/// What is known of one modality.
package struct ModalityStatistics: Hashable, Sendable {
  package var name: String
  /// Cost of waking its sensor, >= 0; paid at its first exit unless it is the first modality of the order, whose
  /// sensor never sleeps.
  package var wakeCost: Double
  /// Cost of keeping its sensor awake, for one window that is asked, >= 0; paid at its first exit, in place of the
  /// wake, if it is the first modality of the order. Where the activity check answers most windows, those that are
  /// asked bear the sensor's power for all of them.
  package var standbyCost: Double
  /// At least one, in the order they stand along the encoder.
  package var exits: [ExitStatistics]

  package init(name: String, wakeCost: Double = 0, standbyCost: Double = 0, exits: [ExitStatistics]) {
    self.name = name
    self.wakeCost = wakeCost
    self.standbyCost = standbyCost
    self.exits = exits
  }
}

/// What is known of the fusion network and its exit, which answers whatever reaches it.
package struct FusionStatistics: Hashable, Sendable {
  /// Share of right answers among the windows that reach fusion; 0...1.
  package var accuracy: Double
  /// Cost of the fusion network and its exit, >= 0.
  package var cost: Double

  package init(accuracy: Double, cost: Double) {
    self.accuracy = accuracy
    self.cost = cost
  }
}

/// The question put to `plan(_:by:)`: in what order should the exits be asked?
package struct OrderingProblem: Hashable, Sendable {
  /// Worth of a right answer in units of cost, >= 0.
  package var lambda: Double
  /// At least one. Ties are decided in this, the declared, order.
  package var modalities: [ModalityStatistics]
  package var fusion: FusionStatistics

  package init(lambda: Double, modalities: [ModalityStatistics], fusion: FusionStatistics) {
    self.lambda = lambda
    self.modalities = modalities
    self.fusion = fusion
  }

  /// Whether any sensor costs anything to wake or to keep awake; if none does, being first changes no cost.
  var isFirstPricedApart: Bool { modalities.contains { $0.wakeCost > 0 || $0.standbyCost > 0 } }
}
