import Scheduling
import Testing
import Vocabulary

@testable import Adaptation

@Suite struct ReordererTests {
  private let two = layout([2, 2])

  private func reorderer(_ layout: ExitLayout, _ change: (inout Reorderer.Settings) -> Void = { _ in })
    throws -> Reorderer
  {
    var settings = Reorderer.Settings()
    change(&settings)
    return try Reorderer(prior: prices(layout), settings: settings)
  }

  @Test func theBestOrderIsThatOfAllOrders() throws {
    var draws = SeededDraws(seed: 21)
    for round in 0..<40 {
      let n = 1 + round % 4
      let shape = layout((0..<n).map { _ in 1 + draws.index(below: 2) })
      var buffer = ValidationBuffer(shape, capacity: 60)
      Scene(skill: (0..<n).map { _ in draws.uniform() }).fill(&buffer, 60, &draws)
      var one = try reorderer(shape)
      let review = try one.review(buffer, policy: policy(shape), at: .zero)
      let problem = buffer.empiricalProblem(prices(shape), policy(shape).thresholds)
      let values = permutations(Array(0..<n)).map { (order: $0, value: problem.price(blocks: $0).value) }
      let best = values.map(\.value).max() ?? .nan
      #expect(isClose(review.best.value, best))
      #expect(isClose(review.present.value, values.first { $0.order == Array(0..<n) }?.value ?? .nan))
      let others = values.filter { $0.order[0] != review.best.order[0] }.map(\.value).max()
      #expect(others == nil ? review.runnerUp == nil : isClose(review.runnerUp?.value ?? .nan, others ?? 0))
    }
  }

  @Test func theOrderFollowsTheSceneAndSaysWhatMovedIt() throws {
    var draws = SeededDraws(seed: 22)
    var buffer = ValidationBuffer(two)
    var one = try reorderer(two)
    // Day: the first sensor sees; night: it does not.
    Scene(skill: [0.95, 0.9]).fill(&buffer, 400, &draws)
    let day = try one.review(buffer, policy: policy(two), at: Instant.zero + .seconds(8000))
    #expect(day.verdict != .change)
    var changedAfter: Int?
    for step in 0..<20 where changedAfter == nil {
      Scene(skill: [0.02, 0.9]).fill(&buffer, 10, from: 8000 + Int64(step) * 200, &draws)
      let now = Instant.zero + .seconds(8200 + Int64(step) * 200)
      let review = try one.review(buffer, policy: policy(two), at: now)
      guard review.verdict == .change else { continue }
      changedAfter = 10 * (step + 1)
      #expect(review.best.order == [1, 0] && review.present.order == [0, 1])
      #expect(review.gain > review.required && review.shortfall == 0)
      #expect(review.moved.contains { $0.modality == 0 && $0.quantity == .hazard && $0.to < $0.from })
    }
    #expect((changedAfter ?? 201) <= 120, "after \(changedAfter ?? -1) audits")
  }

  @Test func nothingMovesWithoutAChange() throws {
    // Two sensors that are alike: chance alone would prefer one or the other at every review.
    var changes = 0
    for seed in 0..<5 as Range<UInt64> {
      var draws = SeededDraws(seed: 100 + seed)
      var buffer = ValidationBuffer(two)
      var one = try reorderer(two)
      var order = [0, 1]
      for step in 0..<20 {
        Scene(skill: [0.8, 0.8]).fill(&buffer, 60, from: Int64(step) * 1200, &draws)
        let review = try one.review(
          buffer, policy: policy(two, order: order), at: Instant.zero + .seconds(Int64(step) * 1200 + 1200))
        if review.verdict == .change {
          order = review.best.order
          changes += 1
        }
      }
    }
    #expect(changes == 0)
  }

  @Test func dwellAndNumberOfAuditsHoldAChangeBack() throws {
    var draws = SeededDraws(seed: 23)
    var buffer = ValidationBuffer(two)
    Scene(skill: [0.02, 0.95]).fill(&buffer, 23, &draws)
    var one = try reorderer(two)
    #expect(try one.review(buffer, policy: policy(two), at: .zero).verdict == .keepTooFewAudits)
    Scene(skill: [0.02, 0.95]).fill(&buffer, 100, from: 1000, &draws)
    let now = Instant.zero + .seconds(3000)
    #expect(try one.review(buffer, policy: policy(two), at: now).verdict == .change)
    // Asked again with the old order still walked: too soon.
    let soon = now + .seconds(119)
    #expect(try one.review(buffer, policy: policy(two), at: soon).verdict == .keepDwelling)
    #expect(try one.review(buffer, policy: policy(two), at: now + .seconds(120)).verdict == .change)
    var strict = try reorderer(two) { $0.margin = 1 }
    let held = try strict.review(buffer, policy: policy(two), at: now)
    #expect(held.verdict == .keepWithinMargin && isClose(held.shortfall, 20 - held.gain))
  }

  @Test func aSensorThatMayNotBeAskedStandsLast() throws {
    var draws = SeededDraws(seed: 24)
    let three = layout([1, 1, 1])
    var buffer = ValidationBuffer(three)
    Scene(skill: [0.1, 0.95, 0.5]).fill(&buffer, 200, &draws)
    var one = try reorderer(three)
    let review = try one.review(
      buffer, policy: policy(three), permitted: ModalitySet(index: 0).union(ModalitySet(index: 2)), at: .zero)
    #expect(review.best.order.last == 1)
  }

  @Test func anEmptyBufferKeepsTheModelsOrder() throws {
    var one = try reorderer(two)
    let review = try one.review(ValidationBuffer(two), policy: policy(two), at: .zero)
    #expect(review.verdict == .keepBest && review.audits == 0 && review.gain == 0)
    var prior = prices(two)
    prior.modalities[0].wakeCost = .nan
    #expect(throws: PlanningError.self) { try Reorderer(prior: prior) }
  }

  @Test func thirteenModalitiesGoByTheEstimates() throws {
    var draws = SeededDraws(seed: 25)
    let many = layout([Int](repeating: 1, count: 13))
    var buffer = ValidationBuffer(many, capacity: 128)
    Scene(skill: (0..<13).map { Double($0) / 13 }).fill(&buffer, 128, &draws)
    var one = try reorderer(many)
    let review = try one.review(buffer, policy: policy(many), at: .zero)
    let estimates = ExitEstimates(buffer, prior: prices(many), thresholds: policy(many).thresholds)
    let exact = try plan(estimates.problem(prices(many)), by: .exact)
    #expect(review.best.order == exact.order && isClose(review.best.value, exact.value))
  }

  @Test func theSameAuditsGiveTheSameReview() throws {
    func run() throws -> [OrderReview] {
      var draws = SeededDraws(seed: 26)
      var buffer = ValidationBuffer(two)
      var one = try reorderer(two)
      return try (0..<10).map { step in
        Scene(skill: [step < 5 ? 0.9 : 0.1, 0.8]).fill(&buffer, 40, from: Int64(step) * 800, &draws)
        return try one.review(buffer, policy: policy(two), at: Instant.zero + .seconds(Int64(step) * 800))
      }
    }
    #expect(try run() == run())
  }
}

/// All orders of these elements.
private func permutations(_ elements: [Int]) -> [[Int]] {
  guard elements.count > 1 else { return [elements] }
  return elements.flatMap { first in
    permutations(elements.filter { $0 != first }).map { [first] + $0 }
  }
}
