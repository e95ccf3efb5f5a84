import Adaptation
import Scheduling
import Vocabulary

/// What a budget and a bound on the risk make of the audits: thresholds, and, with a budget, order and sensors too. A value.
struct PolicyBounds: Sendable {
  /// Audits that a choice takes at least.
  private static let minimumAudits = 24

  private let setup: PlannerSetup
  private var risk: RiskThresholds?
  private var budget: Budget?
  /// Nil until the budget has chosen.
  private(set) var point: FrontierPoint?
  private(set) var report = BoundsReport()

  init(_ setup: PlannerSetup) {
    self.setup = setup
    report.riskBound = setup.riskBound
    report.budgetWatts = setup.budget
    if let bound = setup.riskBound {
      var settings = RiskThresholds.Settings()
      settings.bound = bound
      risk = RiskThresholds(
        exits: setup.thresholds, fusion: setup.fusionThresholds, classCount: setup.classCount,
        settings: settings)
    }
    if setup.budget != nil {
      var settings = Budget.Settings()
      settings.riskBound = setup.riskBound
      settings.riskOutranks = setup.riskOutranks
      budget = Budget(settings: settings)
    }
  }

  /// Factor on the model's thresholds, and on what a right answer is worth for giving up.
  var scale: Double { point?.thresholdScale ?? risk?.scale ?? 1 }
  var worthShare: Double { point?.lambdaShare ?? 1 }

  /// Looks at the newest audits.
  /// - Parameters:
  ///   - hopeless: sensors that tell nothing.
  ///   - dead: those of them whose data can tell nothing.
  mutating func review(
    _ buffer: ValidationBuffer, _ policy: GatePolicy, hopeless: ModalitySet, dead: ModalitySet,
    at now: Instant
  ) {
    if let review = risk?.review(buffer, policy: policy, prices: setup.prices, at: now) {
      report.risk = review.risk
      report.assurance = review.assurance
    }
    guard let watts = setup.budget, buffer.count >= Self.minimumAudits, var budget else { return }
    let table = RiskThresholds(
      exits: setup.thresholds, fusion: setup.fusionThresholds, classCount: setup.classCount)
    let scales: [Double] = if let risk { [risk.scale] } else { [0.5, 1, 2] }
    let base = setup.policy.with(steps: point.map { buffer.layout.walk($0.order) } ?? setup.policy.steps)
    guard
      let frontier = try? Frontier(
        buffer, policy: base, thresholds: scales.map { (scale: $0, table: table.table(scale: $0)) },
        figures: setup.prices,
        hopeless: hopeless, dead: dead, stream: setup.stream),
      let choice = budget.choose(frontier.points, limit: setup.joulesPerWindow(watts))
    else { return }
    self.budget = budget
    point = choice.point
    report.expectedWatts = setup.watts(choice.point.cost)
    report.accuracyCost = choice.accuracyCost
    report.breach = choice.breach
  }

  /// The policy with this walk, within the bounds.
  func policy(_ steps: [ExitID]) -> GatePolicy {
    var policy = setup.policy.with(steps: steps)
    if scale != 1 {
      let table = RiskThresholds(
        exits: setup.thresholds, fusion: setup.fusionThresholds, classCount: setup.classCount)
      policy = policy.with(thresholds: table.table(scale: scale))
    }
    guard worthShare < 1 else { return policy }
    var figures = setup.prices
    figures.lambda *= worthShare
    return (try? ContinuationValue(figures)).map { policy.with(continuation: .some($0)) } ?? policy
  }
}

/// What the pipeline is told of budget and bound with an answer.
struct BoundsNews: Hashable, Sendable {
  /// Nothing within the bound costs as little as the budget, and the bound outranks it.
  var isBudgetOutranked = false
  /// The bound is broken, or kept again.
  var news: BoundChange?
}

/// How budget and bound stand: what `GetOrder` shows of them.
package struct BoundsReport: Hashable, Sendable {
  package var riskBound: Double?
  /// Share of audits answered otherwise than by full fusion; nil before the first review.
  package var risk: Double?
  package var assurance: RiskReview.Assurance?
  package var budgetWatts: Double?
  /// What the setting in force is expected to take; nil before the first choice.
  package var expectedWatts: Double?
  /// Share of windows answered right that the budget costs.
  package var accuracyCost: Double?
  package var breach: Budget.Breach?

  /// The bound on the risk is not seen to be broken.
  package var isRiskKept: Bool { assurance != .exceeded && breach != .risk }

  /// Which of the two gives way to the other; nil where there is a setting that keeps both.
  package var conflict: String? {
    switch breach {
    case .limit: "budget: no setting within it keeps risk-bound; the cheapest that does is taken"
    case .risk: "budget: no setting within it keeps risk-bound; the best within the budget is taken"
    case nil: nil
    }
  }

  /// What people have to be told; nil where both are kept.
  package var announcement: String? {
    if assurance == .exceeded, let risk, let riskBound {
      return
        "risk-bound: \(Self.percent(risk)) of the audits were answered otherwise than by full fusion, beyond \(Self.percent(riskBound))"
    }
    return conflict
  }

  private static func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return "\(tenths / 10).\(tenths % 10) %"
  }
}
