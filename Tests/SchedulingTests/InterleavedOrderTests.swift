import Scheduling
import Testing
import Vocabulary

@Suite struct InterleavedOrderTests {
  @Test func isTheBestOfAllMerges() throws {
    var random = SeededRandom(seed: 6)
    for round in 0..<3_000 {
      let small = round % 10 != 0
      let problem = random.problem(modalities: random.whole(1...(small ? 3 : 4)), exits: 1...(small ? 3 : 2))
      let found = try plan(problem, by: .interleaved)
      #expect(isClose(found.value, BruteForce(problem: problem).bestInterleavedValue()), "\(problem)")
    }
  }

  @Test func isNeverWorseThanExactAndOftenBetter() throws {
    var random = SeededRandom(seed: 7)
    var better = 0
    for _ in 0..<3_000 {
      let problem = random.problem(modalities: random.whole(1...8), exits: 1...4)
      let (blocks, exits) = (try plan(problem, by: .exact), try plan(problem, by: .interleaved))
      #expect(exits.value >= blocks.value)
      if exits.value > blocks.value + 1e-6 { better += 1 }
    }
    #expect(better > 300)
  }

  @Test func asksEveryExitOnceInRisingOrder() throws {
    var random = SeededRandom(seed: 8)
    for _ in 0..<500 {
      let problem = random.problem(modalities: random.whole(1...6))
      let found = try plan(problem, by: .interleaved)
      var asked = [Int](repeating: 0, count: problem.modalities.count)
      for case .encoder(let modality, let exit) in found.walk {
        #expect(exit == asked[modality] + 1)
        asked[modality] = exit
      }
      #expect(asked == problem.modalities.map(\.exits.count))
      #expect(found.steps.last?.exit == .fusion)
    }
  }

  @Test func leavesAModalityHalfWay() throws {
    let exits = [
      ExitStatistics(accuracy: 0.9, cost: 1, hazard: 0.6),
      ExitStatistics(accuracy: 0.6, cost: 8, hazard: 0.2),
    ]
    let problem = OrderingProblem(
      lambda: 10,
      modalities: [
        ModalityStatistics(name: "audio", exits: exits),
        single("vision", accuracy: 0.9, cost: 2, hazard: 0.5),
      ], fusion: FusionStatistics(accuracy: 0.9, cost: 1))
    let found = try plan(problem, by: .interleaved)
    let expected: [ExitID] = [
      .encoder(modality: 0, exit: 1), .encoder(modality: 1, exit: 1), .encoder(modality: 0, exit: 2),
    ]
    #expect(found.walk == expected)
    #expect(found.order == [0, 1])
  }

  @Test func aPrefixThatNeverAnswersIsTakenForWhatFollowsIt() throws {
    // Exit 1 answers nothing and costs; exit 2 behind it is worth more than the other modality.
    let problem = OrderingProblem(
      lambda: 10,
      modalities: [
        single("other", accuracy: 0.5, cost: 1, hazard: 0.5),
        ModalityStatistics(
          name: "deep",
          exits: [
            ExitStatistics(accuracy: 0, cost: 1, hazard: 0),
            ExitStatistics(accuracy: 1, cost: 0, hazard: 0.9),
            ExitStatistics(accuracy: 1, cost: 9, hazard: 0),
          ]),
      ], fusion: FusionStatistics(accuracy: 0.9, cost: 1))
    let found = try plan(problem, by: .interleaved)
    let expected: [ExitID] = [
      .encoder(modality: 1, exit: 1), .encoder(modality: 1, exit: 2), .encoder(modality: 0, exit: 1),
      .encoder(modality: 1, exit: 3),
    ]
    #expect(found.walk == expected)
  }
}
