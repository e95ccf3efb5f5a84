import Linux
import Synchronization
import Vocabulary

/// Between the pipeline and the planner of the order: audits and questions there, plans back. The pipeline takes nothing
/// from the heap here and, live, waits for nothing.
package final class OrderLink: Sendable {
  /// What the pipeline tells the planner. In the order told, so that a question is answered by what came before it.
  package enum Message: Sendable {
    case audit(AuditedWindow)
    case label(decision: UInt64, label: Int)
    /// Sensors whose data tells nothing now, by a cheap measure of it.
    case quality(ModalitySet)
    /// What is the order to be? Asked after that window, which ended then.
    case review(window: UInt64, at: Instant)
    /// Another generation; nil where nothing follows the audits in it.
    case adopt(PlannerSetup?)
    /// The pipeline has ended.
    case end
  }

  private struct Answer {
    /// The last window whose question is answered.
    var window: UInt64 = 0
    var plan: PlannedOrder?
    var bounds = BoundsNews()
  }

  /// Messages that may wait: of audits one, as nobody asks again before he is answered, and of labels some.
  package static let capacity = 64
  package static var messageBytes: Int { MemoryLayout<Message>.size }
  /// A planner that does not answer for so long is not waited for any longer.
  private static let patience = Nanoseconds.seconds(30)

  private let messages = BoundedRing<Message>(capacity: capacity)
  private let answer = Mutex(Answer())
  /// Without a thread of its own the planner works when it is told something.
  private let inline: Mutex<OrderPlanner?>
  private let isInline: Bool
  /// Rung for the planner, and for a pipeline that waits.
  package let bell: Bell
  private let answered: Bell
  /// Plans take effect at a window that is known beforehand, and are waited for there: a replay, whose bytes are the
  /// same each time.
  let waits: Bool

  /// - Parameter inline: works on the pipeline's thread; nil where a planner has a thread of its own.
  package init(waits: Bool, inline planner: OrderPlanner? = nil) throws(LinuxError) {
    self.waits = waits
    bell = try Bell()
    answered = try Bell()
    inline = Mutex(planner)
    isInline = planner != nil
  }

  // The pipeline's side.

  /// False where there is no room.
  package func send(_ message: Message) -> Bool {
    if isInline {
      inline.withLock { planner in _ = planner?.handle(message, self) }
      return true
    }
    defer { bell.ring() }
    return messages.put(message)
  }

  /// Whether the question of that window is answered; where plans are waited for, waits until it is.
  func isAnswered(_ window: UInt64) -> Bool {
    let deadline = bootTimeNanoseconds() + Self.patience.count
    while true {
      if answer.withLock({ $0.window >= window }) { return true }
      guard waits, bootTimeNanoseconds() < deadline else { return false }
      answered.wait(until: deadline)
    }
  }

  /// The plan that the last question was answered with, nothing where order and set stay; and what it says of the bounds.
  func withAnswer(_ body: (PlannedOrder) -> Void) -> BoundsNews {
    answer.withLock {
      if let plan = $0.plan { body(plan) }
      return $0.bounds
    }
  }

  // The planner's side.

  package func take() -> Message? { messages.take() }

  func reply(_ plan: PlannedOrder?, _ bounds: BoundsNews = BoundsNews(), to window: UInt64) {
    // What the pipeline gave up goes here, on the planner's thread, when nobody holds the lock.
    let former = answer.withLock { state in
      let former = state.plan
      state = Answer(window: window, plan: plan, bounds: bounds)
      return former
    }
    withExtendedLifetime(former) {}
    answered.ring()
  }
}

extension OrderPlanner {
  /// Does what is asked of it; false at the end.
  @discardableResult
  package mutating func handle(_ message: OrderLink.Message, _ link: OrderLink) -> Bool {
    switch message {
    case .audit(let window): take(window)
    case .label(let decision, let label): self.label(decision, as: label)
    case .quality(let poor): self.poor = poor
    case .review(let window, let now):
      let plan = review(at: now)
      link.reply(plan, boundsNews(), to: window)
    case .adopt(let setup): adopt(setup)
    case .end: return false
    }
    return true
  }
}
