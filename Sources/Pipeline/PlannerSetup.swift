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
  /// What a stream costs beside.
  let stream: StreamPrices
  /// Whether the order may follow; else only the set of sensors that are asked.
  let isOrderFree: Bool
  /// Watts, and the share of windows that may be answered otherwise than by full fusion; nil: no limit.
  let budget: Double?
  let riskBound: Double?
  let riskOutranks: Bool
  /// The model's, or the configuration's.
  let thresholds: [[ExitThresholds]]
  let fusionThresholds: ExitThresholds
  private let period: Nanoseconds
  /// What sleeping sensors draw, and the share of all that audits may take, in watts and 0...1.
  private let asleepWatts: Double
  private let auditShare: Double
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
    let blind = max(configuration.gate.maximumBlind, configuration.general.windowPeriod)
    stream = StreamPrices(
      fullCheckShare: model.noneClass == nil ? 0 : configuration.general.windowPeriod.seconds / blind.seconds,
      lingerCosts: model.modalities.indices.map {
        let linger = configuration.sensor(for: model.modalities[$0].name).linger
        return plan.energy.wake($0, taking: .zero, awake: linger).joules
      })
    isOrderFree = configuration.gate.order != .declared && configuration.gate.first.isEmpty
    budget = settings.budget
    riskBound = settings.riskBound
    riskOutranks = settings.riskOutranks
    thresholds = model.exitThresholds(override: configuration.gate.threshold.map(Float.init))
    fusionThresholds = model.fusionThresholds
    period = configuration.general.windowPeriod
    asleepWatts = plan.energy.modalities.reduce(0) { $0 + Double($1.sensor.standby) * 1e-6 }
    auditShare = settings.energyShare
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

  /// A power as what a window may cost by the prices, which know neither sleeping sensors nor audits; and back.
  func joulesPerWindow(_ watts: Double) -> Double {
    max(0, watts * (1 - auditShare) - asleepWatts) * period.seconds
  }
  func watts(_ joules: Double) -> Double {
    (joules / period.seconds + asleepWatts) / (1 - min(0.9, auditShare))
  }

  /// An empty buffer of this generation's size.
  package var freshBuffer: ValidationBuffer {
    ValidationBuffer(layout, capacity: capacity, clientShare: labelShare)
  }
}
