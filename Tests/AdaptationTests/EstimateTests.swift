import Scheduling
import Testing
import Vocabulary

@testable import Adaptation

@Suite struct EstimateTests {
  /// Posterior means by hand, from counts taken window by window.
  @Test func areTheCountsWithThePrior() {
    var draws = SeededDraws(seed: 11)
    let two = layout([2, 1])
    var buffer = ValidationBuffer(two, capacity: 200)
    Scene(skill: [0.8, 0.5]).fill(&buffer, 200, &draws)
    let prior = prices(two)
    let table = policy(two).thresholds
    let estimates = ExitEstimates(buffer, prior: prior, thresholds: table, weight: 10)
    var (reached, left, right) = (0.0, 0.0, 0.0)
    for index in buffer.indices {
      let record = buffer[index]
      if record.exits[0].entropy <= 0.3 { continue }
      reached += 1
      guard record.exits[1].entropy <= 0.3 else { continue }
      left += 1
      if record.exits[1].label == record.fusion.label { right += 1 }
    }
    let hazard = estimates.hazards[0][1]
    let factor = hazard.count / reached
    #expect(factor > 0.5 && factor <= 1)
    #expect(isClose(hazard.mean, (6 + factor * left) / (10 + factor * reached)))
    #expect(isClose(estimates.accuracies[0][1].mean, (9 + factor * right) / (10 + factor * left)))
    // Nobody labelled: fusion's accuracy is the model's.
    #expect(isClose(estimates.fusion.mean, 0.95) && estimates.fusion.count == 0)
    #expect(estimates.problem(prior).modalities[0].exits[1].hazard == hazard.mean)
    #expect(estimates.problem(prior).modalities[0].wakeCost == 2)
  }

  @Test func fewAuditsDoNotSwingThem() {
    var draws = SeededDraws(seed: 12)
    let one = layout([1])
    let prior = prices(one)
    var buffer = ValidationBuffer(one, capacity: 512)
    Scene(skill: [0], prevalence: 1, fusionSkill: 1).fill(&buffer, 2, &draws)
    func accuracy() -> ExitEstimates.Share {
      ExitEstimates(buffer, prior: prior, thresholds: policy(one, threshold: 1).thresholds).accuracies[0][0]
    }
    #expect(accuracy().mean > 0.75)
    let before = accuracy().deviation
    Scene(skill: [0], prevalence: 1, fusionSkill: 1).fill(&buffer, 510, from: 100, &draws)
    #expect(accuracy().mean < 0.05 && accuracy().deviation < before)
  }

  /// The gate's replay against the rule written out for sensors with one exit each.
  @Test func theReplayIsTheGatesWalk() {
    var draws = SeededDraws(seed: 13)
    let three = layout([1, 1, 1])
    for _ in 0..<300 {
      var scene = Scene(skill: (0..<3).map { _ in draws.uniform() })
      scene.prevalence = 1
      let record = scene.record(1, at: .zero, three, &draws)
      let order = [[0, 1, 2], [2, 0, 1], [1, 2, 0]][draws.index(below: 3)]
      let replay = AuditReplay(three, prices: prices(three), policy: policy(three, order: order))
      guard let outcome = replay.outcome(record) else {
        Issue.record("no outcome")
        return
      }
      // Only what is no "none" is compared: what a sure "none" settles is the gate's own affair.
      guard (0..<3).allSatisfy({ record.exits[$0].label != 0 || record.exits[$0].entropy > 0.3 }) else {
        continue
      }
      var cost = 1.0
      var answer = Int(record.fusion.label)
      var woken = 0
      var isSure = false
      for (place, modality) in order.enumerated() {
        if place > 0 {
          cost += 2
          woken += 1
        }
        cost += 0.5
        if record.exits[modality].entropy <= 0.3 {
          answer = Int(record.exits[modality].label)
          isSure = true
          break
        }
      }
      if !isSure { cost += 0.5 }
      #expect(outcome.label == answer && isClose(outcome.cost, cost) && outcome.woken.count == woken)
      #expect(outcome.agrees == (answer == Int(record.fusion.label)) && outcome.correct == outcome.agrees)
    }
  }

  @Test func whatMayNotBeAskedIsNotPaidFor() throws {
    var draws = SeededDraws(seed: 14)
    let two = layout([1, 1])
    let record = Scene(skill: [0, 0], prevalence: 1).record(1, at: .zero, two, &draws)
    let replay = AuditReplay(
      two, prices: prices(two), policy: policy(two, threshold: nil), permitted: ModalitySet(index: 1))
    let outcome = try #require(replay.outcome(record))
    // Standby, one exit, fusion of what is there: the second sensor's own answer stands in.
    #expect(isClose(outcome.cost, 2) && outcome.label == Int(record.exits[1].label) && outcome.woken.isEmpty)
    let nobody = AuditReplay(two, prices: prices(two), policy: policy(two), permitted: [])
    #expect(try #require(nobody.outcome(record)).label == nil)
  }

  /// Empirical and exact price the same where exits are independent in the windows: all combinations of answers once.
  @Test func empiricalAndExactHaveTheSamePrices() throws {
    var draws = SeededDraws(seed: 15)
    for _ in 0..<60 {
      let n = 1 + draws.index(below: 4)
      let shape = layout([Int](repeating: 1, count: n))
      var problem = prices(shape, lambda: 5 + 20 * draws.uniform())
      let sureOf4 = (0..<n).map { _ in draws.index(below: 5) }
      for modality in 0..<n {
        problem.modalities[modality].wakeCost = 3 * draws.uniform()
        problem.modalities[modality].standbyCost = 3 * draws.uniform()
        problem.modalities[modality].exits[0] = ExitStatistics(
          accuracy: 1, cost: draws.uniform(), hazard: Double(sureOf4[modality]) / 4)
      }
      problem.fusion.accuracy = 1
      let count = (0..<n).reduce(1) { product, _ in product * 4 }
      var buffer = ValidationBuffer(shape, capacity: count)
      for window in 0..<count {
        var record = AuditRecord(decision: 1, end: .zero)
        var digits = window
        for modality in 0..<n {
          let isSure = digits % 4 < sureOf4[modality]
          digits /= 4
          record.set(ExitOutcome(entropy: isSure ? 0 : 1, certainty: 1, label: 1), row: modality)
        }
        record.setFusion(ExitOutcome(entropy: 0, certainty: 1, label: 1))
        buffer.append(record)
      }
      let empirical = buffer.empiricalProblem(problem, policy(shape).thresholds)
      for (one, other) in zip(try empirical.plansByFirst(), try problem.plansByFirst()) {
        #expect(isClose(one.value, other.value))
      }
      let (a, b) = (try plan(empirical: empirical), try plan(problem, by: .exact))
      #expect(isClose(a.value, b.value))
      #expect(isClose(empirical.price(blocks: b.order).value, b.value))
    }
  }
}
