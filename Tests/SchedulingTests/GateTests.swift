import Scheduling
import Testing
import Vocabulary

/// Sound (0) and camera (1), two exits each, in this order; class 0 is `none`; every threshold 0.3.
private struct Case: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var window: WindowConditions
  /// Entropy and label of sound's exits, the camera's, and fusion's.
  var says: [(Float, Int)]
  var wake = WakeOutcome.delivered
  var skewTooLarge = false
  /// `GateTrace.summary`.
  var expected: String
  var provisional = false
  var look = false
}

private let unsure: Float = 0.9
private let sound = ModalitySet(index: 0)
private let camera = ModalitySet(index: 1)
private let both: ModalitySet = [sound, camera]
private let allUnsure: [(Float, Int)] = [(unsure, 1), (unsure, 1), (unsure, 1), (unsure, 1), (0.2, 2)]

private func reading(_ exit: ExitID, _ said: (Float, Int)) -> Reading {
  Reading(exit: exit, entropy: said.0, label: said.1, certainty: 1 - said.0, macs: 1, parameters: 1)
}

private func script(
  _ says: [(Float, Int)], _ wake: WakeOutcome = .delivered, skewTooLarge: Bool = false
) -> GateScript {
  GateScript(
    exits: (0..<2).map { m in
      (1...2).map { reading(.encoder(modality: m, exit: $0), says[2 * m + $0 - 1]) }
    }, fusion: reading(.fusion, says[4]), wakes: [wake, wake], skewTooLarge: skewTooLarge)
}

private let blockOrder: [ExitID] = [
  .encoder(modality: 0, exit: 1), .encoder(modality: 0, exit: 2), .encoder(modality: 1, exit: 1),
  .encoder(modality: 1, exit: 2),
]

private func policy(
  fusion: Float? = 0.3, continuation: ContinuationValue? = nil, always: Bool = false, noneClass: Int? = 0,
  yields: Bool = false
) -> GatePolicy {
  let exit = ExitThresholds(0.3, yieldsToFusion: yields)
  return GatePolicy(
    steps: blockOrder,
    thresholds: ThresholdTable(
      classCount: 3, exits: [[exit, exit], [exit, exit]], fusion: ExitThresholds(fusion)),
    noneClass: noneClass, continuation: continuation, useActivity: true, activityCertainty: 0.75,
    always: always,
    wakeDeadlines: [.milliseconds(10), .milliseconds(20)])
}

