/// Puts the exits in order and says what the order is worth.
/// - Parameter method: `paper`, `exact` or `interleaved`.
/// - Throws: `PlanningError` if the figures are unusable, or `windowsNeeded` for `empirical`, which takes an
///   `EmpiricalProblem`.
package func plan(_ problem: OrderingProblem, by method: OrderingMethod) throws(PlanningError) -> ExitPlan {
  try problem.validate()
  switch method {
  case .paper: return problem.price(problem.walk(ofBlocks: problem.paperOrder()))
  case .exact: return problem.price(problem.walk(ofBlocks: problem.exactOrder()))
  case .interleaved: return problem.interleavedPlan()
  case .empirical: throw PlanningError(.windowsNeeded)
  }
}

/// The best order of whole modalities on recorded windows: method `empirical`.
/// - Throws: `PlanningError` if the figures or windows are unusable.
package func plan(empirical problem: EmpiricalProblem) throws(PlanningError) -> ExitPlan {
  try problem.validate()
  return problem.price(blocks: problem.bestOrder())
}

/// How the exits are put in order. The method page, section 2, describes all four; the value of any order is
/// always computed with the true hazards, so the methods can be compared by it.
package enum OrderingMethod: String, Hashable, Sendable, CaseIterable {
  /// Equation 7 of the paper: one mean hazard for all exits. Optimal only if all hazards and exit counts are equal.
  case paper
  /// Expected gain per probability of answering; the optimal order of whole modalities. The default.
  case exact
  /// The best order of whole modalities on recorded windows, without assuming exits independent.
  case empirical
  /// The optimal order of single exits: a modality may be left half-way and taken up again.
  case interleaved
}
