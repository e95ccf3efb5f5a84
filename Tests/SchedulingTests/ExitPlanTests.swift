import Scheduling
import Testing
import Vocabulary

@Suite struct ExitPlanTests {
  /// Two exits of sound, one of a camera; both cost something to wake.
  private let problem = OrderingProblem(
    lambda: 10,
    modalities: [
      ModalityStatistics(
        name: "sound", wakeCost: 9,
        exits: [
          ExitStatistics(accuracy: 0.9, cost: 1, hazard: 0.5),
          ExitStatistics(accuracy: 0.8, cost: 1, hazard: 0.5),
        ]),
      single("camera", accuracy: 0.9, cost: 2, hazard: 0.5, wake: 3),
    ], fusion: FusionStatistics(accuracy: 0.7, cost: 1))

  @Test func stepsByHand() throws {
    let found = try plan(problem, by: .exact)
    #expect(found.order == [0, 1])
    let exits: [ExitID] = [
      .encoder(modality: 0, exit: 1), .encoder(modality: 0, exit: 2), .encoder(modality: 1, exit: 1), .fusion,
    ]
    #expect(found.steps.map(\.exit) == exits)
    #expect(found.steps.map(\.probability) == [0.5, 0.25, 0.125, 0.125])
    // Paid: 1; 2; 2 + 3 for the wake + 2; and 1 for fusion.
    #expect(found.steps.map(\.utility) == [8, 6, 2, -1])
    #expect(found.value == 4 + 1.5 + 0.25 - 0.125)
  }

  @Test func valueIsTheSumOverSteps() throws {
    var random = SeededRandom(seed: 11)
    for _ in 0..<1_000 {
      let problem = random.problem(modalities: random.whole(1...6))
      for method in [OrderingMethod.paper, .exact, .interleaved] {
        let found = try plan(problem, by: method)
        #expect(isClose(found.steps.reduce(0) { $0 + $1.probability * $1.utility }, found.value))
        #expect(isClose(found.steps.reduce(0) { $0 + $1.probability }, 1))
        #expect(found.order.sorted() == Array(problem.modalities.indices))
      }
    }
  }

  @Test func walkWithOneModalityMovedToTheFront() throws {
    let found = try plan(problem, by: .exact)
    let moved: [ExitID] = [
      .encoder(modality: 1, exit: 1), .encoder(modality: 0, exit: 1), .encoder(modality: 0, exit: 2),
    ]
    #expect(found.walk(startingWith: 1) == moved)
    #expect(found.walk(startingWith: 0) == found.walk)
    // Now sound pays its wake, and the camera none.
    #expect(problem.price(moved).steps.map(\.utility) == [7, -3, -5, -7])
  }
}
