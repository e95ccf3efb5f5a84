import Vocabulary

extension OrderingProblem {
  /// The order of whole modalities as a walk over their exits.
  func walk(ofBlocks order: [Int]) -> [ExitID] {
    order.flatMap { modality in
      modalities[modality].exits.indices.map { .encoder(modality: modality, exit: $0 + 1) }
    }
  }

  /// What this walk is worth with the true hazards, standby and wake costs: paper eqs. 3, 4 and 6.
  /// - Parameter walk: every exit of every modality once, each modality's in rising order; no fusion.
  package func price(_ walk: [ExitID]) -> ExitPlan {
    var steps: [ExitStep] = []
    steps.reserveCapacity(walk.count + 1)
    var reached = 1.0
    var paid = 0.0
    for id in walk {
      guard case .encoder(let modality, let number) = id else { continue }
      let exit = modalities[modality].exits[number - 1]
      if number == 1 {
        paid += steps.isEmpty ? modalities[modality].standbyCost : modalities[modality].wakeCost
      }
      paid += exit.cost
      steps.append(
        ExitStep(
          exit: id, probability: reached * exit.hazard, utility: lambda * exit.accuracy - paid))
      reached *= 1 - exit.hazard
    }
    steps.append(
      ExitStep(
        exit: .fusion, probability: reached, utility: lambda * fusion.accuracy - (paid + fusion.cost)))
    return ExitPlan(steps: steps)
  }
}
