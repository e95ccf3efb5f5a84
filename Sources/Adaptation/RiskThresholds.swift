import Scheduling
import Vocabulary

/// What a review of the thresholds found.
package struct RiskReview: Hashable, Sendable {
  package enum Assurance: Hashable, Sendable {
    /// The thresholds in force were tested on audits of this scene: with the configured confidence for the whole horizon,
    /// the risk is within the bound.
    case tested
    /// The scene has changed since, or no test was passed yet: the risk is watched and told, not assured.
    case monitored
    /// The risk seen lies above the bound beyond doubt.
    case exceeded
  }

  package var assurance: Assurance
  /// Whether the thresholds are others than before.
  package var isChanged: Bool
  /// Factor on the model's thresholds; 0: every exit but fusion's is off.
  package var scale: Double
  /// Share of audits in which the gate's answer differs from full fusion's under the thresholds now in force.
  package var risk: Double
  package var audits: Int
  package var effectiveAudits: Int
  /// Tests left in this horizon.
  package var choicesLeft: Int
}

/// Thresholds that follow the scene, so that the gate's answer differs from full fusion's in at most a share of windows.
///
/// The model's thresholds are scaled by one factor from a fixed list. Starting at 0, where fusion answers everything, the
/// factors are tested one after the other until the first that fails (fixed sequence, Angelopoulos et al., Learn then Test,
/// 2021), each by the exact binomial tail over effective counts; of those that passed, the cheapest is taken. A horizon's
/// error is divided among its tests, so that with that error at most one of them passes what is above the bound.
package struct RiskThresholds: Sendable {
  package struct Settings: Hashable, Sendable {
    /// Largest share of windows, 0...1, that may be answered otherwise than by full fusion.
    package var bound = 0.03
    /// Probability that the bound is not kept in a horizon without change.
    package var error = 0.05
    package var horizon = Nanoseconds.seconds(86_400)
    /// Tests in a horizon, >= 1; so much of it lies between two at least.
    package var choices = 24
    /// Rising, the first 0.
    package var scales = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3]
    /// Audits nearer than this count as one.
    package var decorrelation = Nanoseconds.seconds(2)
    package var detector = ChangeDetector()

    package init() {}
  }

  package let settings: Settings
  private let exits: [[ExitThresholds]]
  private let fusion: ExitThresholds
  private let classCount: Int
  /// Index of the factor in force.
  private var current: Int
  private var isTested = false
  private var horizonStart: Instant?
  private var lastChoice: Instant?
  private var choicesMade = 0

  /// - Parameters:
  ///   - exits: the model's thresholds, by modality, then exit.
  ///   - fusion: fusion's, which is not scaled.
  ///   - startingAt: the factor in force until the first test; among the scales, else the nearest below.
  package init(
    exits: [[ExitThresholds]], fusion: ExitThresholds, classCount: Int, startingAt scale: Double = 1,
    settings: Settings = Settings()
  ) {
    precondition(settings.scales.first == 0 && settings.choices > 0 && settings.error > 0)
    precondition(zip(settings.scales, settings.scales.dropFirst()).allSatisfy { $0 < $1 })
    self.settings = settings
    self.exits = exits
    self.fusion = fusion
    self.classCount = classCount
    current = settings.scales.lastIndex { $0 <= scale } ?? 0
  }

  package var scale: Double { settings.scales[current] }
  /// The thresholds in force.
  package var table: ThresholdTable { table(scale: scale) }

  package func table(scale: Double) -> ThresholdTable {
    func scaled(_ exit: ExitThresholds) -> ExitThresholds {
      if scale == 0 { return ExitThresholds(nil) }
      return ExitThresholds(
        exit.threshold.map { min(1, $0 * Float(scale)) },
        classThresholds: exit.classThresholds.mapValues { min(1, $0 * Float(scale)) },
        yieldsToFusion: exit.yieldsToFusion, override: exit.override,
        besideNone: exit.besideNone.map { min(1, $0 * Float(scale)) })
    }
    return ThresholdTable(classCount: classCount, exits: exits.map { $0.map(scaled) }, fusion: fusion)
  }

  /// Reviews the thresholds; where they change, `table` holds the new ones.
  /// - Parameters:
  ///   - policy: what the gate walks now; its thresholds are not looked at.
  ///   - prices: for choosing the cheapest of those that pass.
  package mutating func review(
    _ buffer: ValidationBuffer, policy: GatePolicy, prices: OrderingProblem, at now: Instant
  ) -> RiskReview {
    let before = current
    renewHorizon(at: now)
    var recent = buffer
    let changedRun = settings.detector.recordsSinceChange(buffer, none: policy.noneClass)
    if let changedRun {
      let since = buffer[buffer.count - changedRun].end
      recent.keepNewest(changedRun)
      if lastChoice.map({ since > $0 }) ?? true { isTested = false }
    }
    var seen = measure(recent, settings.scales[current], policy, prices)
    let isExceeded =
      Binomial.lowerBound(seen.errors, of: seen.effective, error: errorOfOne) > settings.bound
    if mayChoose(at: now, urgently: isExceeded) {
      if let chosen = choose(recent, policy, prices, at: now) {
        current = chosen
        isTested = true
      } else if isExceeded {
        current = max(0, current - 1)
        isTested = false
      }
      if current != before { seen = measure(recent, settings.scales[current], policy, prices) }
    } else if isExceeded {
      // No test is left: fusion answers.
      current = 0
      isTested = false
      seen = measure(recent, 0, policy, prices)
    }
    let isStillExceeded =
      Binomial.lowerBound(seen.errors, of: seen.effective, error: errorOfOne) > settings.bound
    return RiskReview(
      assurance: isStillExceeded ? .exceeded : isTested ? .tested : .monitored,
      isChanged: current != before, scale: scale, risk: seen.risk, audits: recent.count,
      effectiveAudits: seen.effective, choicesLeft: settings.choices - choicesMade)
  }

  private var errorOfOne: Double { settings.error / Double(settings.choices) }

  private mutating func renewHorizon(at now: Instant) {
    if let horizonStart, now >= horizonStart, now - horizonStart < settings.horizon { return }
    horizonStart = now
    choicesMade = 0
  }

  private func mayChoose(at now: Instant, urgently: Bool) -> Bool {
    guard choicesMade < settings.choices else { return false }
    guard !urgently, let lastChoice else { return true }
    return now - lastChoice >= Nanoseconds(settings.horizon.count / Int64(settings.choices))
  }

  /// The cheapest factor that passes; nil where none does. Where there are too few audits for any to pass, none is tested
  /// and nothing is spent.
  private mutating func choose(
    _ buffer: ValidationBuffer, _ policy: GatePolicy, _ prices: OrderingProblem, at now: Instant
  ) -> Int? {
    var passed: (index: Int, cost: Double)?
    for index in settings.scales.indices {
      let seen = measure(buffer, settings.scales[index], policy, prices)
      if index == 0 {
        // Without a single error this many could not pass.
        guard Binomial.cumulative(0, of: seen.effective, settings.bound) <= errorOfOne else { return nil }
        choicesMade += 1
        lastChoice = now
      }
      if Binomial.cumulative(seen.errors, of: seen.effective, settings.bound) > errorOfOne { break }
      if let cheapest = passed, seen.cost >= cheapest.cost { continue }
      passed = (index, seen.cost)
    }
    return passed?.index
  }

  private struct Seen {
    var errors = 0
    var effective = 0
    var risk = 0.0
    var cost = 0.0
  }

  private func measure(
    _ buffer: ValidationBuffer, _ scale: Double, _ policy: GatePolicy, _ prices: OrderingProblem
  ) -> Seen {
    let replay = AuditReplay(
      buffer.layout, prices: prices, policy: policy.with(thresholds: table(scale: scale)))
    var series: [Double] = []
    var seen = Seen()
    for index in buffer.indices {
      guard let outcome = replay.outcome(buffer[index]) else { continue }
      series.append(outcome.agrees ? 0 : 1)
      seen.cost += outcome.cost
    }
    guard !series.isEmpty else { return seen }
    let errors = series.reduce(0, +)
    let effective = min(
      Autocorrelation.effectiveCount(series),
      Double(Autocorrelation.distinctTimes(buffer, span: settings.decorrelation)))
    seen.risk = errors / Double(series.count)
    seen.cost /= Double(series.count)
    seen.effective = Int(effective)
    seen.errors = min(seen.effective, Int((seen.risk * effective).rounded(.up)))
    return seen
  }
}
