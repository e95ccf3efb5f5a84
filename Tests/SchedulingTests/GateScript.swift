import Scheduling
import Testing
import Vocabulary

/// What the world would answer, were it asked: the other side of a walk.
struct GateScript {
  /// By modality, then by exit.
  var exits: [[Reading]]
  var fusion: Reading
  var wakes: [WakeOutcome]
  var skewTooLarge = false

  func reading(_ exit: ExitID) -> Reading {
    if case .encoder(let modality, let number) = exit { exits[modality][number - 1] } else { fusion }
  }
}

/// What came out of a walk.
struct GateTrace: Equatable {
  var actions: [Action] = []
  var provisional = false
  var look = false
  var allLooked = false
  var asked: ModalitySet = []
  var woken: ModalitySet = []
  var missing: ModalitySet = []

  var answer: Answer? {
    switch actions.last {
    case .conclude(let answer), .concludeUnsure(let answer): answer
    default: nil
    }
  }
  var isSure: Bool { if case .conclude = actions.last { true } else { false } }
  /// The walk in short: `a0`, `w1`, `f`, ended by `=` for a conclusion and `?` for an unsure one.
  var summary: String {
    actions.map { action in
      switch action {
      case .advance(let modality): "a\(modality)"
      case .wake(let modality, _): "w\(modality)"
      case .fuse: "f"
      case .conclude(let answer): "= \(answer.label.map(String.init) ?? "-") \(answer.reason.rawValue)"
      case .concludeUnsure(let answer): "? \(answer.label.map(String.init) ?? "-") \(answer.reason.rawValue)"
      }
    }.joined(separator: " ")
  }
}

/// Walks one window through the gate, holding every step against what may never happen.
func walk(_ gate: inout Gate, _ conditions: WindowConditions, _ script: GateScript) -> GateTrace {
  let counts = script.exits.map(\.count)
  let invalid = conditions.invalid.intersection(conditions.present)
  var trace = GateTrace()
  var done = [Int](repeating: 0, count: counts.count)
  var present = conditions.present
  var woken: Set<Int> = []
  var action = gate.begin(conditions)
  while trace.actions.count < 100 {
    trace.actions.append(action)
    switch action {
    case .advance(let modality):
      #expect(present.contains(index: modality) && !invalid.contains(index: modality))
      guard done[modality] < counts[modality] else {
        Issue.record("modality \(modality) is at its end")
        return trace
      }
      done[modality] += 1
      action = gate.next(after: script.exits[modality][done[modality] - 1])
    case .wake(let modality, let deadline):
      #expect(woken.insert(modality).inserted, "woken twice")
      #expect(conditions.wakeable.contains(index: modality) && !present.contains(index: modality))
      #expect(deadline == conditions.now + gate.policy.wakeDeadlines[modality])
      if script.wakes[modality] == .delivered { present.insert(ModalitySet(index: modality)) }
      action = gate.next(after: script.wakes[modality], of: modality)
    case .fuse:
      let ended = counts.indices.filter { done[$0] == counts[$0] }
      #expect(!ended.isEmpty && zip(done, counts).allSatisfy { $0 == 0 || $0 == $1 }, "fused half-run")
      #expect(gate.fusing == ended.reduce(into: []) { $0.insert(ModalitySet(index: $1)) })
      action = script.skewTooLarge ? gate.fusionRefused() : gate.next(after: script.fusion)
    case .conclude, .concludeUnsure:
      trace.provisional = gate.provisional
      trace.look = gate.look
      trace.allLooked = gate.allLooked
      trace.asked = gate.asked
      trace.woken = gate.woken
      trace.missing = gate.missing
      return trace
    }
  }
  Issue.record("the walk does not end")
  return trace
}
