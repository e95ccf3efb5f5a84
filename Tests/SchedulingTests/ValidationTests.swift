import Scheduling
import Testing

@Suite struct ValidationTests {
  private let good = OrderingProblem(
    lambda: 1,
    modalities: [
      single("sound", accuracy: 0.5, cost: 1, hazard: 0.5),
      ModalityStatistics(
        name: "camera",
        exits: [
          ExitStatistics(accuracy: 0.5, cost: 1, hazard: 0.5),
          ExitStatistics(accuracy: 0.5, cost: 1, hazard: 0.5),
        ]),
    ], fusion: FusionStatistics(accuracy: 0.5, cost: 1))

  private func fault(
    _ by: OrderingMethod = .exact, _ change: (inout OrderingProblem) -> Void
  ) -> String? {
    var problem = good
    change(&problem)
    do throws(PlanningError) {
      _ = try plan(problem, by: by)
      return nil
    } catch { return error.description }
  }

  @Test func namesWhatIsWrongAndWhere() {
    #expect(fault { _ in } == nil)
    #expect(fault { $0.modalities = [] } == "there is no modality to order; name at least one")
    #expect(
      fault { $0.modalities[0].exits = [] }
        == "modality \"sound\": it has no exit; give it at least the one at its encoder's end")
    #expect(
      fault { $0.modalities[1].exits[1].hazard = 1.5 }
        == "modality \"camera\", exit 2: hazard is 1.5; it must lie in 0...1")
    #expect(
      fault { $0.modalities[1].exits[0].accuracy = -0.1 }
        == "modality \"camera\", exit 1: accuracy is -0.1; it must lie in 0...1")
    #expect(
      fault { $0.modalities[1].exits[1].cost = .nan }
        == "modality \"camera\", exit 2: cost is not a finite number; state one")
    #expect(
      fault { $0.modalities[0].wakeCost = -1 } == "modality \"sound\": wake is -1.0; it must be 0 or more")
    #expect(
      fault { $0.modalities[0].standbyCost = .nan }
        == "modality \"sound\": standby is not a finite number; state one")
    #expect(
      fault { $0.modalities[1].name = "sound" }
        == "modality \"sound\": the name is used twice; give every modality its own")
    #expect(fault { $0.lambda = .infinity } == "lambda is not a finite number; state one")
    #expect(fault { $0.lambda = -2 } == "lambda is -2.0; it must be 0 or more")
    #expect(fault { $0.fusion.accuracy = 2 } == "fusion: accuracy is 2.0; it must lie in 0...1")
    #expect(fault { $0.fusion.cost = .infinity } == "fusion: cost is not a finite number; state one")
    #expect(
      fault { $0.lambda = 1e308 }
        == "lambda and the costs together exceed what a number can hold; use a larger unit of cost")
    #expect(
      fault(.empirical) { _ in }
        == "the empirical order needs recorded windows; give them or choose another method")
  }

  private let recorded = EmpiricalProblem(
    lambda: 1,
    modalities: ["a", "b"].map {
      EmpiricalModality(name: $0, exits: [EmpiricalExit(cost: 1, threshold: 0.5)])
    },
    fusionCost: 1,
    windows: [
      RecordedWindow(
        readings: [
          [RecordedReading(entropy: 0, correct: true)], [RecordedReading(entropy: .nan, correct: true)],
        ],
        fusionCorrect: true)
    ])

  private func fault(_ change: (inout EmpiricalProblem) -> Void) -> PlanningError? {
    var problem = recorded
    change(&problem)
    do throws(PlanningError) {
      _ = try plan(empirical: problem)
      return nil
    } catch { return error }
  }

  @Test func refusesRaggedRecordings() {
    #expect(fault { (_: inout EmpiricalProblem) in } == nil)
    #expect(fault { $0.windows = [] } == PlanningError(.noWindows))
    #expect(
      fault { $0.windows[0].readings.removeLast() }
        == PlanningError(.raggedWindow(modalities: 1, expected: 2), at: .init(window: 1)))
    #expect(
      fault { $0.windows[0].readings[1].append(RecordedReading(entropy: 0, correct: true)) }?.description
        == "window 1, modality \"b\": it has 2 readings where the modality has 1 exits; record every exit")
    #expect(
      fault { $0.modalities[1].exits[0].threshold = .nan }
        == PlanningError(.notFinite(.threshold), at: .init(modality: "b", exit: 1)))
    #expect(
      fault { $0.modalities[1].exits[0].cost = -1 }
        == PlanningError(.negative(.cost, -1), at: .init(modality: "b", exit: 1)))
    #expect(
      fault { $0.modalities[1].standbyCost = -1 }
        == PlanningError(.negative(.standby, -1), at: .init(modality: "b")))
    #expect(
      fault { $0.modalities = (0..<13).map { EmpiricalModality(name: "m\($0)", exits: []) } }
        == PlanningError(.tooManyModalities(count: 13, limit: 12)))
    #expect(
      fault { $0.modalities[0].exits = [] } == PlanningError(.noExits, at: .init(modality: "a")))
    #expect(
      fault { (problem: inout EmpiricalProblem) in problem.modalities = [] } == PlanningError(.noModality))
    #expect(fault { $0.fusionCost = .nan } == PlanningError(.notFinite(.cost), at: .init(modality: "fusion")))
  }
}
