import Linux
import Synchronization
import Vocabulary
import Wire

/// Between the two halves of a ledger: `LedgerChain` makes records and puts them into the ring, `LedgerFile` writes
/// them. Each half has a thread of its own in the daemon, so that no record is made while a disk is waited for.
package final class LedgerLink: Sendable {
  /// Whole records, each with its newline: the bytes of the file.
  let records: ByteRing
  /// Rung for the writing half: much waits, or something is asked of it.
  let writerBell: EventDescriptor
  /// Called by the writing half when it has taken bytes, or has something to tell.
  private let tell: @Sendable () -> Void
  private let hasNews = Atomic<Bool>(false)
  private let isWaitedFor = Atomic<Bool>(false)
  private let state = Mutex(State())
  /// Number of the record that tells what is to be dropped; 0 while there is none.
  private let dropTold = Atomic<UInt64>(0)

  private struct State: Sendable {
    var report = WriterReport()
    var request: LedgerRequest?
    var answer: LedgerAnswer?
  }

  package init(
    capacity: Int = LedgerOptions().bufferBytes, tell: @escaping @Sendable () -> Void = {}
  ) throws(LinuxError) {
    precondition(capacity > LedgerOptions.maximumRecordBytes, "a ring holds any record")
    records = ByteRing(capacity: capacity)
    writerBell = try EventDescriptor()
    self.tell = tell
  }

  // The chain's side.

  /// Room for any record: whoever must lose none waits for it (`tell` is called when something was taken).
  package var hasRoom: Bool { records.free > LedgerOptions.maximumRecordBytes }
  /// Has the writing half write without waiting for its time: somebody waits for room.
  package func pressForRoom() {
    isWaitedFor.store(true, ordering: .releasing)
    writerBell.ring()
  }
  /// Whether the writing half is to write without waiting for its time: room is waited for, or half of it is taken.
  var isPressed: Bool {
    isWaitedFor.load(ordering: .acquiring) || records.count >= records.capacity / 2
  }
  /// Bytes written so far: whether the disk moves.
  package var progress: Int { records.takenEver }

  /// What the writing half has told since the last time; nil for nothing.
  func takeReport() -> WriterReport? {
    guard hasNews.exchange(false, ordering: .acquiringAndReleasing) else { return nil }
    return state.withLock { state in
      defer { state.report = WriterReport() }
      return state.report
    }
  }

  /// Asks for something; `answer` has what became of it. One request at a time.
  package func ask(_ request: LedgerRequest) {
    state.withLock {
      $0.request = request
      $0.answer = nil
    }
    writerBell.ring()
  }

  /// The answer to the last request, once.
  package func answer() -> LedgerAnswer? {
    state.withLock { state in
      defer { state.answer = nil }
      return state.answer
    }
  }

  func tellDropped(_ sequence: UInt64) { dropTold.store(sequence, ordering: .releasing) }

  // The writing half's side.

  var toldDropped: UInt64? {
    let sequence = dropTold.load(ordering: .acquiring)
    return sequence == 0 ? nil : sequence
  }
  func forgetDropped() { dropTold.store(0, ordering: .releasing) }
  /// Whether somebody waits for this half: for an answer, or for room.
  var isWaiting: Bool { isPressed || state.withLock { $0.request != nil } }

  func report(_ change: (inout WriterReport) -> Void) {
    state.withLock { change(&$0.report) }
    hasNews.store(true, ordering: .releasing)
    tell()
  }

  /// What is asked for, once.
  func takeRequest() -> LedgerRequest? {
    state.withLock { state in
      defer { state.request = nil }
      return state.request
    }
  }

  func answer(_ answer: LedgerAnswer) {
    state.withLock { $0.answer = answer }
    tell()
  }

  func tookBytes() {
    isWaitedFor.store(false, ordering: .releasing)
    tell()
  }
}

/// What the writing half has to tell the other, since it last told.
struct WriterReport: Sendable {
  /// What the next `gap` record says, beside records that found no room.
  var losses = ShedCounts()
  /// In order. The number of records lost is not known here: `writingAgain` says 0.
  var notices: [LedgerNotice] = []

  /// Nobody may be listening: what is said beyond these is not kept.
  static let maximumNotices = 16

  mutating func say(_ notice: LedgerNotice) {
    if notices.count < Self.maximumNotices { notices.append(notice) }
  }
}

/// What the chain's half asks of the writing half.
package enum LedgerRequest: Sendable {
  /// Write everything that waits, now, and have the disk confirm it.
  case flush
  /// Write what waits. What cannot be written is given up: the end is near, and a `gap` record has to say so.
  case settle
  /// Write what waits, into the reserve if need be, and have the disk confirm it: nothing comes after it.
  case close
}

/// What became of a request.
package enum LedgerAnswer: Sendable {
  case done
  /// The errno, and what was given up. The chain goes on behind `head`, the last record in the file.
  case failed(path: String, errno: Int32, head: LedgerHead, given: GivenUp)
}

/// Records that were made and will never be written: what the chain has to take back.
package struct GivenUp: Sendable {
  var counts = ShedCounts()
  package fileprivate(set) var records = 0
  /// The same, a counted record as its windows.
  package fileprivate(set) var lost = 0
  fileprivate(set) var decisions = 0
  fileprivate(set) var energy = Nanojoules.zero

  mutating func add(_ type: RecordType, windows: Int, energy posted: Nanojoules, at now: Instant) {
    counts.add(type, at: now, count: windows)
    records += 1
    lost += windows
    guard type == .decision else { return }
    decisions += windows
    energy += posted
  }
}
