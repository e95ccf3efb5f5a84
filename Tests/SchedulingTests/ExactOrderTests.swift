import Scheduling
import Testing

@Suite struct ExactOrderTests {
  @Test func isTheBestOfAllOrders() throws {
    var random = SeededRandom(seed: 1)
    let sizes = [1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5, 5, 6]
    for _ in 0..<10_000 {
      let problem = random.problem(modalities: sizes[random.whole(0...sizes.count - 1)])
      let found = try plan(problem, by: .exact)
      let oracle = BruteForce(problem: problem)
      #expect(isClose(found.value, oracle.bestBlockValue()), "\(problem)")
      #expect(isClose(found.value, oracle.value(of: found.order)))
    }
  }

  @Test func oneModalityPaysNoWake() throws {
    let problem = OrderingProblem(
      lambda: 10, modalities: [single("a", accuracy: 0.5, cost: 1, hazard: 0.5, wake: 100)],
      fusion: FusionStatistics(accuracy: 1, cost: 2))
    // Half leave with 10 x 0.5 - 1, half are fused for 10 - 3.
    #expect(try plan(problem, by: .exact).value == 5.5)
  }

  @Test func equalModalitiesStayInDeclaredOrder() throws {
    let same = (0..<5).map { single("m\($0)", accuracy: 0.7, cost: 0.3, hazard: 0.4, wake: 0.1) }
    let problem = OrderingProblem(
      lambda: 3, modalities: same, fusion: FusionStatistics(accuracy: 0.9, cost: 1))
    for method in [OrderingMethod.paper, .exact, .interleaved] {
      #expect(try plan(problem, by: method).order == [0, 1, 2, 3, 4])
    }
  }

  @Test func whatNeverAnswersGoesLastInDeclaredOrder() throws {
    let problem = OrderingProblem(
      lambda: 1,
      modalities: [
        single("deaf", accuracy: 1, cost: 0, hazard: 0), single("blind", accuracy: 1, cost: 5, hazard: 0),
        single("dear", accuracy: 0, cost: 1e6, hazard: 1e-3),
      ], fusion: FusionStatistics(accuracy: 0.9, cost: 1))
    #expect(try plan(problem, by: .exact).order == [2, 0, 1])
  }

  @Test func aDearWakeMakesAModalityTheFirst() throws {
    var problem = OrderingProblem(
      lambda: 10,
      modalities: [
        single("sound", accuracy: 0.9, cost: 1, hazard: 0.5),
        single("camera", accuracy: 0.9, cost: 2, hazard: 0.5),
      ], fusion: FusionStatistics(accuracy: 0.9, cost: 1))
    #expect(try plan(problem, by: .exact).order == [0, 1])
    problem.modalities[1].wakeCost = 50
    #expect(try plan(problem, by: .exact).order == [1, 0])
  }

  @Test func aDearStandbyKeepsAModalityFromBeingTheFirst() throws {
    var problem = OrderingProblem(
      lambda: 10,
      modalities: [
        single("camera", accuracy: 0.9, cost: 1, hazard: 0.5, wake: 3),
        single("sound", accuracy: 0.8, cost: 1, hazard: 0.4, wake: 1),
      ], fusion: FusionStatistics(accuracy: 0.9, cost: 1))
    #expect(try plan(problem, by: .exact).order == [0, 1])
    problem.modalities[0].standbyCost = 10
    problem.modalities[1].standbyCost = 1
    #expect(try plan(problem, by: .exact).order == [1, 0])
    // 1 kept awake, then 40 % leave with 8 - 2, 30 % with 9 - 2 - 3 - 1, 30 % fused with 9 - 2 - 3 - 1 - 1.
    #expect(isClose(try plan(problem, by: .exact).value, 0.4 * 6 + 0.3 * 3 + 0.3 * 2))
  }
}