@Suite struct GateTests {
  private static let cases: [Case] = [
    // The walk.
    Case(
      testDescription: "sure at once", window: .init(present: both),
      says: [(0.1, 1), (0, 1), (0, 1), (0, 1), (0, 1)], expected: "a0 = 1 sure"),
    Case(
      testDescription: "at the threshold is sure", window: .init(present: both),
      says: [(0.3, 1), (0, 1), (0, 1), (0, 1), (0, 1)], expected: "a0 = 1 sure"),
    Case(
      testDescription: "sure at the camera's first exit", window: .init(present: both),
      says: [(unsure, 1), (unsure, 1), (0.1, 2), (0, 1), (0, 1)], expected: "a0 a0 a1 = 2 sure"),
    Case(
      testDescription: "nobody sure, fused", window: .init(present: both), says: allUnsure,
      expected: "a0 a0 a1 a1 f = 2 fused"),
    Case(
      testDescription: "fusion unsure as well", window: .init(present: both),
      says: [(unsure, 1), (unsure, 1), (unsure, 1), (unsure, 1), (0.4, 2)],
      expected: "a0 a0 a1 a1 f ? 2 fusedUnsure"),
    Case(
      testDescription: "pair too far apart: the most certain exit", window: .init(present: both),
      says: [(unsure, 1), (0.5, 2), (unsure, 1), (0.5, 1), (0, 1)], skewTooLarge: true,
      expected: "a0 a0 a1 a1 f ? 2 skewAboveLimit"),
    // Sensors that are not there.
    Case(
      testDescription: "camera unplugged", window: .init(present: sound), says: allUnsure,
      expected: "a0 a0 f = 2 modalityMissing"),
    Case(
      testDescription: "camera unplugged, sound sure", window: .init(present: sound),
      says: [(unsure, 1), (0.1, 1), (0, 2), (0, 2), (0, 2)], expected: "a0 a0 = 1 sure"),
    Case(
      testDescription: "nothing there", window: .init(present: []), says: allUnsure,
      expected: "? - noData"),
    Case(
      testDescription: "sound lost samples, camera sure", window: .init(present: both, invalid: sound),
      says: [(0, 1), (0, 1), (0.1, 2), (0, 2), (0, 2)], expected: "a1 ? 2 windowInvalid"),
    Case(
      testDescription: "sound lost samples, camera stays asleep",
      window: .init(present: sound, wakeable: camera, invalid: sound), says: allUnsure,
      expected: "? - windowInvalid"),
    Case(
      testDescription: "sound sure before the lost frame would count",
      window: .init(present: both, invalid: camera), says: [(0.1, 1), (0, 1), (0, 1), (0, 1), (0, 1)],
      expected: "a0 = 1 sure"),
    // Waking.
    Case(
      testDescription: "not woken when sound is sure", window: .init(present: sound, wakeable: camera),
      says: [(unsure, 1), (0.1, 1), (0, 2), (0, 2), (0, 2)], expected: "a0 a0 = 1 sure"),
    Case(
      testDescription: "woken when sound is not", window: .init(present: sound, wakeable: camera),
      says: [(unsure, 1), (unsure, 1), (0.1, 2), (0, 2), (0, 2)], expected: "a0 a0 w1 a1 = 2 sure"),
    Case(
      testDescription: "too late", window: .init(present: sound, wakeable: camera), says: allUnsure,
      wake: .deadlineMissed, expected: "a0 a0 w1 f = 2 wakeDeadlineMissed"),
    Case(
      testDescription: "too late and fusion unsure", window: .init(present: sound, wakeable: camera),
      says: [(unsure, 1), (unsure, 1), (0, 1), (0, 1), (0.4, 2)], wake: .deadlineMissed,
      expected: "a0 a0 w1 f ? 2 wakeDeadlineMissed"),
    Case(
      testDescription: "wake refused", window: .init(present: sound, wakeable: camera), says: allUnsure,
      wake: .refused, expected: "a0 a0 w1 f = 2 gainBelowCost"),
    Case(
      testDescription: "a sensor that cannot be had", window: .init(present: sound, wakeable: camera),
      says: allUnsure, wake: .failed, expected: "a0 a0 w1 f = 2 modalityMissing"),
    Case(
      testDescription: "the only sensor is too late", window: .init(present: [], wakeable: camera),
      says: allUnsure, wake: .deadlineMissed, expected: "w1 ? - wakeDeadlineMissed"),
    Case(
      testDescription: "no second wake after a missed one", window: .init(present: [], wakeable: both),
      says: allUnsure, wake: .deadlineMissed, expected: "w0 ? - wakeDeadlineMissed"),
    Case(
      testDescription: "a second wake after a failed one", window: .init(present: [], wakeable: both),
      says: allUnsure, wake: .failed, expected: "w0 w1 ? - modalityMissing"),
    // None is special.
    Case(
      testDescription: "none by one of two, the other asleep, is provisional",
      window: .init(present: sound, wakeable: camera),
      says: [(0.1, 0), (0, 1), (0, 1), (0, 1), (0, 1)], expected: "a0 = 0 sure", provisional: true),
    Case(
      testDescription: "none by one of two, the other awake: it is asked", window: .init(present: both),
      says: [(0.1, 0), (0, 1), (unsure, 0), (0.1, 0), (0, 1)], expected: "a0 a1 a1 = 0 sure"),
    Case(
      testDescription: "none by one of two, the other leans", window: .init(present: both),
      says: [(0.1, 0), (0, 1), (unsure, 2), (unsure, 2), (0.1, 2)], expected: "a0 a1 a1 a0 f = 2 fused"),
    Case(
      testDescription: "none by one of two, the other is sure of something", window: .init(present: both),
      says: [(0.1, 0), (unsure, 0), (0.1, 2), (0.1, 2), (0.4, 2)], expected: "a0 a1 a0 a1 f ? 2 fusedUnsure"),
    Case(
      testDescription: "none by one of two, lost samples of the other are not missed",
      window: .init(present: both, invalid: camera),
      says: [(0.1, 0), (0, 1), (0, 2), (0, 2), (0, 2)], expected: "a0 = 0 sure", provisional: true),
    Case(
      testDescription: "a wake that this window does not wait for",
      window: .init(present: sound, wakeable: camera), says: allUnsure, wake: .pending,
      expected: "a0 a0 w1 f = 2 wakePending"),
    Case(
      testDescription: "none, and the camera is on its way",
      window: .init(present: sound, wakeable: camera),
      says: [(unsure, 1), (unsure, 1), (0, 1), (0, 1), (0.1, 0)], wake: .pending,
      expected: "a0 a0 w1 f = 0 wakePending", provisional: true),
    Case(
      testDescription: "look: sound sure of none, the camera is on its way",
      window: .init(present: sound, wakeable: camera, lookDue: true),
      says: [(0.1, 0), (0, 1), (0, 1), (0, 1), (0, 1)], wake: .pending,
      expected: "a0 w1 = 0 wakePending", provisional: true),
    Case(
      testDescription: "none by the only live sensor is not", window: .init(present: sound),
      says: [(0.1, 0), (0, 1), (0, 1), (0, 1), (0, 1)], expected: "a0 = 0 sure"),
    Case(
      testDescription: "none by the second overrules no lean of the first", window: .init(present: both),
      says: [(unsure, 1), (unsure, 1), (0.1, 0), (unsure, 0), (0.1, 1)], expected: "a0 a0 a1 a1 f = 1 fused"),
    Case(
      testDescription: "look: both sure of none",
      window: .init(present: sound, wakeable: camera, lookDue: true),
      says: [(0.1, 0), (0, 1), (0.1, 0), (0, 1), (0, 1)], expected: "a0 w1 a1 = 0 sure", look: true),
    Case(
      testDescription: "look: the camera sees somebody", window: .init(present: both, lookDue: true),
      says: [(0.1, 0), (unsure, 0), (0.1, 2), (unsure, 2), (0.1, 2)], expected: "a0 a1 a0 a1 f = 2 fused",
      look: true),
    Case(
      testDescription: "look: the camera is unsure", window: .init(present: both, lookDue: true),
      says: [(0.1, 0), (unsure, 0), (unsure, 2), (unsure, 2), (0.1, 0)], expected: "a0 a1 a1 a0 f = 0 fused",
      look: true),
    Case(
      testDescription: "look: the camera comes too late",
      window: .init(present: sound, wakeable: camera, lookDue: true),
      says: [(0.1, 0), (0, 1), (0, 1), (0, 1), (0, 1)], wake: .deadlineMissed,
      expected: "a0 w1 = 0 wakeDeadlineMissed", provisional: true),
    Case(
      testDescription: "look: unplugged is not live", window: .init(present: sound, lookDue: true),
      says: [(0.1, 0), (0, 1), (0, 1), (0, 1), (0, 1)], expected: "a0 = 0 sure", look: true),
    Case(
      testDescription: "look: somebody heard at once", window: .init(present: both, lookDue: true),
      says: [(0.1, 1), (0, 1), (0, 1), (0, 1), (0, 1)], expected: "a0 = 1 sure"),
    Case(
      testDescription: "look: lost samples, the camera is woken all the same",
      window: .init(present: sound, wakeable: camera, invalid: sound, lookDue: true),
      says: [(0, 1), (0, 1), (0.1, 0), (0, 0), (0, 0)], expected: "w1 a1 ? 0 windowInvalid",
      provisional: true),
    // Activity checks.
    Case(
      testDescription: "all quiet", window: .init(present: sound, wakeable: camera, inactive: sound),
      says: allUnsure, expected: "= 0 inactive", provisional: true),
    Case(
      testDescription: "all quiet, look due", window: .init(present: both, inactive: both, lookDue: true),
      says: [(0.1, 0), (0, 1), (0.1, 0), (0, 1), (0, 1)], expected: "a0 a1 = 0 sure", look: true),
    Case(
      testDescription: "sound quiet, picture not: the camera first",
      window: .init(present: both, inactive: sound),
      says: [(0, 1), (0, 1), (0.1, 2), (0, 1), (0, 1)], expected: "a1 = 2 sure"),
    Case(
      testDescription: "a quiet sensor's none concludes nothing",
      window: .init(present: both, inactive: sound),
      says: [(0.1, 0), (0, 0), (unsure, 1), (unsure, 1), (0.1, 1)], expected: "a1 a1 a0 a0 f = 1 fused"),
    Case(
      testDescription: "a quiet sensor may be sure of something",
      window: .init(present: both, inactive: sound),
      says: [(0.1, 2), (0, 2), (unsure, 1), (unsure, 1), (0.1, 1)], expected: "a1 a1 a0 = 2 sure"),
  ]

