/// What every exit said of one window: a value of fixed size without heap storage, from the pipeline to the ledger and to the
/// planner of the order.
package struct AuditedWindow: Sendable {
  /// Number of the decision that was audited.
  package var decision: UInt64
  /// The window's end.
  package var end: Instant
  /// When the last exit had spoken.
  package var at: Instant
  /// Modalities that had the window's data; their encoders ran to their ends and were fused.
  package var available: ModalitySet
  /// Those of which the activity check found nothing going on.
  package var inactive: ModalitySet
  /// The decision's class; nil where it has none.
  package var label: Int?
  /// What stands under the account `audit` in the decision's energy.
  package var cost: Nanojoules
  /// In the model's order, exits rising, fusion last: those that the gate had asked too.
  package var readings: Bounded<24, Reading>

  package init(
    decision: UInt64, end: Instant, available: ModalitySet, inactive: ModalitySet, label: Int?,
    cost: Nanojoules
  ) {
    self.decision = decision
    self.end = end
    at = end
    self.available = available
    self.inactive = inactive
    self.label = label
    self.cost = cost
    readings = Bounded(
      filler: Reading(exit: .fusion, entropy: 1, label: 0, certainty: 0, macs: 0, parameters: 0))
  }
}
