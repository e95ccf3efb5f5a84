import Vocabulary

extension EmpiricalProblem {
  /// The order with the largest mean utility over the recorded windows; of equal ones the first in declared order.
  ///
  /// Which windows a *set* of modalities leaves unanswered does not depend on the order they ran in, and what a
  /// modality adds depends on that set alone. So dynamic programming over subsets finds the best of all n! orders:
  /// 2^n x n sums over the N windows, 64 of them at a time as bits.
  func bestOrder() -> [Int] {
    let orders = bestOrders()
    var best = orders[0]
    for order in orders.dropFirst() where exceeds(order.sum, best.sum) { best = order }
    return best.order
  }

  /// For each modality, the best order that begins with it, with the sum of the encoders' gains over the windows.
  private func bestOrders() -> [(order: [Int], sum: Double)] {
    let n = modalities.count
    let full = (1 << n) - 1
    let gains = gainsAfterSubsets()
    var rest = [Double](repeating: 0, count: full + 1)  // best sum still to come after a subset, fusion aside
    var next = [Int](repeating: 0, count: full + 1)
    for subset in stride(from: full - 1, through: 1, by: -1) {
      var best: (modality: Int, sum: Double)?
      for modality in 0..<n where subset & (1 << modality) == 0 {
        let sum = gains[subset * n + modality] + rest[subset | 1 << modality]
        if let incumbent = best, !exceeds(sum, incumbent.sum) { continue }
        best = (modality, sum)
      }
      if let best { (next[subset], rest[subset]) = (best.modality, best.sum) }
    }
    return (0..<n).map { first in
      var order = [first]
      var subset = 1 << first
      while subset != full {
        order.append(next[subset])
        subset |= 1 << next[subset]
      }
      return (order, gains[first] + rest[1 << first])
    }
  }

  /// For each modality as the first, the best order of whole modalities on the windows and what it is worth.
  /// - Throws: `PlanningError` if the figures or windows are unusable.
  package func plansByFirst() throws(PlanningError) -> [ExitPlan] {
    try validate()
    return bestOrders().map { price(blocks: $0.order) }
  }

  /// What each modality adds to the sum over windows when it runs after each subset of the others.
  /// - Returns: `[2^n x n]`, row = subset as bits, column = modality; 0 where the subset holds the modality.
  private func gainsAfterSubsets() -> [Double] {
    let n = modalities.count
    let subsets = 1 << n
    var gains = [Double](repeating: 0, count: subsets * n)
    var survivors = [UInt64](repeating: 0, count: subsets)
    for start in stride(from: 0, to: windows.count, by: 64) {
      let chunk = (0..<n).map { WindowBits(self, modality: $0, from: start) }
      survivors[0] = WindowBits.mask(min(64, windows.count - start))
      for subset in 1..<subsets {
        survivors[subset] =
          survivors[subset & (subset - 1)] & chunk[subset.trailingZeroBitCount].passed
      }
      for subset in 0..<subsets where survivors[subset] != 0 {
        for modality in 0..<n where subset & (1 << modality) == 0 {
          let wakeCost = subset == 0 ? modalities[modality].standbyCost : modalities[modality].wakeCost
          gains[subset * n + modality] += chunk[modality].gain(
            over: survivors[subset], lambda: lambda, wakeCost: wakeCost)
        }
      }
    }
    return gains
  }

  /// What this order of whole modalities is worth on the windows.
  package func price(blocks order: [Int]) -> ExitPlan {
    var steps: [ExitStep] = []
    var paid = 0.0
    var left = Array(windows.indices)
    let count = Double(windows.count)
    func append(_ exit: ExitID, leaving: Int, correct: Int) {
      let accuracy = leaving == 0 ? 0 : Double(correct) / Double(leaving)
      steps.append(
        ExitStep(exit: exit, probability: Double(leaving) / count, utility: lambda * accuracy - paid))
    }
    for modality in order {
      paid += steps.isEmpty ? modalities[modality].standbyCost : modalities[modality].wakeCost
      for (index, exit) in modalities[modality].exits.enumerated() {
        paid += exit.cost
        let leaving = left.filter { exit.answers(windows[$0].readings[modality][index].entropy) }
        left.removeAll { exit.answers(windows[$0].readings[modality][index].entropy) }
        append(
          .encoder(modality: modality, exit: index + 1), leaving: leaving.count,
          correct: leaving.count { windows[$0].readings[modality][index].correct })
      }
    }
    paid += fusionCost
    append(.fusion, leaving: left.count, correct: left.count { windows[$0].fusionCorrect })
    return ExitPlan(steps: steps)
  }
}
