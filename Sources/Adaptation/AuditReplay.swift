import Scheduling
import Vocabulary

/// What a stream costs beside the windows that an order is asked about.
package struct StreamPrices: Hashable, Sendable {
  /// Share of windows that are full checks, 0...1.
  package var fullCheckShare: Double
  /// By modality: staying awake after a wake that was wanted; no full check pays it.
  package var lingerCosts: [Double]

  package init(fullCheckShare: Double = 0, lingerCosts: [Double] = []) {
    self.fullCheckShare = fullCheckShare
    self.lingerCosts = lingerCosts
  }
}

/// What the gate would have made of an audited window under a policy. The gate is the daemon's own: there is one rule.
package struct AuditReplay: Sendable {
  /// One window's outcome.
  package struct Outcome: Hashable, Sendable {
    /// Index of the class; nil where nobody could say anything.
    package var label: Int?
    /// Price of the walk, in the problem's unit: standby, wakes, exits, fusion.
    package var cost: Double
    /// The same answer as full fusion.
    package var agrees: Bool
    /// The reference label.
    package var correct: Bool
    package var woken: ModalitySet
  }

  private let layout: ExitLayout
  let prices: OrderingProblem
  let stream: StreamPrices
  private let policy: GatePolicy
  private let order: [Int]
  /// Sensors that may be awake at all.
  private let permitted: ModalitySet
  /// Sensors that tell nothing: they sleep, unless they listen.
  private let hopeless: ModalitySet
  /// Those of them whose data can tell nothing: taken as quiet where they listen.
  private let dead: ModalitySet

  /// - Parameter prices: in the model's order; its hazards and accuracies are not looked at.
  package init(
    _ layout: ExitLayout, prices: OrderingProblem, policy: GatePolicy, permitted: ModalitySet? = nil,
    hopeless: ModalitySet = [], dead: ModalitySet = [], stream: StreamPrices = StreamPrices()
  ) {
    precondition(prices.modalities.map(\.exits.count) == layout.exitCounts)
    precondition((0...1).contains(stream.fullCheckShare))
    self.layout = layout
    self.prices = prices
    self.stream = stream
    self.policy = policy
    self.permitted = permitted ?? .all(layout.modalityCount)
    self.hopeless = policy.noneClass == nil ? [] : hopeless
    self.dead = policy.noneClass == nil ? [] : dead
    order = policy.steps.compactMap { step in
      if case .encoder(let modality, 1) = step { modality } else { nil }
    }
  }

  /// Walks one window. The first sensor of the order that can be had is awake, the others sleep and are in time if woken.
  /// Where less than everything is fused, which no audit recorded, the most certain of the last exits stands in.
  /// - Parameter isFullCheck: every sensor that tells something is asked before a `none` stands.
  /// - Returns: nil where the record has no reference label.
  package func outcome(_ record: AuditRecord, isFullCheck: Bool = false) -> Outcome? {
    guard let reference = record.reference else { return nil }
    let available = record.available(layout).intersection(permitted)
    guard let listening = order.first(where: { available.contains(index: $0) }) else {
      return Outcome(label: nil, cost: 0, agrees: false, correct: false, woken: [])
    }
    let first = ModalitySet(index: listening)
    let others = available.subtracting(first).subtracting(hopeless)
    var cost = prices.modalities[listening].standbyCost
    let isMute = dead.contains(first)
    if isMute, !isFullCheck || others.isEmpty, let none = policy.noneClass {
      return Outcome(
        label: none, cost: cost, agrees: record.fusion.wasRun && none == Int(record.fusion.label),
        correct: none == Int(reference.label), woken: [])
    }
    var gate = Gate(policy)
    var action = gate.begin(
      WindowConditions(
        present: isMute ? [] : first, wakeable: others, inactive: record.inactive.intersection(first),
        lookDue: isFullCheck))
    var asked = InlineArray<32, UInt8>(repeating: 0)
    while true {
      switch action {
      case .advance(let modality):
        asked[modality] += 1
        let exit = Int(asked[modality])
        cost += prices.modalities[modality].exits[exit - 1].cost
        let outcome = record.exits[layout.row(modality: modality, exit: exit)]
        action = gate.next(after: Self.reading(outcome, .encoder(modality: modality, exit: exit)))
      case .wake(let modality, _):
        cost += prices.modalities[modality].wakeCost
        action = gate.next(after: .delivered, of: modality)
      case .fuse:
        cost += prices.fusion.cost
        action = gate.next(after: Self.reading(fused(gate.fusing, record), .fusion))
      case .conclude(let answer), .concludeUnsure(let answer):
        return Outcome(
          label: answer.label, cost: cost,
          agrees: record.fusion.wasRun && answer.label == Int(record.fusion.label),
          correct: answer.label == Int(reference.label), woken: gate.woken)
      }
    }
  }

  private func fused(_ modalities: ModalitySet, _ record: AuditRecord) -> ExitOutcome {
    if modalities.isSuperset(of: record.available(layout)) { return record.fusion }
    var best = ExitOutcome.missing
    for modality in order where modalities.contains(index: modality) {
      let outcome = record.exits[layout.lastRow(of: modality)]
      if !best.wasRun || outcome.certainty > best.certainty { best = outcome }
    }
    return best
  }

  private static func reading(_ outcome: ExitOutcome, _ exit: ExitID) -> Reading {
    Reading(
      exit: exit, entropy: outcome.entropy, label: max(0, Int(outcome.label)), certainty: outcome.certainty,
      macs: 0, parameters: 0)
  }
}
