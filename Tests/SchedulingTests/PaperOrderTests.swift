import Scheduling
import Testing

@Suite struct PaperOrderTests {
  /// Equation 7 once more, in the form it reduces to: (1 - q^e) (G - q^e C), with G by summing costs afresh.
  private func phi(_ modality: ModalityStatistics, lambda: Double, p: Double) -> Double {
    let q = 1 - p
    func power(_ n: Int) -> Double { (0..<n).reduce(1.0) { product, _ in product * q } }
    let e = modality.exits.count
    var gain = 0.0
    for j in 1...e {
      let paid = modality.exits.prefix(j).map(\.cost).reduce(0, +)
      gain += power(j - 1) * p * (lambda * modality.exits[j - 1].accuracy - paid)
    }
    return (1 - power(e)) * (gain - power(e) * modality.exits.map(\.cost).reduce(0, +))
  }

  @Test func followsEquationSeven() throws {
    var random = SeededRandom(seed: 2)
    for _ in 0..<2_000 {
      let problem = random.problem(modalities: random.whole(1...6))
      let hazards = problem.modalities.flatMap { $0.exits.map(\.hazard) }
      let p = hazards.reduce(0, +) / Double(hazards.count)
      let found = try plan(problem, by: .paper)
      let keys = found.order.map { phi(problem.modalities[$0], lambda: problem.lambda, p: p) }
      for (one, next) in zip(keys, keys.dropFirst()) { #expect(one > next || isClose(one, next)) }
      #expect(found.order.sorted() == Array(problem.modalities.indices))
      #expect(isClose(found.value, BruteForce(problem: problem).value(of: found.order)))
    }
  }

  @Test func equalsExactWhereItsAssumptionsHold() throws {
    var random = SeededRandom(seed: 3)
    for _ in 0..<500 {
      var problem = random.problem(modalities: random.whole(1...6), exits: 2...2, wakes: false)
      let hazard = random.uniform(0.01...1)
      for m in problem.modalities.indices {
        for e in 0..<2 { problem.modalities[m].exits[e].hazard = hazard }
      }
      #expect(isClose(try plan(problem, by: .paper).value, try plan(problem, by: .exact).value))
    }
  }

  @Test func isOftenWorseThanExactAndNeverBetter() throws {
    var random = SeededRandom(seed: 4)
    var worse = 0
    for _ in 0..<500 {
      let problem = random.problem(modalities: 4, wakes: false)
      let gap = try plan(problem, by: .exact).value - plan(problem, by: .paper).value
      #expect(gap > -1e-9)
      if gap > 1e-9 { worse += 1 }
    }
    #expect(worse > 100)
  }

  @Test func wakeCostsMoveItsValueOnly() throws {
    var random = SeededRandom(seed: 5)
    var problem = random.problem(modalities: 4, wakes: false)
    problem.modalities[0].exits[0].hazard = 0.5
    let dry = try plan(problem, by: .paper)
    for m in problem.modalities.indices { problem.modalities[m].wakeCost = 3 }
    let wet = try plan(problem, by: .paper)
    #expect(wet.order == dry.order)
    #expect(wet.value < dry.value)
  }
}
