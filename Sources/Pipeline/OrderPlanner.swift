import Adaptation
import Scheduling
import Vocabulary

/// The planner's work: keeps the audits, and says which order of sensors they speak for and which sensors tell nothing.
/// A value without clock, thread or disk; it takes from the heap, so never on the pipeline's thread but where nobody
/// minds.
package struct OrderPlanner: Sendable {
  /// Nil where nothing follows the audits.
  package private(set) var setup: PlannerSetup?
  package private(set) var buffer: ValidationBuffer?
  private var reorderer: Reorderer?
  private var hopeless = HopelessSensors()
  /// Sensors whose data tells nothing now.
  var poor: ModalitySet = []
  /// The walk that was chosen last, before sensors that are left out go to its end.
  private var chosen: [ExitID] = []
  /// What the gate walks.
  private var walk: [ExitID] = []
  private var leftOut: ModalitySet = []
  private var bounds: PolicyBounds?
  /// Factors in force: on the thresholds, and on a right answer's worth for giving up.
  private var factors = (scale: 1.0, share: 1.0)
  /// As was told last.
  private var isRiskKept = true
  /// What people are shown.
  package private(set) var report = OrderReport()

  package init(_ setup: PlannerSetup?) { adopt(setup) }

  /// Goes over to another generation, and begins with its order; audits of the same model stay.
  mutating func adopt(_ next: PlannerSetup?) {
    let kept = buffer
    let former = setup
    setup = next
    buffer = nil
    reorderer = nil
    hopeless = HopelessSensors()
    poor = []
    leftOut = []
    report = OrderReport()
    guard let next, let reorderer = try? Reorderer(prior: next.prices, stream: next.stream) else {
      setup = nil
      return
    }
    self.reorderer = reorderer
    bounds = next.budget == nil && next.riskBound == nil ? nil : PolicyBounds(next)
    factors = (1, 1)
    report.bounds = bounds?.report ?? BoundsReport()
    chosen = next.policy.steps
    walk = chosen
    var buffer = next.freshBuffer
    if let kept, former?.fingerprint == next.fingerprint, kept.layout == next.layout {
      for index in kept.indices { buffer.append(kept[index]) }
    }
    self.buffer = buffer
    report.isOn = true
    report.isOrderFree = next.isOrderFree
    count()
  }

  /// Takes the audits of an earlier run.
  package mutating func restore(_ restored: ValidationBuffer) {
    guard buffer?.layout == restored.layout else { return }
    for index in restored.indices { buffer?.append(restored[index]) }
    count()
  }

  package mutating func take(_ audit: AuditedWindow) {
    guard let layout = buffer?.layout else { return }
    buffer?.append(AuditRecord(audit, layout))
    count()
  }

  /// A person says what a decision's window was. Of a window that was not audited that tells nothing here.
  mutating func label(_ decision: UInt64, as label: Int) {
    _ = buffer?.label(decision, as: label)
    count()
  }

  /// What the audits speak for at `now`, the time of the last one.
  /// - Returns: nil where order and set stay.
  mutating func review(at now: Instant) -> PlannedOrder? {
    guard let setup, let buffer, buffer.count > 0 || poor != leftOut else { return nil }
    let none = setup.policy.noneClass
    let changes = hopeless.review(buffer, poor: poor, none: none)
    let present = bounds?.policy(walk) ?? setup.policy.with(steps: walk)
    guard
      let review = try? reorderer?.review(
        buffer, policy: present, hopeless: hopeless.set, dead: hopeless.poor, at: now)
    else {
      return nil
    }
    bounds?.review(buffer, present, hopeless: hopeless.set, dead: hopeless.poor, at: now)
    var silent = hopeless.set
    if let point = bounds?.point {
      if setup.isOrderFree { chosen = buffer.layout.walk(point.order) }
      silent.formUnion(ModalitySet.all(buffer.layout.modalityCount).subtracting(point.permitted))
    } else if setup.isOrderFree, review.verdict == .change {
      chosen = buffer.layout.walk(review.best.order)
    }
    let nextFactors = (scale: bounds?.scale ?? 1, share: bounds?.worthShare ?? 1)
    report.review = review
    report.bounds = bounds?.report ?? BoundsReport()
    count()
    let next = chosen.movingToEnd(silent)
    // Who listens is asked, whatever its audits say, unless its data can tell nothing: being wrong about a camera costs a hand
    // now and then, being wrong about who listens costs every word.
    if let listening = next.firstExits.first, !hopeless.poor.contains(index: listening) {
      silent.subtract(ModalitySet(index: listening))
    }
    guard next != walk || silent != leftOut || nextFactors != factors else { return nil }
    var change = OrderChange(
      from: walk.firstExits, to: next.firstExits, askedBefore: report.asked,
      asked: ModalitySet.all(buffer.layout.modalityCount).subtracting(silent),
      formerValue: review.present.value, value: review.best.value, gain: review.gain,
      standardError: review.standardError, audits: review.audits)
    change.moved = review.moved.map {
      OrderChange.Moved(
        quantity: $0.quantity.rawValue, modality: $0.modality, exit: $0.exit, from: $0.from, to: $0.to,
        audits: $0.count)
    }
    change.sensors = changes.filter { !$0.isHopeless || silent.contains(index: $0.modality) }.map {
      OrderChange.Sensor(modality: $0.modality, isAsked: !$0.isHopeless, right: $0.right, events: $0.events)
    }
    change.thresholdScale = nextFactors.scale
    change.worthShare = nextFactors.share
    walk = next
    leftOut = silent
    factors = nextFactors
    report.asked = change.asked
    return PlannedOrder(
      bounds?.policy(next) ?? setup.policy.with(steps: next), order: next.firstExits, leftOut: leftOut,
      change: change)
  }

  /// What the last review makes of budget and bound; that the bound is broken, or kept again, is told once.
  mutating func boundsNews() -> BoundsNews {
    var news = BoundsNews(isBudgetOutranked: report.bounds.breach == .limit)
    let isKept = report.bounds.isRiskKept
    guard isKept != isRiskKept, let limit = report.bounds.riskBound, let risk = report.bounds.risk else {
      return news
    }
    isRiskKept = isKept
    news.news = BoundChange(.risk, isKept: isKept, limit: limit, value: risk)
    return news
  }

  /// Brings what people are shown up to date.
  private mutating func count() {
    guard let setup, let buffer else { return }
    report.audits = buffer.count
    report.clientLabels = buffer.clientLabels
    report.asked = ModalitySet.all(buffer.layout.modalityCount).subtracting(leftOut)
    report.events = (0..<buffer.layout.modalityCount).map {
      let newest = hopeless.newestEvents($0, buffer, none: setup.policy.noneClass)
      return OrderReport.Events(right: newest.right, count: newest.events)
    }
  }
}

extension [ExitID] {
  /// The walk with sensors at its end that tell nothing; who listens goes on listening.
  fileprivate func movingToEnd(_ hopeless: ModalitySet) -> [ExitID] {
    let listening = firstExits.first
    func isAsked(_ step: ExitID) -> Bool {
      guard case .encoder(let modality, _) = step else { return true }
      return modality == listening || !hopeless.contains(index: modality)
    }
    return filter(isAsked) + filter { !isAsked($0) }
  }
}

extension AuditRecord {
  /// As the pipeline hands it on.
  init(_ window: AuditedWindow, _ layout: ExitLayout) {
    self.init(decision: window.decision, end: window.end, cost: window.cost)
    inactive = window.inactive
    for index in window.readings.indices { enter(window.readings[index], layout) }
  }
}
