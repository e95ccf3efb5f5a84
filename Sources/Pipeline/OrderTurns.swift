import Vocabulary

/// When the pipeline asks for an order and goes over to it. A value; nothing takes from the heap.
struct OrderTurns {
  /// Windows from the one a plan is asked for after to the one it answers: time for the planner. In a replay exactly so
  /// many, so that the same recording gives the same bytes; live it is taken as soon as it is there.
  static let lead: UInt64 = 8

  /// Nil where nobody plans.
  let link: OrderLink?
  /// The window that the question was asked after which has no answer yet.
  private var asked: UInt64?
  /// A generation that the planner could not be told of yet: its ring was full.
  private var untold: PlannerSetup??
  /// Sensors whose data tells nothing, as the planner was told last.
  private var poor: ModalitySet = []
  /// Nothing within the bound on the risk costs as little as the budget, and the bound is kept.
  private(set) var isBudgetOutranked = false

  init(_ link: OrderLink?) { self.link = link }

  /// A window was audited; asks for an order where no question is open.
  mutating func take(_ audit: AuditedWindow) {
    guard let link, tellGeneration(), link.send(.audit(audit)), asked == nil else { return }
    if link.send(.review(window: audit.decision, at: audit.end)) { asked = audit.decision }
  }

  /// After each window: a sensor's data has come to tell nothing, or something again. Asks at once.
  mutating func take(poor: ModalitySet, after window: UInt64, at now: Instant) {
    guard let link, poor != self.poor, asked == nil, tellGeneration(), link.send(.quality(poor)) else {
      return
    }
    self.poor = poor
    if link.send(.review(window: window, at: now)) { asked = window }
  }

  mutating func label(_ decision: UInt64, as label: Int) {
    guard let link, tellGeneration() else { return }
    _ = link.send(.label(decision: decision, label: label))
  }

  /// Live, the audits of earlier runs may speak for another order: the planner looks at them when it has read them.
  mutating func begin(at now: Instant) {
    guard let link, !link.waits, link.send(.review(window: 1, at: now)) else { return }
    asked = 1
  }

  /// From now on by another generation, whose order is the model's until audits speak for another: those of the same model
  /// are still there. What was asked for was for the former one.
  /// - Parameter window: the last one's number.
  mutating func adopt(_ setup: PlannerSetup?, after window: UInt64, at now: Instant) {
    guard let link else { return }
    asked = nil
    isBudgetOutranked = false
    untold = .some(setup)
    poor = []
    let first = max(1, window)
    if tellGeneration(), link.send(.review(window: first, at: now)) { asked = first }
  }

  private mutating func tellGeneration() -> Bool {
    guard let link, let setup = untold else { return true }
    guard link.send(.adopt(setup)) else { return false }
    untold = nil
    return true
  }

  /// Before the window with that number: what the planner has found, where it was asked.
  /// - Parameters:
  ///   - news: takes that the bound on the risk is broken, or kept again.
  ///   - plan: takes the plan for it, where there is one.
  mutating func take(
    before window: UInt64, news: (BoundChange) -> Void = { _ in }, plan: (PlannedOrder) -> Void
  ) {
    guard let link, let asked, !link.waits || window >= asked + Self.lead else { return }
    guard link.isAnswered(asked) else {
      if link.waits { self.asked = nil }
      return
    }
    self.asked = nil
    let bounds = link.withAnswer(plan)
    isBudgetOutranked = bounds.isBudgetOutranked
    if let change = bounds.news { news(change) }
  }

  func end() { _ = link?.send(.end) }
}
