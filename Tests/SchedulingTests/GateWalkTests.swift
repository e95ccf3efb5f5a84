import Scheduling
import Testing
import Vocabulary

/// A random gate, window and world.
private struct Situation {
  var policy: GatePolicy
  var figures: OrderingProblem?
  var window: WindowConditions
  var script: GateScript

  init(_ random: inout SeededRandom) throws {
    let n = random.whole(1...4)
    let classes = random.whole(2...4)
    let problem = random.problem(modalities: n)
    let plan = try plan(problem, by: [.paper, .exact, .interleaved][random.whole(0...2)])
    let thresholds = ThresholdTable(
      classCount: classes,
      exits: problem.modalities.map { $0.exits.map { _ in random.thresholds(classes) } },
      fusion: random.thresholds(classes))
    // Not the generator's round figures: at exact ties between going on and stopping, rounding would decide.
    figures = random.chance(0.4) ? random.unround(problem) : nil
    policy = GatePolicy(
      steps: random.chance(0.8) ? plan.walk : plan.walk(startingWith: random.whole(0...n - 1)),
      thresholds: thresholds, noneClass: random.chance(0.7) ? random.whole(0...classes - 1) : nil,
      goingOn: try figures.map { try GoingOnEstimate($0) }, useActivity: random.chance(0.5),
      activityCertainty: 0.75, always: random.chance(0.1),
      wakeDeadlines: (0..<n).map { .milliseconds(Int64($0) + 1) })
    let present = random.subset(n, 0.6)
    window = WindowConditions(
      now: Instant(sinceBoot: Int64(random.whole(0...1000))), present: present,
      wakeable: random.subset(n, 0.6).subtracting(present),
      invalid: random.chance(0.2) ? random.subset(n, 0.5) : [],
      inactive: random.chance(0.5) ? random.subset(n, 0.7) : [], lookDue: random.chance(0.3))
    script = GateScript(
      exits: problem.modalities.enumerated().map { m, modality in
        modality.exits.indices.map { random.reading(.encoder(modality: m, exit: $0 + 1), classes) }
      }, fusion: random.reading(.fusion, classes),
      wakes: (0..<n).map { _ in
        random.chance(0.6) ? .delivered : [.pending, .deadlineMissed, .failed, .refused][random.whole(0...3)]
      }, skewTooLarge: random.chance(0.15))
  }
}

extension SeededRandom {
  fileprivate mutating func subset(_ count: Int, _ probability: Double) -> ModalitySet {
    (0..<count).reduce(into: []) { if chance(probability) { $0.insert(ModalitySet(index: $1)) } }
  }

  fileprivate mutating func thresholds(_ classes: Int) -> ExitThresholds {
    ExitThresholds(
      chance(0.2) ? nil : Float(uniform(0...0.7)),
      classThresholds: chance(0.3) ? [whole(0...classes - 1): Float(uniform())] : [:])
  }

  fileprivate mutating func reading(_ exit: ExitID, _ classes: Int) -> Reading {
    Reading(
      exit: exit, entropy: chance(0.03) ? .nan : Float(uniform()), label: whole(0...classes - 1),
      certainty: Float(uniform()), macs: 1, parameters: 1)
  }

  fileprivate mutating func unround(_ problem: OrderingProblem) -> OrderingProblem {
    var result = problem
    result.lambda = uniform(1...30)
    for m in result.modalities.indices {
      for e in result.modalities[m].exits.indices {
        result.modalities[m].exits[e].hazard = uniform(0.01...0.99)
        result.modalities[m].exits[e].cost += uniform(0.001...0.1)
      }
    }
    return result
  }
}

@Suite struct GateWalkTests {
  @Test func doesWhatTheReferenceDoes() throws {
    var random = SeededRandom(seed: 12)
    var reasons: Set<Reason> = []
    for round in 0..<30_000 {
      let situation = try Situation(&random)
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
      let situation = try Situation(&random)
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
        return policy.thresholds.threshold(at: exit, label: reading.label).map { reading.entropy <= $0 }
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
      let situation = try Situation(&random)
      let policy = situation.policy
      guard let none = policy.noneClass, !policy.always, policy.goingOn == nil else { continue }
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
        #expect(last.label == none && last.entropy <= threshold ?? -1, "round \(round)")
      }
      #expect(trace.provisional == !trace.allLooked, "round \(round)")
    }
    #expect(settled > 500)
  }

  /// With every sensor there, a window that stands alone (an evaluator's, a calibration's) is walked as any other in a stream.
  @Test func aWindowAloneIsWalkedAsInAStream() throws {
    var random = SeededRandom(seed: 16)
    for round in 0..<20_000 {
      let situation = try Situation(&random)
      guard situation.policy.goingOn == nil else { continue }
      var window = WindowConditions(
        present: .all(situation.policy.modalityCount), inactive: [], lookDue: true)
      var gate = Gate(situation.policy)
      var alone = walk(&gate, window, situation.script)
      window.lookDue = false
      alone.look = false
      #expect(walk(&gate, window, situation.script) == alone, "round \(round)")
    }
  }

  @Test func aWindowLeavesNothingBehind() throws {
    var random = SeededRandom(seed: 14)
    for _ in 0..<2_000 {
      let situation = try Situation(&random)
      var used = Gate(situation.policy)
      let first = walk(&used, situation.window, situation.script)
      // Cut off in the middle, then begun again.
      _ = used.begin(situation.window)
      #expect(walk(&used, situation.window, situation.script) == first)
    }
  }
}
