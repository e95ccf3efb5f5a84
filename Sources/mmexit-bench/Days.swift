import Adaptation
import Energy
import Engine
import Ledger
import Policies
import Scheduling
import Vocabulary

/// Days without a change of the scene, drawn window by window from recorded audits; no network is run. Does the order stay
/// where it belongs, and does the risk stay within its bound?
func days(_ options: Options) throws(BenchFailure) {
  let days = try options.number("--days", in: 1...100_000) ?? 200
  let seeds = try options.number("--seeds", in: 1...100_000) ?? 20
  let percent = try options.number("--events", in: 1...99) ?? 10
  let (name, world) = try population(options, events: Double(percent) / 100)
  print(
    "\(name): \(world.audits.events.count) windows with an event and \(world.audits.quiet.count) without; \(percent) % events, an audit every \(StationaryDays.auditSeconds) s"
  )
  let order = try world.orders(seeds: seeds)
  print(
    "sensors, the same days: \(order.leftOut) times one was left out"
  )
  print(
    "order, \(seeds) days of \(order.reviews) reviews: \(order.changes) changes, \(order.wrong) to an order that is worth less; days with one: \(order.daysWithWrong)"
  )
  let risk = world.risks(days: days)
  print(
    "risk, \(days) days: within the bound of \(decimal(100 * risk.bound)) % throughout in \(risk.within) days (\(decimal(100 * Double(risk.within) / Double(days))) %); highest \(decimal(100 * risk.highest)) %, the model's own thresholds \(decimal(100 * risk.ofModel)) %"
  )
  print(
    "price a window, mean at the end of the days: \(decimal(1000 * risk.cost)) mJ, the model's own thresholds \(decimal(1000 * risk.costOfModel)) mJ"
  )
}

private func population(
  _ options: Options, events: Double
) throws(BenchFailure) -> (name: String, StationaryDays) {
  guard let path = try options.one("--audits") else {
    return ("made-up audits", try StationaryDays(RecordedAudits(madeUp: [0.7, 0.85]), events: events))
  }
  let model = try model(options)
  return (model.name, try StationaryDays(model, RecordedAudits(path, model), events: events))
}

private struct StationaryDays {
  /// 1 window in 80 at 250 ms.
  static let auditSeconds: Int64 = 20
  private static let auditsADay = 86_400 / Int(auditSeconds)
  private static let auditsAReview = 30
  /// A full check in 11 s, windows of 250 ms; no lingering: as `config/live.conf` has it.
  private static let fullCheckShare = 0.25 / 11
  /// Drawn once, to hold orders against each other in a stream.
  private static let populationSize = 4096

  let audits: RecordedAudits
  private let events: Double
  private let prior: OrderingProblem
  private let policy: GatePolicy
  private let exits: [[ExitThresholds]]
  private let fusion: ExitThresholds
  private let classCount: Int

  /// Prices as the daemon's on a Raspberry Pi 4, windows of 250 ms, sensors that take half a second to wake.
  init(_ model: Model, _ audits: RecordedAudits, events: Double) throws(BenchFailure) {
    self.audits = audits
    self.events = events
    let kinds: [(sensor: Board.SensorKind, features: Board.FeatureKind)] = model.modalities.map {
      if case .spectrogram = $0.features { (.microphone, .sound) } else { (.camera, .image) }
    }
    let energy = Board.raspberryPi4.energyModel(kinds)
    func joules(_ macs: Int64, _ parameters: Int64) -> Double {
      energy.compute(macs: macs, parameters: parameters).joules
    }
    let awake = kinds.map { Double($0.sensor.power.awake) * 1e-6 * 0.25 }
    let costs = Costs(
      segments: model.modalities.map { $0.segments.map { joules($0.macs, $0.parameters) } },
      fusion: joules(model.fusion.macs, model.fusion.parameters),
      sensing: kinds.map { Board.raspberryPi4.features($0.features).joules },
      wake: zip(kinds, awake).map { Double($0.sensor.power.waking) * 1e-6 * 0.5 + $1 }, standby: awake)
    guard let prior = model.orderingProblem(lambda: 0.5, costs: costs) else {
      throw BenchFailure(.dataError, "model '\(model.name)' does not state accuracy and hazard of its exits")
    }
    self.prior = prior
    do {
      policy = GatePolicy(
        steps: try plan(prior, by: .exact).walk, thresholds: model.thresholdTable(),
        noneClass: model.noneClass)
    } catch {
      throw BenchFailure(.dataError, "model '\(model.name)': \(error.description)")
    }
    exits = model.exitThresholds()
    fusion = model.fusionThresholds
    classCount = model.classes.count
  }

  /// A microphone and a camera on a Raspberry Pi 4, made-up figures.
  init(_ audits: RecordedAudits, events: Double) throws(BenchFailure) {
    self.audits = audits
    self.events = events
    prior = OrderingProblem(
      lambda: 0.5,
      modalities: [("sound", 0.11, 0.04), ("picture", 0.9, 0.3)].map { name, wake, standby in
        ModalityStatistics(
          name: name, wakeCost: wake, standbyCost: standby,
          exits: [Double](repeating: 0.002, count: 2).map {
            ExitStatistics(accuracy: 0.95, cost: $0, hazard: 0.6)
          })
      }, fusion: FusionStatistics(accuracy: 0.97, cost: 0.001))
    exits = audits.layout.exitCounts.map { [ExitThresholds](repeating: ExitThresholds(0.25), count: $0) }
    fusion = ExitThresholds(nil)
    classCount = 4
    do {
      policy = GatePolicy(
        steps: try plan(prior, by: .exact).walk,
        thresholds: ThresholdTable(classCount: 4, exits: exits, fusion: fusion), noneClass: 0)
    } catch {
      throw BenchFailure(.software, error.description)
    }
  }

