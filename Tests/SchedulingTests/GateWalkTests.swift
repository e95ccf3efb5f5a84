import Scheduling
import Testing
import Vocabulary

extension [ExitID] {
  /// Modalities by their first exit.
  fileprivate var modalityOrder: [Int] {
    compactMap { if case .encoder(let modality, 1) = $0 { modality } else { nil } }
  }
}

@Suite struct GateWalkTests {
  @Test func doesWhatTheReferenceDoes() throws {
    var random = SeededRandom(seed: 12)
    var overriding = SeededRandom(seed: 18)
    var beside = SeededRandom(seed: 21)
    var reasons: Set<Reason> = []
    for round in 0..<30_000 {
      var situation = try GateSituation(&random)
      if round % 2 == 1 { situation = situation.overridden(&overriding) }
      if round % 3 == 2 { situation = situation.besideNone(&beside) }
      var gate = Gate(situation.policy)
      let trace = walk(&gate, situation.window, situation.script)
      let reference = GateReference(
        policy: situation.policy, figures: situation.figures, window: situation.window,
        script: situation.script)
      let expected = reference.run()
      #expect(trace.summary == expected.summary, "round \(round)")
      #expect(trace == expected, "round \(round)")
      if let reason = trace.answer?.reason { reasons.insert(reason) }
    }
    #expect(reasons == Set(Reason.allCases))
  }

  @Test func concludesAtTheFirstSureExitInPlanOrder() throws {
    var random = SeededRandom(seed: 13)
    for _ in 0..<5_000 {
      let situation = try GateSituation(&random)
      let policy = GatePolicy(
        steps: situation.policy.steps, thresholds: situation.policy.thresholds)
      let n = policy.modalityCount
      let window = WindowConditions(
        present: situation.window.present, wakeable: ModalitySet.all(n).subtracting(situation.window.present))
      var script = situation.script
      script.wakes = script.wakes.map { _ in .delivered }
      var gate = Gate(policy)
      let trace = walk(&gate, window, script)
      let sure = policy.steps.first { exit in
        let reading = script.reading(exit)
        // The last leaves the answer to fusion where it yields.
        if n > 1 && exit == policy.steps.last && policy.thresholds.yieldsToFusion(at: exit) { return false }
        return policy.thresholds.threshold(at: exit, label: reading.label).map { said(reading) <= $0 }
          ?? false
      }
      if let sure {
        #expect(trace.isSure && trace.answer?.exit == sure && trace.answer?.reason == .sure)
        let before = policy.steps.prefix { $0 != sure }.count
        #expect(trace.actions.count { if case .advance = $0 { true } else { false } } == before + 1)
      } else {
        #expect(trace.actions.contains(.fuse))
      }
    }
  }

  /// The one rule, held against every branch: what one sensor does not find says nothing of what another could.
  @Test func aSensorsNoneOverrulesNoOther() throws {
    var random = SeededRandom(seed: 15)
    var settled = 0
    for round in 0..<20_000 {
      let situation = try GateSituation(&random)
      let policy = situation.policy
      guard let none = policy.noneClass, !policy.always, policy.continuation == nil else { continue }
      var gate = Gate(policy)
      let trace = walk(&gate, situation.window, situation.script)
      guard let answer = trace.answer, answer.label == none, case .encoder(_, 1...)? = answer.exit,
        trace.isSure
      else { continue }
      settled += 1
      // Every sensor that was asked is sure of it, and none that is awake went unasked.
      let awake = situation.window.present.subtracting(situation.window.invalid)
      #expect(trace.asked.isSuperset(of: awake), "round \(round)")
      for modality in 0..<policy.modalityCount where trace.asked.contains(index: modality) {
        let asked = trace.actions.count { $0 == .advance(modality: modality) }
        let last = situation.script.exits[modality][asked - 1]
        let threshold = policy.thresholds.threshold(at: last.exit, label: none)
        #expect(last.label == none && said(last) <= threshold ?? -1, "round \(round)")
      }
      #expect(trace.provisional == !trace.allLooked, "round \(round)")
    }
    #expect(settled > 500)
  }

