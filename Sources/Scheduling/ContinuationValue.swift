import Vocabulary

/// What the gate weighs giving up by: lambda and the figures of every exit, laid out flat.
package struct ContinuationValue: Sendable {
  let lambda: Double
  let exitCounts: [Int]
  let fusion: FusionStatistics
  private let wakeCosts: [Double]
  private let firstRow: [Int]
  private var exits: [ExitStatistics]

  /// - Parameter problem: the figures the plan was made from, in the model's order of modalities.
  /// - Throws: `PlanningError` if they are unusable.
  package init(_ problem: OrderingProblem) throws(PlanningError) {
    try problem.validate()
    lambda = problem.lambda
    fusion = problem.fusion
    exitCounts = problem.modalities.map(\.exits.count)
    wakeCosts = problem.modalities.map(\.wakeCost)
    var row = 0
    var firstRow: [Int] = []
    for count in exitCounts {
      firstRow.append(row)
      row += count
    }
    self.firstRow = firstRow
    exits = problem.modalities.flatMap(\.exits)
  }

  func statistics(_ modality: Int, _ exit: Int) -> ExitStatistics { exits[firstRow[modality] + exit - 1] }
  func wakeCost(_ modality: Int) -> Double { wakeCosts[modality] }

  /// The same with hazard 0 at exits whose thresholds let them answer nothing.
  func without(exitsOff thresholds: ThresholdTable) -> ContinuationValue {
    var result = self
    for (modality, count) in exitCounts.enumerated() {
      for exit in 1...count where !thresholds.canAnswer(at: .encoder(modality: modality, exit: exit)) {
        result.exits[firstRow[modality] + exit - 1].hazard = 0
      }
    }
    return result
  }
}

/// Adds up, exit by exit, what going on is expected to gain over stopping now with the best answer so far.
///
/// To go on and stop after any of the exits ahead gains
/// `sum_k Q_k (p_k lambda a_k - c_k) - (1 - Q) lambda certainty`: what is already paid counts no more, and the
/// windows that are not answered on the way still have the present answer. Going on is worth it if that is above 0
/// for *some* stopping point, fusion being the last: a cheap next exit is not forgone for a costly wake behind it.
struct ContinuationGain {
  private let lambda: Double
  private let certainty: Double
  private var reached = 1.0
  private var net = 0.0

  init(lambda: Double, certainty: Double) {
    self.lambda = lambda
    self.certainty = certainty
  }

  /// Adds the next exit ahead; true if stopping after it beats stopping now.
  mutating func add(hazard: Double, accuracy: Double, cost: Double) -> Bool {
    net += reached * (hazard * lambda * accuracy - cost)
    reached *= 1 - hazard
    return net - (1 - reached) * lambda * certainty > 0
  }
}
