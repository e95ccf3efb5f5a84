import Scheduling
import Vocabulary

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
