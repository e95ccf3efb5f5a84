import Vocabulary

/// One exit in the order asked, with what is expected of it there.
package struct ExitStep: Hashable, Sendable {
  package var exit: ExitID
  /// Probability that a window leaves here (paper eq. 4, with the true hazards; `empirical`: the share of the
  /// recorded windows that does), 0...1. All steps' probabilities sum to 1.
  package var probability: Double
  /// Utility of leaving here (paper eq. 3): lambda x accuracy minus all cost paid up to and including this exit.
  /// `empirical`: the mean over the windows that leave here; where none does, minus the cost paid.
  package var utility: Double

  package init(exit: ExitID, probability: Double, utility: Double) {
    self.exit = exit
    self.probability = probability
    self.utility = utility
  }
}

/// An order of exits and what it is worth.
package struct ExitPlan: Hashable, Sendable {
  /// Indices of the modalities by their first exit in `steps`.
  package let order: [Int]
  /// Every exit of every modality once, in the order asked; fusion last.
  package let steps: [ExitStep]
  /// Expected utility of the order (paper eq. 6): the sum of probability x utility over `steps`.
  package let value: Double

  /// - Parameter steps: as in the property; `order` and `value` follow from them.
  init(steps: [ExitStep]) {
    var order: [Int] = []
    var value = 0.0
    for step in steps {
      value += step.probability * step.utility
      if case .encoder(let modality, 1) = step.exit { order.append(modality) }
    }
    self.order = order
    self.steps = steps
    self.value = value
  }

  /// The exits without fusion, as `GatePolicy` walks them.
  package var walk: [ExitID] { steps.map(\.exit).filter { $0 != .fusion } }

  /// The same walk with all exits of one modality moved to the front, the others as planned: the policy
  /// `first:NAME`.
  package func walk(startingWith modality: Int) -> [ExitID] {
    let planned = walk
    return planned.filter { $0.belongs(to: modality) } + planned.filter { !$0.belongs(to: modality) }
  }
}

extension ExitID {
  fileprivate func belongs(to modality: Int) -> Bool {
    if case .encoder(modality, _) = self { true } else { false }
  }
}

/// Whether a value is better than another by more than rounding; what is not counts as a tie.
func exceeds(_ value: Double, _ other: Double) -> Bool {
  value > other + 1e-13 * max(abs(value), abs(other))
}
