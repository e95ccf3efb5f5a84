import Scheduling
import Testing
import Vocabulary

@testable import Pipeline

/// When the planner is asked, without a planner.
@Suite struct OrderTurnsTests {
  private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

  private func messages(_ link: OrderLink) -> [OrderLink.Message] {
    var all: [OrderLink.Message] = []
    while let message = link.take() { all.append(message) }
    return all
  }

  /// The generation could not be told: the planner's ring was full. What was asked for before it has no answer any more.
  @Test func aQuestionEndsWithItsGeneration() throws {
    let link = try OrderLink(waits: true)
    var turns = OrderTurns(link)
    turns.take(poor: ModalitySet(index: 1), after: 5, at: at(1_250))
    #expect(messages(link).count == 2)
    for decision in 0..<UInt64(OrderLink.capacity) { turns.label(decision, as: 0) }
    turns.adopt(nil, after: 6, at: at(1_500))
    #expect(messages(link).count == OrderLink.capacity)
    turns.take(poor: ModalitySet(index: 0), after: 9, at: at(2_250))
    let told = messages(link)
    guard told.count == 3, case .adopt(nil) = told[0], case .quality = told[1],
      case .review(let window, _) = told[2]
    else {
      Issue.record("\(told)")
      return
    }
    #expect(window == 9)
  }

  @Test func aPlanTakesEffectEightWindowsAfterItsQuestion() throws {
    let link = try OrderLink(waits: true)
    var turns = OrderTurns(link)
    turns.take(poor: ModalitySet(index: 1), after: 5, at: at(1_250))
    let policy = GatePolicy(
      steps: [.encoder(modality: 0, exit: 1), .encoder(modality: 1, exit: 1)],
      thresholds: ThresholdTable(
        classCount: 2, exits: [[ExitThresholds(0.1)], [ExitThresholds(0.1)]], fusion: ExitThresholds(0.1)))
    let change = OrderChange(
      from: [0, 1], to: [1, 0], askedBefore: .all(2), asked: .all(2), formerValue: 2, value: 1, gain: 1,
      standardError: 0.1, audits: 9)
    link.reply(PlannedOrder(policy, order: [1, 0], leftOut: [], change: change), to: 5)
    var taken = 0
    for window: UInt64 in 6...12 { turns.take(before: window) { _ in taken += 1 } }
    #expect(taken == 0, "live it would be taken at once, in a replay at a window known beforehand")
    turns.take(before: 13) { plan in
      taken += 1
      #expect(plan.change.to == [1, 0])
    }
    #expect(taken == 1)
    turns.take(before: 14) { _ in taken += 1 }
    #expect(taken == 1, "once")
  }
}
