import Scheduling
import Vocabulary

/// Keeps the order of modalities that the audits speak for, and changes it only when the gain is certain enough.
///
/// Candidates, one for each sensor that may listen, come from `empirical` up to 12 modalities and from `exact` on the
/// estimates beyond, at the same prices. What one is worth is what the gate makes of the audited windows in a stream
/// (`StreamWorth`): standby, wakes, lingering and full checks. The best one's gain over the present must exceed both a margin and
/// some standard errors, so that no chance of the audits moves the sensor that stays awake.
package struct Reorderer: Sendable {
  package struct Settings: Hashable, Sendable {
    /// Gain a window, as a share of lambda, that a change has to be worth; >= 0.
    package var margin = 0.002
    /// Standard errors by which the gain has to lie above 0; > 0. It is tested again and again, so 3.5 rather than 2.
    package var standardErrors = 3.5
    /// Shortest time between two changes.
    package var dwell = Nanoseconds.seconds(120)
    /// Audits that a change takes at least, and episodes among them.
    package var minimumAudits = 24
    package var minimumEpisodes = 8
    /// Windows that the model's figures count for.
    package var priorWeight = 16.0
    /// Audits nearer than this count as one.
    package var decorrelation = Nanoseconds.seconds(2)
    package var detector = ChangeDetector()
    /// Events nearer than this are one.
    package var spacing = Episodes.spacing
    /// Candidates that the gate walks over the audited windows, > 0: it takes most of a review's time.
    package var walked = 4

    package init() {}
  }

  package let settings: Settings
  /// The model's figures at the prices of the board, in the model's order.
  package let prior: OrderingProblem
  private var changed: Instant?
  private var figuresThen: [[[Double]]]

  private let stream: StreamPrices

  /// - Parameter stream: what full checks and lingering cost.
  /// - Throws: `PlanningError` if the figures are unusable.
  package init(
    prior: OrderingProblem, stream: StreamPrices = StreamPrices(), settings: Settings = Settings()
  ) throws(PlanningError) {
    try prior.validate()
    self.prior = prior
    self.stream = stream
    self.settings = settings
    figuresThen = prior.modalities.map { $0.exits.map { [$0.hazard, $0.accuracy] } }
  }

  /// Reviews the order; with `.change` the caller takes `best` at the window that the plan was asked for.
  /// - Parameters:
  ///   - policy: what the gate walks now.
  ///   - permitted: sensors that may be awake; nil permits all. The others stand at the end.
  ///   - hopeless: sensors that tell nothing. One of them may listen still, where listening by another costs more than it is
  ///     worth: full checks by the others go on.
  ///   - dead: those of them whose data can tell nothing: one that listens is taken as quiet.
  ///   - now: on the clock of the records.
  /// - Throws: `PlanningError` if prices or figures are unusable, `noWindows` not among them.
  package mutating func review(
    _ buffer: ValidationBuffer, policy: GatePolicy, permitted: ModalitySet? = nil, hopeless: ModalitySet = [],
    dead: ModalitySet = [], at now: Instant
  ) throws(PlanningError) -> OrderReview {
    var recent = buffer
    if let kept = settings.detector.recordsSinceChange(buffer, none: policy.noneClass) {
      recent.keepNewest(kept)
    }
    let layout = buffer.layout
    let permitted = permitted ?? .all(layout.modalityCount)
    let estimates = ExitEstimates(
      recent, prior: prior, thresholds: policy.thresholds, weight: settings.priorWeight)
    let presentOrder = policy.steps.firstExits
    let presentWorth = worth(policy, recent, permitted, hopeless, dead)
    let candidates = try candidates(recent, estimates, policy.thresholds, permitted)
    var ranked: [(order: RankedOrder, worth: StreamWorth)] = []
    for candidate in candidates {
      let order = candidate.order.movingToEnd(hopeless, permitted)
      let worth = worth(policy.with(steps: layout.walk(order)), recent, permitted, hopeless, dead)
      let value = worth.count > 0 ? worth.value(lambda: prior.lambda) : candidate.value
      ranked.append((RankedOrder(order: order, value: value), worth))
    }
    let sorted = ranked.enumerated().sorted {
      $0.element.order.value != $1.element.order.value
        ? $0.element.order.value > $1.element.order.value : $0.offset < $1.offset
    }.map(\.element)
    let present = RankedOrder(
      order: presentOrder,
      value: presentWorth.count > 0
        ? presentWorth.value(lambda: prior.lambda) : estimates.problem(prior).price(policy.steps).value)
    let best = sorted.first?.order ?? present
    let difference = difference(
      presentWorth, sorted.first?.worth ?? presentWorth, recent, none: policy.noneClass)
    let required = max(settings.margin * prior.lambda, settings.standardErrors * difference.standardError)
    let isDwelling = changed.map { now - $0 < settings.dwell } ?? false
    let verdict: OrderReview.Verdict =
      if best.order == present.order || difference.gain <= 0 {
        .keepBest
      } else if recent.count < settings.minimumAudits || difference.episodes < settings.minimumEpisodes {
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
      runnerUp: sorted.first { $0.order.order[0] != best.order[0] }?.order, gain: difference.gain,
      standardError: difference.standardError, required: required, audits: recent.count,
      effectiveAudits: difference.effective, moved: moved)
  }

  /// The best order beginning with each modality that may be awake.
  private func candidates(
    _ buffer: ValidationBuffer, _ estimates: ExitEstimates, _ thresholds: ThresholdTable,
    _ permitted: ModalitySet
  ) throws(PlanningError) -> [RankedOrder] {
    let plans: [ExitPlan]
    let isEmpirical = prior.modalities.count <= EmpiricalProblem.maximumModalities
    if isEmpirical, case let windows = buffer.empiricalProblem(prior, thresholds), !windows.windows.isEmpty {
      plans = try windows.plansByFirst()
    } else {
      plans = try estimates.problem(prior).plansByFirst()
    }
    let orders = plans.filter { permitted.contains(index: $0.order[0]) }
      .map { RankedOrder(order: $0.order, value: $0.value) }
    guard orders.count > settings.walked else { return orders }
    // Of many sensors only the few are walked that come out best by the recorded answers.
    let best = orders.enumerated().sorted {
      $0.element.value != $1.element.value
        ? $0.element.value > $1.element.value : $0.offset < $1.offset
    }.prefix(settings.walked)
    return best.sorted { $0.offset < $1.offset }.map(\.element)
  }

  private func worth(
    _ policy: GatePolicy, _ buffer: ValidationBuffer, _ permitted: ModalitySet, _ hopeless: ModalitySet,
    _ dead: ModalitySet
  ) -> StreamWorth {
    StreamWorth(
      buffer,
      AuditReplay(
        buffer.layout, prices: prior, policy: policy, permitted: permitted, hopeless: hopeless, dead: dead,
        stream: stream
      ))
  }

  private struct Difference {
    var gain = 0.0
    var standardError = 0.0
    /// Independent audits, and episodes.
    var effective = 0.0
    var episodes = 0
  }

  /// What `after` gains a window. Audits of one episode are one observation, and so are those near in time: of both
  /// standard errors the larger.
  private func difference(
    _ before: StreamWorth, _ after: StreamWorth, _ buffer: ValidationBuffer, none: Int?
  ) -> Difference {
    let numbers = Episodes(buffer, none: none, spacing: settings.spacing).numbers
    var series: [Double] = []
    var episodes: [Int] = []
    for (index, (old, new)) in zip(before.windows, after.windows).enumerated() {
      guard let old, let new else { continue }
      series.append(prior.lambda * (new.correct - old.correct) - (new.cost - old.cost))
      episodes.append(numbers[index])
    }
    guard series.count > 1 else {
      return Difference(gain: series.first ?? 0, effective: Double(series.count), episodes: series.count)
    }
    let mean = series.reduce(0, +) / Double(series.count)
    let variance = series.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(series.count - 1)
    let effective = min(
      Autocorrelation.effectiveCount(series),
      Double(Autocorrelation.distinctTimes(buffer, span: settings.decorrelation)))
    let clustered = Autocorrelation.clusteredError(series, clusters: episodes)
    return Difference(
      gain: mean, standardError: max((variance / effective).squareRoot(), clustered.standardError),
      effective: effective, episodes: clustered.count)
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

extension [ExitID] {
  /// Modalities by their first exit.
  package var firstExits: [Int] {
    compactMap { if case .encoder(let modality, 1) = $0 { modality } else { nil } }
  }
}

extension [Int] {
  /// The order with those at its end that may not be awake, before them those that tell nothing; who listens stays.
  fileprivate func movingToEnd(_ hopeless: ModalitySet, _ permitted: ModalitySet) -> [Int] {
    let rest = dropFirst()
    func isAsked(_ modality: Int) -> Bool {
      permitted.contains(index: modality) && !hopeless.contains(index: modality)
    }
    return [self[0]] + rest.filter(isAsked) + rest.filter { !isAsked($0) && permitted.contains(index: $0) }
      + rest.filter { !permitted.contains(index: $0) }
  }
}
