import Adaptation
import Scheduling
import Vocabulary

/// Times what the planner does when asked for an order: made-up audits, two exits a modality.
func order(_ options: Options) throws(BenchFailure) {
  let modalities = try options.number("--modalities", in: 1...16) ?? 12
  let windows = try options.number("--windows", in: 1...ValidationBuffer.maximumCapacity) ?? 512
  let rounds = try options.number("--rounds", in: 1...100_000) ?? 20
  guard let layout = ExitLayout(exitCounts: [Int](repeating: 2, count: modalities)) else {
    throw BenchFailure(.usage, "--modalities \(modalities): there is no room for their exits")
  }
  let buffer = madeUpAudits(layout, windows)
  let prior = madeUpFigures(layout)
  let steps = (0..<modalities).flatMap { modality in
    (1...2).map { ExitID.encoder(modality: modality, exit: $0) }
  }
  let policy = GatePolicy(
    steps: steps,
    thresholds: ThresholdTable(
      classCount: 4,
      exits: layout.exitCounts.map { [ExitThresholds](repeating: ExitThresholds(0.3), count: $0) },
      fusion: ExitThresholds(nil)), noneClass: 0)
  var part = Part(name: "review", macs: 0)
  var last: OrderReview?
  for round in 0..<rounds + 1 {
    do {
      var reorderer = try Reorderer(prior: prior)
      let before = now()
      last = try reorderer.review(buffer, policy: policy, at: .zero)
      if round > 0 { part.times.append(now() - before) }
    } catch {
      throw BenchFailure(.software, error.description)
    }
  }
  let order = last?.best.order.map(String.init).joined(separator: ", ") ?? "-"
  print("order of \(modalities) modalities from \(windows) audits, \(rounds) rounds: \(order)")
  print(
    "median \(decimal(Double(part.quantile(0.5)) / 1e6)) ms, p99 \(decimal(Double(part.quantile(0.99)) / 1e6)) ms"
  )
}

/// Audits in which each modality is right and sure the more often the later it stands.
private func madeUpAudits(_ layout: ExitLayout, _ count: Int) -> ValidationBuffer {
  var draws = SeededDraws(seed: 1)
  var buffer = ValidationBuffer(layout, capacity: count)
  for number in 1...count {
    var record = AuditRecord(decision: UInt64(number), end: Instant.zero + .seconds(Int64(20 * number)))
    let label = draws.index(below: 4)
    func reading(_ exit: ExitID, _ share: Double) -> Reading {
      let isRight = draws.chance(share)
      let entropy = (isRight ? 0 : 0.25) + 0.5 * Float(draws.index(below: 1000)) / 1000
      return Reading(
        exit: exit, entropy: entropy, label: isRight ? label : 0, certainty: 1 - entropy, macs: 0,
        parameters: 0)
    }
    for (modality, exits) in layout.exitCounts.enumerated() {
      for exit in 1...exits {
        let share = Double(modality + 1) / Double(layout.modalityCount + 1)
        record.enter(reading(.encoder(modality: modality, exit: exit), share), layout)
      }
    }
    record.enter(reading(.fusion, 0.97), layout)
    buffer.append(record)
  }
  return buffer
}

private func madeUpFigures(_ layout: ExitLayout) -> OrderingProblem {
  OrderingProblem(
    lambda: 20,
    modalities: layout.exitCounts.enumerated().map { index, exits in
      ModalityStatistics(
        name: "m\(index)", wakeCost: 1 + Double(index % 3), standbyCost: 1,
        exits: (0..<exits).map { _ in ExitStatistics(accuracy: 0.9, cost: 0.2, hazard: 0.5) })
    }, fusion: FusionStatistics(accuracy: 0.95, cost: 0.2))
}
