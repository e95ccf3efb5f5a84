extension OrderingProblem {
  /// The order by the paper's equation 7: decreasing `phi`, ties in declared order.
  ///
  /// `p` is the mean hazard over all exits of all modalities, `q = 1 - p`, and each modality keeps its own number
  /// of exits `e_i`. Equation 7 knows no waking, so wake costs do not move this order; they are paid in its value.
  func paperOrder() -> [Int] {
    let hazards = modalities.flatMap(\.exits).map(\.hazard)
    let p = hazards.reduce(0, +) / Double(hazards.count)
    return sortedByDecreasing(Array(modalities.indices)) { phi($0, p: p) }
  }

  /// Equation 7, term by term.
  private func phi(_ modality: Int, p: Double) -> Double {
    let exits = modalities[modality].exits
    let q = 1 - p
    let total = exits.reduce(0) { $0 + $1.cost }
    let allPassed = exits.reduce(1) { product, _ in product * q }
    var answered = 0.0
    var survived = 0.0
    var before = 0.0
    var reached = 1.0  // q^(j-1)
    for exit in exits {
      answered += reached * p * (lambda * exit.accuracy - exit.cost - before)
      survived += allPassed * reached * p * total
      before += exit.cost
      reached *= q
    }
    return (1 - allPassed) * answered - survived
  }
}
