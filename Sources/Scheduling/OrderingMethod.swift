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