  private func policy(_ order: [Int]) -> GatePolicy {
    let steps = order.flatMap { modality in
      (1...audits.layout.exitCounts[modality]).map { ExitID.encoder(modality: modality, exit: $0) }
    }
    return GatePolicy(steps: steps, thresholds: policy.thresholds, noneClass: policy.noneClass)
  }

  private func worth(_ policy: GatePolicy) -> (value: Double, cost: Double, risk: Double) {
    let replay = AuditReplay(audits.layout, prices: prior, policy: policy)
    func mean(_ value: (AuditReplay.Outcome) -> Double) -> Double {
      audits.mean(events) { record in replay.outcome(record).map(value) ?? 0 }
    }
    return (
      mean { ($0.correct ? prior.lambda : 0) - $0.cost }, mean(\.cost), mean { $0.agrees ? 0 : 1 }
    )
  }

  private var stream: StreamPrices { StreamPrices(fullCheckShare: Self.fullCheckShare) }

  /// What an order is worth in a stream of this population.
  private func value(_ policy: GatePolicy) -> Double {
    var draws = SeededDraws(seed: 99)
    var buffer = ValidationBuffer(audits.layout, capacity: Self.populationSize)
    for audit in 1...Self.populationSize { _ = append(&buffer, audit, &draws) }
    return StreamWorth(
      buffer, AuditReplay(audits.layout, prices: prior, policy: policy, stream: stream)
    ).value(lambda: prior.lambda)
  }

  /// - Returns: over all days, the changes of the order, those to one whose worth over the population is less, the days
  ///   with such a one, how often a sensor was left out, and the reviews of a day.
  func orders(seeds: Int) throws(BenchFailure) -> (
    changes: Int, wrong: Int, daysWithWrong: Int, leftOut: Int, reviews: Int
  ) {
    var (changes, wrong, daysWithWrong, leftOut) = (0, 0, 0, 0)
    for seed in 1...seeds {
      var draws = SeededDraws(seed: UInt64(seed))
      var buffer = ValidationBuffer(audits.layout)
      var present = policy
      let before = wrong
      do {
        var reorderer = try Reorderer(prior: prior, stream: stream)
        var hopeless = HopelessSensors()
        for audit in 1...Self.auditsADay {
          let now = append(&buffer, audit, &draws)
          guard audit % Self.auditsAReview == 0 else { continue }
          leftOut += hopeless.review(buffer, none: policy.noneClass).count { $0.isHopeless }
          let review = try reorderer.review(buffer, policy: present, hopeless: hopeless.set, at: now)
          guard review.verdict == .change else { continue }
          changes += 1
          let next = policy(review.best.order)
          if value(next) < value(present) { wrong += 1 }
          present = next
        }
      } catch {
        throw BenchFailure(.software, error.description)
      }
      if wrong > before { daysWithWrong += 1 }
    }
    return (changes, wrong, daysWithWrong, leftOut, Self.auditsADay / Self.auditsAReview)
  }

  private func append(
    _ buffer: inout ValidationBuffer, _ audit: Int, _ draws: inout SeededDraws
  ) -> Instant {
    var record = audits.draw(events, &draws)
    record.decision = UInt64(audit)
    record.end = Instant.zero + .seconds(Int64(audit) * Self.auditSeconds)
    buffer.append(record)
    return record.end
  }

  /// A day is within the bound if all thresholds that were tested in it have a risk over the population within it.
  func risks(days: Int) -> (
    within: Int, bound: Double, highest: Double, ofModel: Double, cost: Double, costOfModel: Double
  ) {
    let settings = RiskThresholds.Settings()
    let own = worth(policy)
    var known: [Double: (cost: Double, risk: Double)] = [:]
    func figures(_ risk: RiskThresholds) -> (cost: Double, risk: Double) {
      if let found = known[risk.scale] { return found }
      let found = worth(GatePolicy(steps: policy.steps, thresholds: risk.table, noneClass: policy.noneClass))
      known[risk.scale] = (found.cost, found.risk)
      return (found.cost, found.risk)
    }
    var (within, highest, cost) = (0, 0.0, 0.0)
    for day in 1...days {
      var draws = SeededDraws(seed: UInt64(1_000_000 + day))
      var buffer = ValidationBuffer(audits.layout)
      var risk = RiskThresholds(
        exits: exits, fusion: fusion, classCount: classCount, startingAt: 0, settings: settings)
      var worst = 0.0
      for audit in 1...Self.auditsADay {
        let now = append(&buffer, audit, &draws)
        guard audit % 180 == 0 else { continue }
        _ = risk.review(buffer, policy: policy, prices: prior, at: now)
        worst = max(worst, figures(risk).risk)
      }
      if worst <= settings.bound { within += 1 }
      highest = max(highest, worst)
      cost += figures(risk).cost / Double(days)
    }
    return (within, settings.bound, highest, own.risk, cost, own.cost)
  }
}
