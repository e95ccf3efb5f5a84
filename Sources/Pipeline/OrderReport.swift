import Adaptation
import Scheduling
import Synchronization
import Vocabulary

/// How the order stands and what it would take to change it: what `GetOrder` answers.
package struct OrderReport: Sendable {
  /// Of a sensor: right answers among its newest audited events.
  package struct Events: Hashable, Sendable {
    package var right: Int
    package var count: Int
  }

  /// Order and set follow the audits.
  package var isOn = false
  /// The order does too.
  package var isOrderFree = false
  /// Audits kept, and how many of them have a person's label.
  package var audits = 0
  package var clientLabels = 0
  package var asked: ModalitySet = []
  /// By modality.
  package var events: [Events] = []
  /// The last one; nil before the first.
  package var review: OrderReview?
  package var bounds = BoundsReport()
}

/// The report that the planner writes and the control thread reads.
package final class OrderBoard: Sendable {
  private let report = Mutex(OrderReport())

  package init() {}

  package func read() -> OrderReport { report.withLock { $0 } }
  package func publish(_ next: OrderReport) { report.withLock { $0 = next } }
}

/// Another order, ready for the pipeline: all that takes from the heap has been done by the planner. The pipeline
/// exchanges what it has for what is in here, and the planner lets go of the rest.
final class PlannedOrder: @unchecked Sendable {
  // Unchecked: it is made by the planner and handed to the pipeline by the lock of `OrderLink`; the planner lets go of it
  // when it makes the next.
  private var policy: GatePolicy
  private var fullPolicy: GatePolicy
  private var order: [Int]
  /// Sensors that are not asked.
  let leftOut: ModalitySet
  let change: OrderChange

  init(_ policy: GatePolicy, order: [Int], leftOut: ModalitySet, change: OrderChange) {
    self.policy = policy
    fullPolicy = policy.full
    self.order = order
    self.leftOut = leftOut
    self.change = change
  }

  func exchange(policy mine: inout GatePolicy, full: inout GatePolicy) {
    swap(&mine, &policy)
    swap(&full, &fullPolicy)
  }

  func exchange(order mine: inout [Int]) { swap(&mine, &order) }
}
