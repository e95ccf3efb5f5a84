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
    // Made-up audits are each of an event of their own.
    settings.spacing = .zero
    change(&settings)
    return try Reorderer(prior: prices(layout), settings: settings)
  }

  /// What an order is worth when the gate walks the windows.
  private func worth(
    _ order: [Int], _ buffer: ValidationBuffer, hopeless: ModalitySet = [],
    stream: StreamPrices = StreamPrices()
  ) -> Double {
    let replay = AuditReplay(
      buffer.layout, prices: prices(buffer.layout), policy: policy(buffer.layout, order: order),
      hopeless: hopeless, stream: stream)
    return StreamWorth(buffer, replay).value(lambda: 20)
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
      #expect(isClose(review.present.value, worth(Array(0..<n), buffer)))
      #expect(isClose(review.best.value, worth(review.best.order, buffer)))
      #expect(isClose(review.gain, review.best.value - review.present.value))
      // The rest of an order is chosen by `empirical`, for which a sure "nothing" concludes: with two sensors there is no rest.
      guard n <= 2 else { continue }
      let values = permutations(Array(0..<n)).map { (order: $0, value: worth($0, buffer)) }
      #expect(isClose(review.best.value, values.map(\.value).max() ?? .nan))
      let others = values.filter { $0.order[0] != review.best.order[0] }.map(\.value).max()
      #expect(others == nil ? review.runnerUp == nil : isClose(review.runnerUp?.value ?? .nan, others ?? 0))
    }
  }

  @Test func manyAuditsOfOneEventMoveNothing() throws {
    var buffer = ValidationBuffer(two)
    var draws = SeededDraws(seed: 27)
    // A hand rests in the picture: the second sensor and fusion tell it, the first hears nothing.
    for number in 1...60 as ClosedRange<UInt64> {
      var record = AuditRecord(decision: number, end: Instant.zero + .seconds(Int64(number) * 5))
      func enter(_ exit: ExitID, _ label: Int) {
        let entropy = Float(0.2 * draws.uniform())
        record.enter(
          Reading(exit: exit, entropy: entropy, label: label, certainty: 0.95, macs: 0, parameters: 0), two)
      }
      for exit in 1...2 {
        enter(.encoder(modality: 0, exit: exit), 0)
        enter(.encoder(modality: 1, exit: exit), 2)
      }
      enter(.fusion, 2)
      buffer.append(record)
    }
    var one = try reorderer(two)
    let review = try one.review(buffer, policy: policy(two), at: Instant.zero + .seconds(300))
    #expect(review.gain > 0 && review.verdict == .keepTooFewAudits && review.required > review.gain)
    var hopeless = HopelessSensors()
    #expect(hopeless.review(buffer, none: Scene.none).isEmpty)
  }

  @Test func whoTellsNothingListensWhereTheOtherCostsMoreThanItIsWorth() throws {
    var draws = SeededDraws(seed: 28)
    var dear = prices(two, lambda: 20)
    dear.modalities[1].standbyCost = 10
    let deaf = ModalitySet(index: 0)
    for (prevalence, order) in [(0.05, [0, 1]), (0.9, [1, 0])] {
      var buffer = ValidationBuffer(two)
      Scene(skill: [0, 0.95], prevalence: prevalence).fill(&buffer, 400, &draws)
      var settings = Reorderer.Settings()
      settings.spacing = .zero
      var one = try Reorderer(
        prior: dear, stream: StreamPrices(fullCheckShare: 0.02, lingerCosts: [0, 0]), settings: settings)
      let review = try one.review(
        buffer, policy: policy(two), hopeless: deaf, dead: deaf, at: Instant.zero + .seconds(9000))
      #expect(review.best.order == order)
      #expect((review.verdict == .change) == (order == [1, 0]))
    }
  }

  @Test func fullChecksAndLingeringArePartOfTheWorth() {
    var draws = SeededDraws(seed: 29)
    var buffer = ValidationBuffer(two)
    Scene(skill: [0.95, 0.9], prevalence: 0).fill(&buffer, 200, &draws)
    let free = worth([0, 1], buffer)
    let checked = worth([0, 1], buffer, stream: StreamPrices(fullCheckShare: 0.25))
    // A quarter of the windows wakes the other sensor, and asks it.
    #expect(checked < free - 0.25 * 1.5)
    let lingering = worth([0, 1], buffer, stream: StreamPrices(fullCheckShare: 0.25, lingerCosts: [0, 5]))
    #expect(lingering <= checked)
    #expect(
      worth([0, 1], buffer, hopeless: ModalitySet(index: 1), stream: StreamPrices(fullCheckShare: 0.25))
        > checked)
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
    #expect(
      review.best.order[0] != exact.order[12] && isClose(review.best.value, worth(review.best.order, buffer)))
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
