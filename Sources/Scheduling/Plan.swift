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
