/// A run of exits asked one after the other, reduced to what an order needs to know of it.
///
/// A window that reaches an exit pays its cost and, with the hazard, gains lambda x accuracy, so a run's expected
/// net gain is `sum_j [prod_{k<j} (1-p_k)] (p_j lambda a_j - c_j)`. That is the method page's `G - S C`: what the
/// answered windows gain less what they paid, less what the survivors paid.
struct ExitRun {
  /// `G - S C`: expected net gain for a window that reaches the run.
  private(set) var gain = 0.0
  /// `E`: probability that one of its exits answers. Summed, not taken as `1 - S`, so that it is 0 only if no
  /// exit ever answers.
  private(set) var answering = 0.0
  /// `S`: probability that none does.
  private(set) var surviving = 1.0

  mutating func append(_ exit: ExitStatistics, lambda: Double, wakeCost: Double = 0) {
    gain += surviving * (exit.hazard * lambda * exit.accuracy - exit.cost - wakeCost)
    answering += surviving * exit.hazard
    surviving *= 1 - exit.hazard
  }

  /// `phi*`: expected net gain per probability of answering. A run that never answers has the lowest of all:
  /// it can only cost, so whatever may answer comes first.
  var index: Double { answering > 0 ? gain / answering : -.infinity }
}

extension ModalityStatistics {
  /// The whole modality as one run.
  func exitRun(lambda: Double, paysWake: Bool) -> ExitRun {
    var run = ExitRun()
    for (number, exit) in exits.enumerated() {
      run.append(exit, lambda: lambda, wakeCost: number == 0 && paysWake ? wakeCost : 0)
    }
    return run
  }
}

/// Indices by decreasing key; equal keys in the order given.
func sortedByDecreasing(_ indices: [Int], _ key: (Int) -> Double) -> [Int] {
  let keyed = indices.enumerated().map { (place: $0.offset, index: $0.element, key: key($0.element)) }
  return keyed.sorted { $0.key != $1.key ? $0.key > $1.key : $0.place < $1.place }.map(\.index)
}
