import Scheduling
import Testing
import Vocabulary

/// A sure command beside another sensor's sure `none`.
@Suite struct GateBesideNoneTests {
  /// Sound (0) and camera (1), two exits each, class 0 is `none`: every threshold 0.3, the camera's beside a `none` 0.2.
  private static func policy(
    always: Bool = false, none: Int? = 0, yields: Bool = false
  ) -> GatePolicy {
    let camera = ExitThresholds(0.3, yieldsToFusion: yields, besideNone: 0.2)
    let sound = ExitThresholds(0.3, yieldsToFusion: yields)
    return GatePolicy(
      steps: [(0, 1), (0, 2), (1, 1), (1, 2)].map { .encoder(modality: $0, exit: $1) },
      thresholds: ThresholdTable(
        classCount: 3, exits: [[sound, sound], [camera, camera]], fusion: ExitThresholds(nil)),
      noneClass: none, useActivity: true, always: always,
      wakeDeadlines: [.milliseconds(10), .milliseconds(20)])
  }

  private static let both: ModalitySet = [ModalitySet(index: 0), ModalitySet(index: 1)]
  private static let sound = ModalitySet(index: 0)
  private static let camera = ModalitySet(index: 1)
  private static let present = WindowConditions(present: both)

  private static func script(_ says: [(Float, Int)], gain: Float? = nil) -> GateScript {
    GateScript(
      exits: (0..<2).map { m in
        (1...2).map {
          let (entropy, label) = says[2 * m + $0 - 1]
          var reading = Reading(
            exit: .encoder(modality: m, exit: $0), entropy: entropy, label: label, certainty: 1 - entropy,
            macs: 1, parameters: 1)
          if m == 1 { reading.gain = gain }
          return reading
        }
      },
      fusion: Reading(exit: .fusion, entropy: 0.1, label: 2, certainty: 0.9, macs: 1, parameters: 1),
      wakes: [.delivered, .delivered])
  }

  private static func told(
    _ policy: GatePolicy, _ window: WindowConditions, _ script: GateScript
  ) -> String {
    var gate = Gate(policy)
    return walk(&gate, window, script).summary
  }

  @Test(arguments: [
    ("at its threshold it stands", Float(0.2), present, "a0 a1 = 1 sure"),
    ("above it everything asked is fused", 0.21, present, "a0 a1 a0 a1 f = 2 fused"),
    ("a look is no reason to go on", 0.1, .init(present: both, lookDue: true), "a0 a1 = 1 sure"),
    (
      "a camera that is woken for a look", 0.1, .init(present: sound, wakeable: camera, lookDue: true),
      "a0 w1 a1 = 1 sure"
    ),
    ("a quiet camera is asked last", 0.1, .init(present: both, inactive: camera), "a0 a1 = 1 sure"),
    // Not held against it: nobody was sure of `none` before.
    ("a quiet sound is asked last", 0.3, .init(present: both, inactive: sound), "a1 = 1 sure"),
    ("no camera is woken for it", 0.1, .init(present: sound, wakeable: camera), "a0 = 0 sure"),
    ("lost samples of the sound", 0.1, .init(present: both, invalid: sound), "a1 ? 1 windowInvalid"),
  ])
  func aCommand(_ name: String, _ entropy: Float, _ window: WindowConditions, _ expected: String) {
    let says = Self.script([(0.1, 0), (0.9, 0), (entropy, 1), (0.9, 1)])
    #expect(Self.told(Self.policy(), window, says) == expected, "\(name)")
  }

  @Test func itStandsInPlaceOfItsOwnThreshold() {
    let says = Self.script([(0.1, 0), (0.9, 0), (0.9, 1), (0.15, 1)])
    #expect(Self.told(Self.policy(), Self.present, says) == "a0 a1 a1 = 1 sure")
    let exit = ExitThresholds(0.1, besideNone: 0.9)
    let strict = GatePolicy(
      steps: [(0, 1), (1, 1)].map { .encoder(modality: $0, exit: $1) },
      thresholds: ThresholdTable(classCount: 3, exits: [[exit], [exit]], fusion: ExitThresholds(nil)),
      noneClass: 0)
    for (first, expected) in [(Float(0.1), "a0 a1 = 1 sure"), (0.2, "a0 a1 f = 2 fused")] {
      var two = Self.script([(first, 0), (0.9, 0), (0.2, 1), (0.9, 1)])
      two.exits = two.exits.map { [$0[0]] }
      #expect(Self.told(strict, Self.present, two) == expected)
    }
  }