  @Test(arguments: GateTests.cases.indices) func situation(_ index: Int) {
    let it = GateTests.cases[index]
    var gate = Gate(policy())
    let trace = walk(&gate, it.window, script(it.says, it.wake, skewTooLarge: it.skewTooLarge))
    #expect(trace.summary == it.expected, "\(it.testDescription)")
    #expect(trace.provisional == it.provisional, "\(it.testDescription)")
    #expect(trace.look == it.look, "\(it.testDescription)")
  }

  @Test(arguments: [
    (
      "the camera's last exit is sure, and only fusion is left", WindowConditions(present: both), 4,
      "a0 a0 a1 a1 f = 2 fused"
    ),
    ("a step before it answers alone", .init(present: both), 3, "a0 a0 a1 = 1 sure"),
    ("sound's last exit: the camera is left", .init(present: both), 2, "a0 a0 = 1 sure"),
    ("the camera would have to be woken", .init(present: sound, wakeable: camera), 2, "a0 a0 = 1 sure"),
    ("the camera was woken", .init(present: sound, wakeable: camera), 4, "a0 a0 w1 a1 a1 f = 2 fused"),
    ("nobody to be fused with", .init(present: sound), 2, "a0 a0 = 1 sure"),
    ("lost samples of the other", .init(present: both, invalid: sound), 4, "a1 a1 ? 1 windowInvalid"),
    ("sound is asked last", .init(present: both, inactive: sound), 2, "a1 a1 a0 a0 f = 2 fused"),
  ])
  func yieldingToFusion(_ name: String, _ window: WindowConditions, _ sure: Int, _ expected: String) {
    var says = allUnsure
    says[sure - 1] = (0.1, 1)
    var gate = Gate(policy(yields: true))
    #expect(walk(&gate, window, script(says)).summary == expected, "\(name)")
  }

