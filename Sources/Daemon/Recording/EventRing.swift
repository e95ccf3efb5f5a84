import Ledger
import Linux
import Synchronization
import Vocabulary

/// What the pipeline hands on: all that is recorded, printed or shown of what it does.
package enum PipelineEvent: Sendable {
  /// The daemon is ready: modalities in the order they are asked in.
  case start(order: [Int], at: Instant)
  case decision(Decision)
  case note(PipelineNote)
  case command(CommandRecord)
  /// The pipeline has ended: why, and what was spent since the last decision.
  case stop(reason: String, closing: ClosingEnergy, at: Instant)
}

/// A bounded ring from the pipeline's thread to the recorder's: one producer, one consumer, no locks, and no heap for
/// decisions. Live, a full ring drops what is new and counts it, and the pipeline never waits. In a replay whose time
/// is virtual the pipeline waits for room, so that nothing is lost and the bytes are the same each time.
package final class EventRing: @unchecked Sendable {
  /// Events that may wait, about 7 KB each: at 4 windows a second, seconds of a recorder that does not run.
  package static let capacity = 32
  /// A recorder that takes nothing for so long is not waited for any longer; what it cannot take is counted.
  private static let patience = Nanoseconds.seconds(60)

  // Unchecked: each slot is filled by the producer before `written` is released, and emptied by the consumer after it
  // is acquired, so the two never touch one slot at the same time.
  private let slots: UnsafeMutablePointer<PipelineEvent>
  private let written = Atomic<UInt64>(0)
  private let taken = Atomic<UInt64>(0)
  private let lostDecisions = Atomic<Int>(0)
  private let lostOthers = Atomic<Int>(0)
  private let waits: Bool
  /// Rung for the recorder whenever something was put in or lost.
  private let bell: EventBell
  private let room: EventDescriptor
  private let isWaiting = Atomic<Bool>(false)

  /// - Parameter waits: the producer waits where the ring is full.
  package init(waits: Bool, bell: EventBell) throws(LinuxError) {
    self.waits = waits
    self.bell = bell
    room = try EventDescriptor()
    slots = .allocate(capacity: Self.capacity)
  }

  deinit {
    while take({ _ in }) {}
    slots.deallocate()
  }

  /// Decisions and other events that found the ring full, since the start.
  package var lost: (decisions: Int, others: Int) {
    (lostDecisions.load(ordering: .relaxed), lostOthers.load(ordering: .relaxed))
  }

  /// Producer only. The start and the end of a run wait for room in any case, and all events where the ring waits.
  /// - Returns: false when there was no room, and the event is counted as lost.
  @discardableResult
  package func put(_ event: consuming PipelineEvent) -> Bool {
    let isDecision: Bool
    let mayWait: Bool
    switch event {
    case .decision: (isDecision, mayWait) = (true, waits)
    case .note, .command: (isDecision, mayWait) = (false, waits)
    case .start, .stop: (isDecision, mayWait) = (false, true)
    }
    let end = written.load(ordering: .relaxed)
    guard hasRoom(at: end) || (mayWait && waitForRoom(at: end)) else {
      if isDecision {
        lostDecisions.add(1, ordering: .relaxed)
      } else {
        lostOthers.add(1, ordering: .relaxed)
      }
      bell.ring()
      return false
    }
    (slots + Int(end % UInt64(Self.capacity))).initialize(to: event)
    written.store(end + 1, ordering: .releasing)
    bell.ring()
    return true
  }

  private func hasRoom(at end: UInt64) -> Bool {
    end - taken.load(ordering: .sequentiallyConsistent) < UInt64(Self.capacity)
  }

  private func waitForRoom(at end: UInt64) -> Bool {
    let deadline = bootTimeNanoseconds() + Self.patience.count
    isWaiting.store(true, ordering: .sequentiallyConsistent)
    defer { isWaiting.store(false, ordering: .relaxed) }
    while !hasRoom(at: end) {
      if bootTimeNanoseconds() >= deadline { return false }
      room.wait(until: deadline)
    }
    return true
  }

  /// Consumer only: hands over the oldest event, which is gone afterwards. False when there is none.
  package func take(_ body: (PipelineEvent) -> Void) -> Bool {
    let next = taken.load(ordering: .relaxed)
    guard next < written.load(ordering: .acquiring) else { return false }
    let slot = slots + Int(next % UInt64(Self.capacity))
    body(slot.pointee)
    slot.deinitialize(count: 1)
    taken.store(next + 1, ordering: .sequentiallyConsistent)
    if isWaiting.load(ordering: .sequentiallyConsistent) { room.ring() }
    return true
  }
}