  /// With every sensor there, a window that stands alone (an evaluator's, a calibration's) is walked as any other in a stream.
  @Test func aWindowAloneIsWalkedAsInAStream() throws {
    var random = SeededRandom(seed: 16)
    for round in 0..<20_000 {
      let situation = try GateSituation(&random)
      guard situation.policy.continuation == nil else { continue }
      var window = WindowConditions(
        present: .all(situation.policy.modalityCount), inactive: [], lookDue: true)
      var gate = Gate(situation.policy)
      var alone = walk(&gate, window, situation.script)
      window.lookDue = false
      alone.look = false
      #expect(walk(&gate, window, situation.script) == alone, "round \(round)")
    }
  }

  /// The rule of a class that overrides, stated by what a walk came to: where nobody says it, everything is as without it but
  /// for the first exits asked last; where somebody does, no exit answers.
  @Test func aClassOverridesOrChangesNothing() throws {
    var random = SeededRandom(seed: 19)
    var overriding = SeededRandom(seed: 20)
    var (stood, fused) = (0, 0)
    for round in 0..<20_000 {
      let situation = try GateSituation(&random)
      let other = situation.overridden(&overriding)
      var (gate, otherGate) = (Gate(situation.policy), Gate(other.policy))
      let plain = walk(&gate, situation.window, situation.script)
      let trace = walk(&otherGate, other.window, other.script)
      let heard = plain.asked
      let added = trace.actions.dropFirst(plain.actions.count - 1)
      guard let answer = plain.answer, answer.reason == .sure || plain.isSure,
        case .encoder(let modality, 1...)? = answer.exit, answer.label != situation.policy.noneClass,
        answer.label != other.policy.overridingClass
      else {
        // An answer that is unsure for lost samples alone was sure: it may be overridden too.
        if plain.answer?.reason != .windowInvalid { #expect(trace == plain, "round \(round)") }
        continue
      }
      #expect(trace.woken == plain.woken && trace.missing == plain.missing, "round \(round)")
      #expect(heard.contains(index: modality))
      if trace.answer == answer {
        stood += 1
        let asked = added.dropLast().map { action in
          if case .advance(let modality) = action { modality } else { -1 }
        }
        let open = situation.policy.steps.modalityOrder.filter {
          gate.intact.contains(index: $0) && !heard.contains(index: $0)
            && other.policy.thresholds.overrideThreshold(of: $0) != nil
        }
        #expect(asked == open, "round \(round)")
        for m in asked {
          let limit = other.policy.thresholds.overrideThreshold(of: m) ?? -1
          #expect(!(other.script.exits[m][0].overriding ?? 2 >= limit), "round \(round)")
        }
        #expect(otherGate.unopposing == asked.reduce(into: []) { $0.insert(ModalitySet(index: $1)) })
        #expect(otherGate.wanted == gate.wanted, "round \(round)")
      } else {
        fused += 1
        #expect(trace.actions.contains(.fuse), "round \(round)")
        let skewed = Answer(
          label: answer.label, exit: answer.exit, entropy: answer.entropy, certainty: answer.certainty,
          threshold: answer.threshold, reason: .skewAboveLimit)
        #expect(other.script.skewTooLarge ? trace.answer == skewed : trace.answer?.exit == .fusion)
      }
    }
    #expect(stood > 300 && fused > 300, "\(stood) \(fused)")
  }

  @Test func aWindowLeavesNothingBehind() throws {
    var random = SeededRandom(seed: 14)
    for _ in 0..<2_000 {
      let situation = try GateSituation(&random)
      var used = Gate(situation.policy)
      let first = walk(&used, situation.window, situation.script)
      // Cut off in the middle, then begun again.
      _ = used.begin(situation.window)
      #expect(walk(&used, situation.window, situation.script) == first)
    }
  }
}
