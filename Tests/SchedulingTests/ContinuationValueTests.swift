import Scheduling
import Testing
import Vocabulary

/// Sound, then a camera with a wake, one exit each; thresholds 0.1.
@Suite struct ContinuationValueTests {
  private func problem(wake: Double, cameraCost: Double = 1) -> OrderingProblem {
    OrderingProblem(
      lambda: 10,
      modalities: [
        single("sound", accuracy: 0.9, cost: 1, hazard: 0.5),
        single("camera", accuracy: 0.9, cost: cameraCost, hazard: 0.5, wake: wake),
      ], fusion: FusionStatistics(accuracy: 0.8, cost: 1))
  }

  private func gate(_ problem: OrderingProblem, camera: Float? = 0.1) throws -> Gate {
    Gate(
      GatePolicy(
        steps: [.encoder(modality: 0, exit: 1), .encoder(modality: 1, exit: 1)],
        thresholds: ThresholdTable(
          classCount: 2, exits: [[ExitThresholds(0.1)], [ExitThresholds(camera)]], fusion: ExitThresholds(nil)
        ),
        noneClass: 0, continuation: try ContinuationValue(problem)))
  }

  private func script(certainty: Float) -> GateScript {
    func reading(_ exit: ExitID) -> Reading {
      Reading(exit: exit, entropy: 0.5, label: 1, certainty: certainty, macs: 1, parameters: 1)
    }
    return GateScript(
      exits: [[reading(.encoder(modality: 0, exit: 1))], [reading(.encoder(modality: 1, exit: 1))]],
      fusion: reading(.fusion), wakes: [.delivered, .delivered])
  }

  private let asleep = WindowConditions(
    present: ModalitySet(index: 0), wakeable: ModalitySet(index: 1))

  @Test func weighsTheGainAgainstTheCost() throws {
    // On to fusion: -(wake + 1) + 0.5 x 9 + 0.5 x (8 - 1) = 7 - wake. Camera only, else the present answer:
    // 3.5 - wake + 5 x certainty. Stopping: 10 x certainty.
    for (wake, certainty, goesOn) in [
      (2.0, Float(0.25), true), (2.0, 0.5, false), (5, 0.25, false), (5, 0.125, true),
    ] {
      var gate = try gate(problem(wake: wake))
      let trace = walk(&gate, asleep, script(certainty: certainty))
      #expect(trace.actions.contains { if case .wake = $0 { true } else { false } } == goesOn)
      if !goesOn { #expect(trace.summary == "a0 ? 1 gainBelowCost") }
    }
  }

  @Test func weighsAgainOnceTheWakeIsPaid() throws {
    // After the camera: fusion gains 8 - 1 against 10 x certainty.
    var gate = try gate(problem(wake: 0, cameraCost: 0))
    #expect(walk(&gate, asleep, script(certainty: 0.75)).summary == "a0 w1 a1 ? 1 gainBelowCost")
    #expect(walk(&gate, asleep, script(certainty: 0.625)).summary == "a0 w1 a1 f = 1 fused")
  }

  @Test func aWayThatStopsBeforeADearFusionCounts() throws {
    var dear = problem(wake: 0, cameraCost: 0.5)
    dear.fusion.cost = 100
    var gate = try gate(dear)
    #expect(walk(&gate, asleep, script(certainty: 0.5)).summary == "a0 w1 a1 ? 1 gainBelowCost")
  }

  @Test func anExitSwitchedOffPromisesNothing() throws {
    // The hazard of a camera that can answer nothing is 0, whatever the figures say: only fusion is left, 8 - 2.
    var gate = try gate(problem(wake: 0), camera: nil)
    #expect(walk(&gate, asleep, script(certainty: 0.625)).summary == "a0 ? 1 gainBelowCost")
    gate = try self.gate(problem(wake: 0))
    #expect(walk(&gate, asleep, script(certainty: 0.625)).summary.hasPrefix("a0 w1 a1"))
  }

  @Test func notOnceANoneIsHeld() throws {
    // Quiet sound is sure of none at its exit 1, and its exit 2 is dear: to stop there would let its none overrule the
    // camera's lean.
    var figures = problem(wake: 0)
    figures.modalities[0].exits.append(ExitStatistics(accuracy: 0.9, cost: 100, hazard: 0))
    let thresholds = ThresholdTable(
      classCount: 2, exits: [[ExitThresholds(0.5), ExitThresholds(nil)], [ExitThresholds(0.1)]],
      fusion: ExitThresholds(nil))
    var script = script(certainty: 0.25)
    script.exits[0][0].label = 0
    script.exits[0].append(
      Reading(
        exit: .encoder(modality: 0, exit: 2), entropy: 0.5, label: 1, certainty: 0, macs: 1, parameters: 1))
    let window = WindowConditions(present: .all(2), inactive: ModalitySet(index: 0))
    for (cost, summary) in [(100.0, "a1 a0 a0 f = 1 fused"), (1, "a1 a0 a0 f = 1 fused")] {
      figures.modalities[0].exits[1].cost = cost
      let policy = GatePolicy(
        steps: [
          .encoder(modality: 0, exit: 1), .encoder(modality: 0, exit: 2), .encoder(modality: 1, exit: 1),
        ], thresholds: thresholds, noneClass: 0, continuation: try ContinuationValue(figures),
        useActivity: true)
      var gate = Gate(policy)
      #expect(walk(&gate, window, script).summary == summary)
    }
  }

  @Test func neverBeforeTheFirstReading() throws {
    var gate = try gate(problem(wake: 1_000, cameraCost: 1_000))
    let trace = walk(&gate, WindowConditions(present: [], wakeable: .all(2)), script(certainty: 0))
    #expect(trace.summary == "w0 a0 ? 1 gainBelowCost")
  }

  @Test func neverOnALook() throws {
    var gate = try gate(problem(wake: 1_000))
    var window = asleep
    window.lookDue = true
    #expect(walk(&gate, window, script(certainty: 0.9)).summary == "a0 w1 a1 f = 1 fused")
  }

  @Test func refusesUnusableFigures() {
    #expect(throws: PlanningError(.negative(.wake, -1), at: .init(modality: "camera"))) {
      try ContinuationValue(problem(wake: -1))
    }
  }
}
