import Scheduling

/// The oracle: the value of the best of all orders, by equations 3, 4 and 6 as they stand, never by an index.
struct BruteForce {
  let problem: OrderingProblem

  /// Over all n! orders of whole modalities.
  func bestBlockValue() -> Double {
    blocks(left: Array(problem.modalities.indices), first: true, reached: 1, paid: 0)
  }

  private func blocks(left: [Int], first: Bool, reached: Double, paid: Double) -> Double {
    if left.isEmpty { return fused(reached, paid) }
    var best = -Double.infinity
    for modality in left {
      var (reached, paid, gained) = (reached, paid, 0.0)
      for exit in problem.modalities[modality].exits.indices {
        gained += ask(modality, exit, first: first, &reached, &paid)
      }
      let rest = blocks(left: left.filter { $0 != modality }, first: false, reached: reached, paid: paid)
      best = max(best, gained + rest)
    }
    return best
  }

  /// Over all merges of the modalities' chains of exits.
  func bestInterleavedValue() -> Double {
    merges(
      heads: [Int](repeating: 0, count: problem.modalities.count), first: true, reached: 1, paid: 0)
  }

  private func merges(heads: [Int], first: Bool, reached: Double, paid: Double) -> Double {
    var best: Double?
    for modality in heads.indices where heads[modality] < problem.modalities[modality].exits.count {
      var (reached, paid, heads) = (reached, paid, heads)
      let gained = ask(modality, heads[modality], first: first, &reached, &paid)
      heads[modality] += 1
      let value = gained + merges(heads: heads, first: false, reached: reached, paid: paid)
      best = max(best ?? value, value)
    }
    return best ?? fused(reached, paid)
  }

  private func ask(
    _ modality: Int, _ exit: Int, first: Bool, _ reached: inout Double, _ paid: inout Double
  ) -> Double {
    let chain = problem.modalities[modality]
    let figure = chain.exits[exit]
    paid += figure.cost
    if exit == 0 { paid += first ? chain.standbyCost : chain.wakeCost }
    let probability = reached * figure.hazard
    reached *= 1 - figure.hazard
    return probability * (problem.lambda * figure.accuracy - paid)
  }

  private func fused(_ reached: Double, _ paid: Double) -> Double {
    reached * (problem.lambda * problem.fusion.accuracy - paid - problem.fusion.cost)
  }

  /// Value of one order of whole modalities.
  func value(of order: [Int]) -> Double {
    var (reached, paid, value) = (1.0, 0.0, 0.0)
    for (place, modality) in order.enumerated() {
      for exit in problem.modalities[modality].exits.indices {
        value += ask(modality, exit, first: place == 0, &reached, &paid)
      }
    }
    return value + fused(reached, paid)
  }
}

/// All orders of these elements.
func permutations(_ elements: [Int]) -> [[Int]] {
  guard elements.count > 1 else { return [elements] }
  return elements.flatMap { first in
    permutations(elements.filter { $0 != first }).map { [first] + $0 }
  }
}
