import Scheduling
import Vocabulary

/// Windows through the gate as lines of JSON, for whoever tells its rules in another language (tools/tests/test_walk.py).
enum GateVectors {
  static let command = "MMEXIT_GATE_VECTORS=write swift test --filter GateVectorsTests"

  /// The command in the head, then a line a window: the first of each kind among `rounds` random ones.
  static func lines(rounds: Int) throws -> [String] {
    var random = SeededRandom(seed: 17)
    var seen: Set<String> = []
    var lines = ["{\"made_by\": \"\(command)\"}"]
    for round in 0..<4 * rounds {
      var situation = try GateSituation(&random)
      let part = round / rounds
      if part == 1 || part > 1 && round.isMultiple(of: 2) { situation = situation.overridden(&random) }
      if part > 1 { situation = situation.besideNone(&random) }
      var gate = Gate(situation.policy)
      let trace = walk(&gate, situation.window, situation.script)
      guard seen.insert(kind(situation, trace)).inserted else { continue }
      lines.append(line(situation, trace, wanted: gate.wanted))
    }
    return lines
  }

  /// What a window is an example of: what met it on the way, and how it ended.
  private static func kind(_ situation: GateSituation, _ trace: GateTrace) -> String {
    let met = trace.actions.compactMap { action in
      if case .wake(let modality, _) = action { "\(situation.script.wakes[modality])" } else { nil }
    }
    let flags = [trace.isSure, trace.provisional, trace.look]
    let yielded = zip(trace.actions, trace.actions.dropFirst()).contains { asked, next in
      guard case .advance(let modality) = asked, next == .fuse else { return false }
      let last = situation.script.exits[modality].last!
      let table = situation.policy.thresholds
      return table.yieldsToFusion(at: last.exit)
        && table.threshold(at: last.exit, label: last.label).map { said(last) <= $0 } ?? false
    }
    let ended = trace.answer.map { "\($0.reason) \($0.label == situation.policy.noneClass)" } ?? "-"
    let override = overrides(situation, trace)
    let beside = besideNone(situation, trace)
    if beside == "same" { return "\(ended) \(beside)" }
    let ways = "\(yielded) \(Set(met).sorted()) \(flags.map { $0 ? "1" : "0" }.joined())"
    return "\(ended)\(override)\(beside) \(ways)"
  }

  /// With thresholds beside a `none`: whether they changed anything; if so, how many sensors were asked, and whether a look
  /// was due, one that was asked was quiet, one damaged or asleep, a gain was held against it, and everything was fused.
  private static func besideNone(_ situation: GateSituation, _ trace: GateTrace) -> String {
    guard situation.policy.hasBesideNone else { return "" }
    var plain = Gate(situation.withoutBesideNone.policy)
    let before = walk(&plain, situation.window, situation.script)
    guard trace != before else { return "same" }
    let window = situation.window
    var gain = false
    if case .encoder(let m, let exit)? = trace.answer?.exit, exit > 0 {
      gain = situation.script.exits[m][exit - 1].gain != nil
    }
    let flags = [
      window.lookDue, !trace.asked.isDisjoint(with: window.inactive), !window.invalid.isEmpty,
      !window.wakeable.isEmpty, gain, trace.actions.contains(.fuse),
    ]
    return " \(trace.asked.count) \(flags.map { $0 ? "1" : "0" }.joined())"
  }

  /// With a class that overrides: how many were asked about a sure answer, and whether it stood.
  private static func overrides(_ situation: GateSituation, _ trace: GateTrace) -> String {
    guard situation.policy.overridingClass != nil else { return "" }
    var plain = Gate(situation.policy.withoutOverriding)
    let before = walk(&plain, situation.window, situation.script)
    let added = trace.asked.subtracting(before.asked)
    let quiet = added.isDisjoint(with: situation.window.inactive) ? "" : " quiet"
    return " \(added.count) \(trace.answer == before.answer)\(quiet)"
  }