  @Test func aGainIsHeldAgainstIt() {
    // Half of 1 + the gain: 0.2 and 0.25.
    let says: [(Float, Int)] = [(0.1, 0), (0.9, 0), (0.9, 1), (0.9, 1)]
    #expect(
      Self.told(Self.policy(), Self.present, Self.script(says, gain: -0.6)) == "a0 a1 = 1 sure")
    #expect(
      Self.told(Self.policy(), Self.present, Self.script(says, gain: -0.5)) == "a0 a1 a0 a1 f = 2 fused")
  }

  @Test func whatYieldsToFusionLeavesItTheAnswer() {
    let says = Self.script([(0.9, 0), (0.1, 0), (0.9, 1), (0.1, 1)])
    #expect(Self.told(Self.policy(), Self.present, says) == "a0 a0 a1 a1 = 1 sure")
    #expect(Self.told(Self.policy(yields: true), Self.present, says) == "a0 a0 a1 a1 f = 2 fused")
  }

  @Test func whereEveryExitRunsNothingConcludes() {
    let says = Self.script([(0.1, 0), (0.9, 0), (0.1, 1), (0.9, 1)])
    #expect(Self.told(Self.policy(always: true), Self.present, says) == "a0 a0 a1 a1 f = 2 fused")
    // Without a class that means nothing the first one answers.
    #expect(Self.told(Self.policy(none: nil), Self.present, says) == "a0 = 0 sure")
  }

  @Test func theClassThatOverridesIsAskedFirst() throws {
    // The camera comes first and is sure of nothing; a third sensor's first exit is asked about sound's command.
    let first = ExitThresholds(0.3, besideNone: 0.2)
    let third = ExitThresholds(0.3, override: 0.5)
    let policy = GatePolicy(
      steps: [(1, 1), (0, 1), (2, 1)].map { .encoder(modality: $0, exit: $1) },
      thresholds: ThresholdTable(
        classCount: 3, exits: [[first], [first], [third]], fusion: ExitThresholds(nil)),
      noneClass: 0, overridingClass: 2)
    for (label, probability, expected) in [
      (1, Float(0.4), "a1 a0 a2 = 1 sure"), (1, 0.5, "a1 a0 a2 f = 2 fused"), (2, 0.5, "a1 a0 = 2 sure"),
    ] {
      var script = Self.script([(0.1, label), (0.9, 0), (0.1, 0), (0.9, 0)])
      let last = Reading(
        exit: .encoder(modality: 2, exit: 1), entropy: 0.9, label: 2, certainty: 0.1, macs: 1, parameters: 1,
        overriding: probability)
      script.exits = script.exits.map { [$0[0]] } + [[last]]
      script.wakes.append(.delivered)
      #expect(Self.told(policy, .init(present: .all(3)), script) == expected)
    }
  }

  @Test func onceContradictedNothingStands() {
    // The second is sure of a command, and not sure enough; the third would be.
    let exit = ExitThresholds(0.3, besideNone: 0.2)
    let policy = GatePolicy(
      steps: (0..<3).map { .encoder(modality: $0, exit: 1) },
      thresholds: ThresholdTable(
        classCount: 3, exits: [[exit], [exit], [exit]], fusion: ExitThresholds(nil)),
      noneClass: 0)
    for (second, expected) in [(Float(0.25), "a0 a1 a2 f = 2 fused"), (0.35, "a0 a1 a2 = 1 sure")] {
      let said: [(Float, Int)] = [(0.1, 0), (second, 1), (0.1, 1)]
      var script = Self.script([(0, 0), (0, 0), (0, 0), (0, 0)])
      script.exits = said.enumerated().map { m, said in
        [
          Reading(
            exit: .encoder(modality: m, exit: 1), entropy: said.0, label: said.1, certainty: 0.5, macs: 1,
            parameters: 1)
        ]
      }
      script.wakes = [.delivered, .delivered, .delivered]
      #expect(Self.told(policy, .init(present: .all(3)), script) == expected)
    }
  }

  /// The rule, stated by what a walk came to: it does all that it did without, up to a sure command beside a sure `none`.
  @Test func itEndsAWalkEarlierOrChangesNothing() throws {
    var random = SeededRandom(seed: 22)
    var beside = SeededRandom(seed: 23)
    var (stood, several) = (0, 0)
    for round in 0..<20_000 {
      let plain = try GateSituation(&random)
      let situation = plain.besideNone(&beside)
      let policy = situation.policy
      var (gate, otherGate) = (Gate(plain.policy), Gate(policy))
      let before = walk(&gate, plain.window, plain.script)
      let trace = walk(&otherGate, situation.window, situation.script)
      guard trace != before else { continue }
      stood += 1
      if policy.modalityCount > 2 { several += 1 }
      let answer = try #require(trace.answer)
      guard case .encoder(let modality, let exit)? = answer.exit, let none = policy.noneClass else {
        Issue.record("round \(round): \(trace.summary) instead of \(before.summary)")
        continue
      }
      #expect(!policy.always && answer.label != none && [.sure, .windowInvalid].contains(answer.reason))
      #expect(trace.actions.dropLast().elementsEqual(before.actions.prefix(trace.actions.count - 1)))
      let reading = situation.script.exits[modality][exit - 1]
      #expect(said(reading) <= policy.thresholds.thresholdBesideNone(at: reading.exit) ?? -1)
      #expect(answer.threshold == policy.thresholds.thresholdBesideNone(at: reading.exit))
      // Another was sure of `none`, and nobody of anything else.
      var sure: [Int] = []
      for m in 0..<policy.modalityCount where m != modality && trace.asked.contains(index: m) {
        let asked = trace.actions.count { $0 == .advance(modality: m) }
        let last = situation.script.exits[m][asked - 1]
        if said(last) <= policy.thresholds.threshold(at: last.exit, label: last.label) ?? -1 {
          sure.append(last.label)
        }
      }
      #expect(sure.contains(none), "round \(round)")
    }
    #expect(stood > 200 && several > 100, "\(stood) \(several)")
  }
}