  @Test func aSureNoneYieldsAsWell() {
    var gate = Gate(policy(yields: true))
    let says: [(Float, Int)] = [(unsure, 1), (0.1, 0), (unsure, 0), (0.1, 0), (0.1, 2)]
    #expect(walk(&gate, .init(present: both), script(says)).summary == "a0 a0 a1 a1 f = 2 fused")
    // Sound was sure at its first exit: its second is left to run, so both are sure and agree.
    let early: [(Float, Int)] = [(0.1, 0), (unsure, 0), (unsure, 0), (0.1, 0), (0.1, 2)]
    #expect(walk(&gate, .init(present: both), script(early)).summary == "a0 a1 a1 = 0 sure")
  }

  @Test func fusionWithoutAThresholdAlwaysConcludes() {
    var gate = Gate(policy(fusion: nil))
    var says = allUnsure
    says[4] = (1, 2)
    #expect(walk(&gate, .init(present: both), script(says)).summary == "a0 a0 a1 a1 f = 2 fused")
    says[4] = (.nan, 2)
    let trace = walk(&gate, .init(present: both), script(says))
    #expect(trace.summary == "a0 a0 a1 a1 f ? 2 fusedUnsure")
    #expect(trace.answer?.entropy == 1 && trace.answer?.certainty == 0)
  }

  @Test func withoutANoneClassNothingIsProvisional() {
    var gate = Gate(policy(noneClass: nil))
    let says: [(Float, Int)] = [(0.1, 0), (0, 1), (0, 1), (0, 1), (0, 1)]
    let trace = walk(&gate, .init(present: both, inactive: both, lookDue: true), script(says))
    #expect(trace.summary == "a0 = 0 sure" && !trace.provisional && !trace.look)
  }

  @Test func policyAllAsksEverybody() {
    var gate = Gate(policy(always: true))
    let says: [(Float, Int)] = [(0, 1), (0, 1), (0, 1), (0, 1), (0.1, 2)]
    let window = WindowConditions(present: sound, wakeable: camera, inactive: sound)
    #expect(walk(&gate, window, script(says)).summary == "a0 a0 w1 a1 a1 f = 2 fused")
  }

  @Test func theAnswerTellsWhatItWasHeldAgainst() {
    var gate = Gate(policy())
    let says: [(Float, Int)] = [(0.25, 1), (0, 1), (0, 1), (0, 1), (0, 1)]
    let answer = Answer(
      label: 1, exit: .encoder(modality: 0, exit: 1), entropy: 0.25, certainty: 0.75, threshold: 0.3,
      reason: .sure)
    #expect(walk(&gate, .init(present: both), script(says)).answer == answer)
    let quiet = Answer(
      label: 0, exit: .encoder(modality: 0, exit: 0), entropy: 0, certainty: 0.75, threshold: nil,
      reason: .inactive)
    #expect(walk(&gate, .init(present: both, inactive: both), script(says)).answer == quiet)
  }

  @Test func aDeadlineCountsFromTheTimeOfTheWake() {
    var gate = Gate(policy())
    let start = Instant(sinceBoot: 1_000)
    _ = gate.begin(.init(now: start, present: sound, wakeable: camera))
    _ = gate.next(after: reading(.encoder(modality: 0, exit: 1), (unsure, 1)))
    let later = start + .milliseconds(5)
    let action = gate.next(after: reading(.encoder(modality: 0, exit: 2), (unsure, 1)), at: later)
    #expect(action == .wake(modality: 1, deadline: later + .milliseconds(20)))
  }

  @Test func keepsAccountOfWhoTookPart() {
    var gate = Gate(policy())
    let delivered = walk(&gate, .init(present: sound, wakeable: camera), script(allUnsure))
    #expect(delivered.asked == both && delivered.woken == camera && delivered.missing.isEmpty)
    let refused = walk(&gate, .init(present: sound, wakeable: camera), script(allUnsure, .refused))
    #expect(refused.asked == sound && refused.woken.isEmpty && refused.missing.isEmpty)
    let failed = walk(&gate, .init(present: sound, wakeable: camera), script(allUnsure, .failed))
    #expect(failed.missing == camera)
  }
}
