import Synchronization

/// A bounded ring from one thread to one other: no locks, and no heap after `init`. A full ring takes nothing.
/// What is taken is told sequentially consistent, so that a producer which says that it waits and then looks, and a
/// consumer which takes and then asks whether anybody waits, cannot miss each other.
package final class BoundedRing<Element: Sendable>: @unchecked Sendable {
  // Unchecked: a slot is filled before `written` is released, and emptied after it is acquired, so the two threads never
  // touch one slot at the same time.
  package let capacity: Int
  private let slots: UnsafeMutablePointer<Element>
  private let written = Atomic<UInt64>(0)
  private let taken = Atomic<UInt64>(0)

  package init(capacity: Int) {
    self.capacity = capacity
    slots = .allocate(capacity: capacity)
  }

  deinit {
    while take() != nil {}
    slots.deallocate()
  }

  /// Producer only.
  package var hasRoom: Bool {
    written.load(ordering: .relaxed) - taken.load(ordering: .sequentiallyConsistent) < UInt64(capacity)
  }

  /// Producer only. False when there is no room.
  package func put(_ element: consuming Element) -> Bool {
    guard hasRoom else { return false }
    let end = written.load(ordering: .relaxed)
    (slots + Int(end % UInt64(capacity))).initialize(to: element)
    written.store(end + 1, ordering: .releasing)
    return true
  }

  /// Consumer only: the oldest element; nil when there is none.
  package func take() -> Element? {
    let next = taken.load(ordering: .relaxed)
    guard next < written.load(ordering: .acquiring) else { return nil }
    let element = (slots + Int(next % UInt64(capacity))).move()
    taken.store(next + 1, ordering: .sequentiallyConsistent)
    return element
  }
}
