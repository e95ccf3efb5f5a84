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
}
