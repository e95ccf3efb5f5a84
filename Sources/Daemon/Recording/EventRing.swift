import Energy
import Ledger
import Linux
import Pipeline
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

/// The ring from the pipeline's thread to the recorder's, without heap for decisions. Live, a full ring drops what is new
/// and counts it, and the pipeline never waits. In a replay whose time is virtual the pipeline waits for room, so that
/// nothing is lost and the bytes are the same each time.
package final class EventRing: Sendable {
  /// Events that may wait, about 7 KB each: at 4 windows a second, seconds of a recorder that does not run.
  package static let capacity = 32
  /// A recorder that takes nothing for so long is not waited for any longer; what it cannot take is counted.
  private static let patience = Nanoseconds.seconds(60)

  private let events = BoundedRing<PipelineEvent>(capacity: capacity)
  private let lostDecisions = Atomic<Int>(0)
  private let lostOthers = Atomic<Int>(0)
  private let waits: Bool
  /// Rung for the recorder whenever something was put in or lost.
  private let bell: Bell
  private let room: EventDescriptor
  private let isWaiting = Atomic<Bool>(false)

  /// - Parameter waits: the producer waits where the ring is full.
  package init(waits: Bool, bell: Bell) throws(LinuxError) {
    self.waits = waits
    self.bell = bell
    room = try EventDescriptor()
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
    guard events.hasRoom || (mayWait && waitForRoom()) else {
      if isDecision {
        lostDecisions.add(1, ordering: .relaxed)
      } else {
        lostOthers.add(1, ordering: .relaxed)
      }
      bell.ring()
      return false
    }
    defer { bell.ring() }
    return events.put(event)
  }

  private func waitForRoom() -> Bool {
    let deadline = bootTimeNanoseconds() + Self.patience.count
    isWaiting.store(true, ordering: .sequentiallyConsistent)
    defer { isWaiting.store(false, ordering: .relaxed) }
    while !events.hasRoom {
      if bootTimeNanoseconds() >= deadline { return false }
      room.wait(until: deadline)
    }
    return true
  }

  /// Consumer only: hands over the oldest event, which is gone afterwards. False when there is none.
  package func take(_ body: (PipelineEvent) -> Void) -> Bool {
    guard let event = events.take() else { return false }
    body(event)
    if isWaiting.load(ordering: .sequentiallyConsistent) { room.ring() }
    return true
  }
}
