import Linux
import Synchronization
import Vocabulary

/// A bounded ring from the pipeline's thread to the control thread: one producer, one consumer, no locks, no heap
/// after start. A full ring drops the new decision and counts it; the pipeline never waits for a reader.
package final class DecisionChannel: @unchecked Sendable {
  /// Decisions that may wait. 128 of about 4 KB each; at 4 windows a second half a minute of a stuck reader.
  package static let capacity = 128

  // Each slot is written by the producer before `written` is released and read by the consumer after it is
  // acquired, so the two never touch one slot at the same time.
  private let slots: UnsafeMutablePointer<Decision>
  private let written = Atomic<UInt64>(0)
  private let taken = Atomic<UInt64>(0)
  private let droppedCount = Atomic<UInt64>(0)
  /// Rung for every decision put in.
  package let bell: EventDescriptor

  package init() throws(LinuxError) {
    bell = try EventDescriptor()
    slots = .allocate(capacity: Self.capacity)
    slots.initialize(repeating: Decision(number: 0, start: .zero, end: .zero), count: Self.capacity)
  }

  deinit {
    slots.deinitialize(count: Self.capacity)
    slots.deallocate()
  }

  /// How many decisions found the ring full.
  package var dropped: UInt64 { droppedCount.load(ordering: .relaxed) }

  /// Producer only.
  package func put(_ decision: borrowing Decision) {
    let end = written.load(ordering: .relaxed)
    guard end - taken.load(ordering: .acquiring) < UInt64(Self.capacity) else {
      droppedCount.add(1, ordering: .relaxed)
      bell.ring()
      return
    }
    slots[Int(end % UInt64(Self.capacity))] = copy decision
    written.store(end + 1, ordering: .releasing)
    bell.ring()
  }

  /// Consumer only: hands over everything that waits.
  package func drain(_ body: (borrowing Decision) -> Void) {
    bell.clear()
    var next = taken.load(ordering: .relaxed)
    while next < written.load(ordering: .acquiring) {
      body(slots[Int(next % UInt64(Self.capacity))])
      next += 1
      taken.store(next, ordering: .releasing)
    }
  }
}
