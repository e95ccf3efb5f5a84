import Adaptation
import Configuration
import Engine
import Ledger
import Scheduling
import Startup
import Vocabulary

/// What the planner of the order goes by in one generation. Immutable.
package final class PlannerSetup: Sendable {
  let layout: ExitLayout
  /// The gate's policy as the generation has it: where the planner begins.
  let policy: GatePolicy
  /// The model's figures at the board's prices.
  let prices: OrderingProblem
  /// Whether the order may follow; else only the set of sensors that are asked.
  let isOrderFree: Bool
  package let capacity: Int
  let labelShare: Double
  package let classCount: Int
  /// 64 bits of the digest of the model's file: audits of another model tell nothing.
  package let fingerprint: UInt64

  /// - Returns: nil where nothing follows the audits: they are off, `reorder = no`, there is one sensor, or the model
  ///   states no accuracy and hazard to begin with.
  package init?(_ configuration: Configuration, _ model: Model, _ plan: PolicyPlan, fingerprint: UInt64) {
    let settings = configuration.adaptation
    guard settings.audits, settings.reorder, model.modalities.count > 1, let prices = plan.auditPrices,
      let layout = ExitLayout(exitCounts: model.modalities.map(\.segments.count))
    else { return nil }
    self.layout = layout
    self.prices = prices
    policy = plan.policy
    isOrderFree = configuration.gate.order != .declared && configuration.gate.first.isEmpty
    capacity = settings.buffer
    labelShare = settings.labelShare
    classCount = model.classes.count
    self.fingerprint = fingerprint
  }

  package convenience init?(_ generation: Generation) {
    self.init(
      generation.configuration, generation.model.model, generation.plan,
      fingerprint: generation.model.digest.prefix)
  }

  /// An empty buffer of this generation's size.
  package var freshBuffer: ValidationBuffer {
    ValidationBuffer(layout, capacity: capacity, clientShare: labelShare)
  }
}