  private static func line(_ situation: GateSituation, _ trace: GateTrace, wanted: ModalitySet) -> String {
    let (policy, window, script) = (situation.policy, situation.window, situation.script)
    let table = policy.thresholds
    func limits(_ exit: ExitID) -> String {
      list((0..<table.classCount).map { number(table.threshold(at: exit, label: $0)) })
    }
    let exits = script.exits.indices.map { m in
      list(script.exits[m].indices.map { limits(.encoder(modality: m, exit: $0 + 1)) })
    }
    var members = [
      ("steps", list(policy.steps.map(name))), ("limits", list(exits)), ("fusion_limits", limits(.fusion)),
      ("yields", list(script.exits.indices.map { list(yields($0, table)) })),
      ("none", policy.noneClass.map(String.init) ?? "null"), ("going_on", figures(situation.figures)),
      ("use_activity", "\(policy.useActivity)"), ("activity_certainty", number(policy.activityCertainty)),
      ("always", "\(policy.always)"),
      ("present", "\(window.present.rawValue)"), ("wakeable", "\(window.wakeable.rawValue)"),
      ("invalid", "\(window.invalid.rawValue)"), ("inactive", "\(window.inactive.rawValue)"),
      ("look_due", "\(window.lookDue)"),
      ("readings", list(script.exits.map { list($0.map(reading)) })), ("fusion", reading(script.fusion)),
      ("wakes", list(script.wakes.map { "\"\($0)\"" })), ("skew_too_large", "\(script.skewTooLarge)"),
      ("actions", "\"\(actions(trace))\""), ("answer", answer(trace)),
      ("provisional", "\(trace.provisional)"), ("all_looked", "\(trace.allLooked)"),
      ("look", "\(trace.look)"),
      ("asked", "\(trace.asked.rawValue)"), ("woken", "\(trace.woken.rawValue)"),
      ("missing", "\(trace.missing.rawValue)"), ("wanted", "\(wanted.rawValue)"),
    ]
    if let overriding = policy.overridingClass {
      members += [
        ("overriding", "\(overriding)"),
        ("overrides", list(script.exits.indices.map { number(table.overrideThreshold(of: $0)) })),
        ("says_overriding", list(script.exits.map { number($0[0].overriding) })),
      ]
    }
    if policy.hasBesideNone {
      let exits = script.exits.indices.map { m in
        list(script.exits[m].map { number(table.thresholdBesideNone(at: $0.exit)) })
      }
      members.append(("beside_none", list(exits)))
    }
    return "{" + members.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
  }

  private static func yields(_ modality: Int, _ table: ThresholdTable) -> [String] {
    (1...table.exitCounts[modality]).map {
      "\(table.yieldsToFusion(at: .encoder(modality: modality, exit: $0)))"
    }
  }

  /// `a0 w1 a1 f`: advance, wake, fuse.
  private static func actions(_ trace: GateTrace) -> String {
    trace.actions.compactMap { action in
      switch action {
      case .advance(let modality): "a\(modality)"
      case .wake(let modality, _): "w\(modality)"
      case .fuse: "f"
      case .conclude, .concludeUnsure: nil
      }
    }.joined(separator: " ")
  }

  private static func answer(_ trace: GateTrace) -> String {
    guard let answer = trace.answer else { return "null" }
    let members = [
      answer.label.map(String.init) ?? "null", answer.exit.map(name) ?? "null", number(answer.entropy),
      number(answer.certainty), number(answer.threshold), "\"\(answer.reason.rawValue)\"", "\(trace.isSure)",
    ]
    return list(members)
  }

  /// `[worth, wake costs, [accuracy, cost, hazard] of each exit by modality, [accuracy, cost] of fusion]`.
  private static func figures(_ problem: OrderingProblem?) -> String {
    guard let problem else { return "null" }
    let exits = problem.modalities.map { modality in
      list(modality.exits.map { list(["\($0.accuracy)", "\($0.cost)", "\($0.hazard)"]) })
    }
    return list([
      "\(problem.lambda)", list(problem.modalities.map { "\($0.wakeCost)" }), list(exits),
      list(["\(problem.fusion.accuracy)", "\(problem.fusion.cost)"]),
    ])
  }

  private static func reading(_ reading: Reading) -> String {
    list([number(reading.entropy), "\(reading.label)", number(reading.certainty), number(reading.gain)])
  }

  private static func name(_ exit: ExitID) -> String {
    switch exit {
    case .encoder(let modality, let exit): "[\(modality), \(exit)]"
    case .fusion: "\"fusion\""
    }
  }

  /// The shortest decimal that is this Float again.
  private static func number(_ value: Float?) -> String {
    guard let value else { return "null" }
    return value.isNaN ? "NaN" : "\(value)"
  }

  private static func list(_ members: [String]) -> String { "[" + members.joined(separator: ", ") + "]" }
}

extension GatePolicy {
  fileprivate var hasBesideNone: Bool { steps.contains { thresholds.thresholdBesideNone(at: $0) != nil } }

  fileprivate var withoutOverriding: GatePolicy {
    GatePolicy(
      steps: steps, thresholds: thresholds, noneClass: noneClass, continuation: continuation,
      useActivity: useActivity, activityCertainty: activityCertainty, always: always,
      wakeDeadlines: wakeDeadlines)
  }
}
