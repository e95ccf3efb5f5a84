import Scheduling
import Vocabulary

/// Keeps the order of modalities that the audits speak for, and changes it only when the gain is certain enough.
///
/// Candidates come from `empirical` up to 12 modalities and from `exact` on the estimates beyond, at the same prices. A
/// candidate is then walked by the gate over the audited windows beside the present policy; the difference, window by window,
/// must exceed both a margin and some standard errors, so that no chance of the audits moves the sensor that stays awake.
package struct Reorderer: Sendable {
  package struct Settings: Hashable, Sendable {
    /// Gain a window, as a share of lambda, that a change has to be worth; >= 0.
    package var margin = 0.002
    /// Standard errors by which the gain has to lie above 0; > 0. It is tested again and again, so 3.5 rather than 2.
    package var standardErrors = 3.5
    /// Shortest time between two changes.
    package var dwell = Nanoseconds.seconds(120)
    /// Audits that a change takes at least.
    package var minimumAudits = 24
    /// Windows that the model's figures count for.
    package var priorWeight = 16.0
    /// Audits nearer than this count as one.
    package var decorrelation = Nanoseconds.seconds(2)
    package var detector = ChangeDetector()

    package init() {}
  }

  package let settings: Settings
  /// The model's figures at the prices of the board, in the model's order.
  package let prior: OrderingProblem
  private var changed: Instant?
  private var figuresThen: [[[Double]]]

  /// - Throws: `PlanningError` if the figures are unusable.
  package init(prior: OrderingProblem, settings: Settings = Settings()) throws(PlanningError) {
    try prior.validate()
    self.prior = prior
    self.settings = settings
    figuresThen = prior.modalities.map { $0.exits.map { [$0.hazard, $0.accuracy] } }
  }

  /// Reviews the order; with `.change` the caller takes `best` at the window that the plan was asked for.
  /// - Parameters:
  ///   - policy: what the gate walks now.
  ///   - permitted: sensors that may be asked; nil permits all. The others keep their place at the end.
  ///   - now: on the clock of the records.
  /// - Throws: `PlanningError` if prices or figures are unusable, `noWindows` not among them.
  package mutating func review(
    _ buffer: ValidationBuffer, policy: GatePolicy, permitted: ModalitySet? = nil, at now: Instant
  ) throws(PlanningError) -> OrderReview {
    var recent = buffer
    if let kept = settings.detector.recordsSinceChange(buffer, none: policy.noneClass) {
      recent.keepNewest(kept)
    }
    let layout = buffer.layout
    let permitted = permitted ?? .all(layout.modalityCount)
    let estimates = ExitEstimates(
      recent, prior: prior, thresholds: policy.thresholds, weight: settings.priorWeight)
    let ranked = try rank(recent, estimates, policy.thresholds)
    let present = try value(of: policy.steps, recent, estimates, policy.thresholds)
    // A sensor that may not be asked costs nothing and tells nothing where it stands last.
    let best = ranked[0].moving(permitted, of: present.order)
    let difference = difference(best.order, policy, recent, permitted)
    let required = max(settings.margin * prior.lambda, settings.standardErrors * difference.standardError)
    let isDwelling = changed.map { now - $0 < settings.dwell } ?? false
    let verdict: OrderReview.Verdict =
      if best.order == present.order || difference.gain <= 0 {
        .keepBest
      } else if recent.count < settings.minimumAudits {
        .keepTooFewAudits
      } else if difference.gain <= required {
        .keepWithinMargin
      } else if isDwelling {
        .keepDwelling
      } else {
        .change
      }
    let moved = movedFigures(estimates)
    if verdict == .change {
      changed = now
      figuresThen = Self.figures(estimates)
    }
    return OrderReview(
      verdict: verdict, present: present, best: best,
      runnerUp: ranked.first { $0.order[0] != ranked[0].order[0] }, gain: difference.gain,
      standardError: difference.standardError, required: required, audits: recent.count,
      effectiveAudits: difference.effective, moved: moved)
  }

  /// The best order beginning with each modality, best first, ties in the model's order.
  private func rank(
    _ buffer: ValidationBuffer, _ estimates: ExitEstimates, _ thresholds: ThresholdTable
  ) throws(PlanningError) -> [RankedOrder] {
    let plans: [ExitPlan]
    let windows = isEmpirical ? buffer.empiricalProblem(prior, thresholds) : nil
    if let windows, !windows.windows.isEmpty {
      plans = try windows.plansByFirst()
    } else {
      plans = try estimates.problem(prior).plansByFirst()
    }
    let sorted = plans.enumerated().sorted {
      $0.element.value != $1.element.value
        ? $0.element.value > $1.element.value : $0.offset < $1.offset
    }
    return sorted.map { RankedOrder(order: $0.element.order, value: $0.element.value) }
  }

  private var isEmpirical: Bool { prior.modalities.count <= EmpiricalProblem.maximumModalities }

  /// What the present walk is worth by the same figures as the candidates; an interleaved one by those of its blocks.
  private func value(
    of steps: [ExitID], _ buffer: ValidationBuffer, _ estimates: ExitEstimates, _ thresholds: ThresholdTable
  ) throws(PlanningError) -> RankedOrder {
    let order = steps.compactMap { step in
      if case .encoder(let modality, 1) = step { modality } else { nil }
    }
    let windows = isEmpirical ? buffer.empiricalProblem(prior, thresholds) : nil
    if let windows, !windows.windows.isEmpty {
      return RankedOrder(order: order, value: windows.price(blocks: order).value)
    }
    return RankedOrder(order: order, value: estimates.problem(prior).price(steps).value)
  }

  private func difference(
    _ order: [Int], _ policy: GatePolicy, _ buffer: ValidationBuffer, _ permitted: ModalitySet
  ) -> (gain: Double, standardError: Double, effective: Double) {
    let old = AuditReplay(buffer.layout, prices: prior, policy: policy, permitted: permitted)
    let new = AuditReplay(
      buffer.layout, prices: prior, policy: policy.with(steps: buffer.layout.walk(order)),
      permitted: permitted)
    var series: [Double] = []
    for index in buffer.indices {
      guard let before = old.outcome(buffer[index]), let after = new.outcome(buffer[index]) else { continue }
      let gained = (after.correct ? prior.lambda : 0) - (before.correct ? prior.lambda : 0)
      series.append(gained - (after.cost - before.cost))
    }
    guard series.count > 1 else { return (series.first ?? 0, 0, Double(series.count)) }
    let mean = series.reduce(0, +) / Double(series.count)
    let variance = series.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(series.count - 1)
    let effective = min(
      Autocorrelation.effectiveCount(series),
      Double(Autocorrelation.distinctTimes(buffer, span: settings.decorrelation)))
    return (mean, (variance / effective).squareRoot(), effective)
  }

  private static func figures(_ estimates: ExitEstimates) -> [[[Double]]] {
    zip(estimates.hazards, estimates.accuracies).map { hazards, accuracies in
      zip(hazards, accuracies).map { [$0.mean, $1.mean] }
    }
  }

  private func movedFigures(_ estimates: ExitEstimates) -> [MovedFigure] {
    var found: [(distance: Double, figure: MovedFigure)] = []
    for modality in figuresThen.indices {
      for exit in figuresThen[modality].indices {
        let shares = [estimates.hazards[modality][exit], estimates.accuracies[modality][exit]]
        let quantities = [MovedFigure.Quantity.hazard, .accuracy]
        for (share, (quantity, then)) in zip(shares, zip(quantities, figuresThen[modality][exit])) {
          let distance = abs(share.mean - then) / max(share.deviation, 1e-9)
          guard distance >= 2 else { continue }
          found.append(
            (
              distance,
              MovedFigure(
                quantity: quantity, modality: modality, exit: exit + 1, from: then, to: share.mean,
                count: share.count)
            ))
        }
      }
    }
    let furthest = found.enumerated().sorted {
      $0.element.distance != $1.element.distance
        ? $0.element.distance > $1.element.distance : $0.offset < $1.offset
    }
    return furthest.prefix(4).map(\.element.figure)
  }
}

extension RankedOrder {
  /// The order with sensors that may not be asked at its end, as they stand in the present one.
  fileprivate func moving(_ permitted: ModalitySet, of present: [Int]) -> RankedOrder {
    let asked = order.filter { permitted.contains(index: $0) }
    return RankedOrder(
      order: asked + present.filter { !permitted.contains(index: $0) }, value: value)
  }
}
