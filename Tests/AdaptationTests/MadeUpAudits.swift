import Adaptation
import Scheduling
import Vocabulary

extension SeededDraws {
  mutating func uniform() -> Double { Double(next() >> 11) / 0x1p53 }
}

/// A made-up scene: how well each modality answers, and how often something happens.
struct Scene {
  static let none = 0
  static let classes = 4
  /// By modality: probability that its exits name an event's class.
  var skill: [Double]
  /// Share of windows with an event.
  var prevalence = 0.5
  /// Probability that fusion is right.
  var fusionSkill = 0.97

  /// A modality that answers right is mostly sure, one that does not mostly is not.
  func record(_ number: UInt64, at end: Instant, _ layout: ExitLayout, _ draws: inout SeededDraws)
    -> AuditRecord
  {
    var record = AuditRecord(decision: number, end: end, cost: Nanojoules(Int64(draws.index(below: 1000))))
    let isEvent = draws.chance(prevalence)
    let truth = isEvent ? 1 + draws.index(below: Self.classes - 1) : Self.none
    for (modality, exits) in layout.exitCounts.enumerated() {
      for exit in 1...exits {
        let isRight = draws.chance(isEvent ? skill[modality] : 0.97)
        // What it does not hear it takes for nothing.
        record.enter(
          reading(isRight ? truth : Self.none, isRight, .encoder(modality: modality, exit: exit), &draws),
          layout)
      }
    }
    let isRight = draws.chance(fusionSkill)
    record.enter(reading(isRight ? truth : Self.none, isRight, .fusion, &draws), layout)
    return record
  }

  private func reading(_ label: Int, _ isRight: Bool, _ exit: ExitID, _ draws: inout SeededDraws) -> Reading {
    let entropy = isRight ? 0.3 * draws.uniform() : 0.25 + 0.7 * draws.uniform()
    return Reading(
      exit: exit, entropy: Float(entropy), label: label, certainty: Float(1 - entropy), macs: 0, parameters: 0
    )
  }

  /// So many audits, `gap` seconds apart, added to the buffer.
  func fill(
    _ buffer: inout ValidationBuffer, _ count: Int, from start: Int64 = 0, gap: Int64 = 20,
    _ draws: inout SeededDraws
  ) {
    for index in 0..<count {
      let end = Instant.zero + .seconds(start + Int64(index) * gap)
      buffer.append(record(UInt64(index + 1), at: end, buffer.layout, &draws))
    }
  }
}

func layout(_ exits: [Int]) -> ExitLayout {
  guard let layout = ExitLayout(exitCounts: exits) else { fatalError("a layout that is none") }
  return layout
}

/// Sensors that cost alike; sensor i costs `wakes[i]` to wake.
func prices(_ layout: ExitLayout, lambda: Double = 20, wake: Double = 2, standby: Double = 1)
  -> OrderingProblem
{
  OrderingProblem(
    lambda: lambda,
    modalities: layout.exitCounts.enumerated().map { index, exits in
      ModalityStatistics(
        name: "m\(index)", wakeCost: wake, standbyCost: standby,
        exits: (0..<exits).map { _ in ExitStatistics(accuracy: 0.9, cost: 0.5, hazard: 0.6) })
    }, fusion: FusionStatistics(accuracy: 0.95, cost: 0.5))
}

func thresholds(_ layout: ExitLayout, _ threshold: Float? = 0.3) -> [[ExitThresholds]] {
  layout.exitCounts.map { [ExitThresholds](repeating: ExitThresholds(threshold), count: $0) }
}

func policy(_ layout: ExitLayout, order: [Int]? = nil, threshold: Float? = 0.3) -> GatePolicy {
  let order = order ?? Array(0..<layout.modalityCount)
  return GatePolicy(
    steps: order.flatMap { modality in
      (1...layout.exitCounts[modality]).map { .encoder(modality: modality, exit: $0) }
    },
    thresholds: ThresholdTable(
      classCount: Scene.classes, exits: thresholds(layout, threshold), fusion: ExitThresholds(nil)),
    noneClass: Scene.none)
}

func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(1, abs(a), abs(b)) }
