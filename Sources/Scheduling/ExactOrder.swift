extension OrderingProblem {
  /// The order of whole modalities with the largest value, exits taken as independent.
  ///
  /// Sorts by `phi*(i) = (G_i - S_i C_i) / E_i`, the expected net gain per probability of answering, decreasing,
  /// ties in declared order, a modality that never answers last. Swapping two neighbours changes the value by
  /// `Q [E_j (G_i - S_i C_i) - E_i (G_j - S_j C_j)]`, whatever was paid before and whatever follows, so no order
  /// with a rising pair is optimal. This is the classic index of least-cost testing carried over to modalities with
  /// several exits: L. G. Mitten, "An analytic solution to the least cost testing sequence problem", Journal of
  /// Industrial Engineering 11 (1960) 17; H. A. Simon and J. B. Kadane, "Optimal problem-solving search: all-or-none
  /// solutions", Artificial Intelligence 6 (1975) 235-247.
  ///
  /// With wake and standby costs the first modality's cost differs from what it would be elsewhere. Then each modality is tried
  /// as the first, the rest sorted by the index with their wakes, and the best of these n orders taken.
  func exactOrder() -> [Int] {
    let all = Array(modalities.indices)
    guard isFirstPricedApart else { return sorted(all, payingWake: false) }
    var best: (order: [Int], value: Double)?
    for first in all {
      let order = [first] + sorted(all.filter { $0 != first }, payingWake: true)
      let value = price(walk(ofBlocks: order)).value
      if let incumbent = best, !exceeds(value, incumbent.value) { continue }
      best = (order, value)
    }
    return best?.order ?? all
  }

  /// For each modality as the first, the best order of whole modalities and what it is worth, exits taken as independent.
  /// - Throws: `PlanningError` if the figures are unusable.
  package func plansByFirst() throws(PlanningError) -> [ExitPlan] {
    try validate()
    let all = Array(modalities.indices)
    return all.map { first in
      price(walk(ofBlocks: [first] + sorted(all.filter { $0 != first }, payingWake: true)))
    }
  }

  private func sorted(_ indices: [Int], payingWake: Bool) -> [Int] {
    sortedByDecreasing(indices) {
      modalities[$0].exitRun(lambda: lambda, paysWake: payingWake).index
    }
  }
}
