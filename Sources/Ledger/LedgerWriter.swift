import Glibc
import JSON
import Linux
import Vocabulary

/// Writes a ledger: JSON Lines segments in a directory, each record chained to the one before it by SHA-256. The
/// schema stands in docs/ledger.md. One thread uses it; it never blocks decisions on a full disk, and nothing
/// allocates per record after `init` (a new segment does).
package struct LedgerWriter: ~Copyable, @unchecked Sendable {
  // Unchecked: one owner, who may hand it to another thread whole.
  package static let schema: Int64 = 1
  /// No record has a higher number: the last that every JSON reader has exactly.
  package static let maximumSequence: UInt64 = 1 << 53

  package let directory: String
  /// What records written from now on carry.
  package var identity: LedgerIdentity
  /// Records appended since `init`, gaps included.
  package internal(set) var records = 0
  /// Sequence number and digest of the last record appended: what an anchor would keep.
  package internal(set) var head: LedgerHead
  /// Records that could not be taken, or went with a segment, since `init`.
  package internal(set) var totalShed = 0
  /// Why the last write failed; nil while writing works.
  package internal(set) var failure: Int32?
  /// Energy and number of the decisions appended since `init`.
  package private(set) var decisions = 0
  package private(set) var energy = Nanojoules.zero

  let options: LedgerOptions
  var lock: LedgerLock
  var json: JSONWriter
  var buffer: PendingBytes
  var segment: OpenSegment
  var shed = ShedCounts()
  var lastWrite: Instant
  /// Not before then is another segment tried for, after that has failed.
  var nextRotation = Instant.zero
  private let formerEnd: StaticString
  /// What was not said yet, and what must not be said again until it is over.
  private var notices: [LedgerNotice] = []
  var said = (failing: false, unsynchronized: false, growing: false, shed: 0)

  /// Opens the directory's ledger and goes on where it ended. What stands behind the last whole record is set
  /// aside, and a segment that does not add up is left for a new one; a `gap` record says so, and a notice.
  package init(
    directory: String, identity: LedgerIdentity, at stamp: LedgerStamp,
    options: LedgerOptions = LedgerOptions()
  ) throws(LedgerError) {
    precondition(options.bufferBytes > LedgerOptions.maximumRecordBytes, "a buffer holds any record")
    let lock = try LedgerLock(directory: directory)
    let tail = try LedgerTail.recover(directory, options.recovery)
    let segment = try OpenSegment.after(tail, in: directory)
    self.directory = directory
    self.identity = identity
    self.options = options
    self.lock = lock
    self.segment = segment
    head = LedgerHead(sequence: tail.nextSequence - 1, digest: tail.previous)
    json = JSONWriter(capacity: LedgerOptions.maximumRecordBytes)
    buffer = PendingBytes(capacity: options.bufferBytes)
    lastWrite = stamp.boot
    formerEnd =
      switch tail.lastType {
      case nil: "nothing"
      case .stop: "stop"
      default: "crash"
      }
    for notice in tail.notices {
      notices.append(notice)
      _ = put(.gap, stamp) { json, _ in notice.writeMembers(into: &json) }
    }
    // At once, so that what was set aside gets its last name; until then the next start would tell of it again.
    guard !tail.notices.isEmpty || tail.hasCuts, drain(stamp) else { return }
    if options.output.synchronize(self.segment.number) == 0 {
      tail.conclude(in: directory, options.recovery)
    }
  }

  /// What is to be said and was not: oldest first, each once.
  package mutating func nextNotice() -> LedgerNotice? { notices.isEmpty ? nil : notices.removeFirst() }

  /// Nobody may be listening: what is said beyond these is not kept.
  private static let maximumNotices = 16

  mutating func say(_ notice: LedgerNotice) {
    if notices.count < Self.maximumNotices { notices.append(notice) }
  }

  /// What is still in the buffer is written, without waiting for the disk. `finish` does that and says how it went.
  deinit { _ = buffer.write(to: segment.number, options.output) }

  /// Appends a decision. False when it was shed: the disk is full and so is the buffer.
  @discardableResult
  package mutating func append(_ decision: Decision, at stamp: LedgerStamp) -> Bool {
    guard
      add(.decision, stamp, { json, names in DecisionRecord.writeMembers(decision, names, into: &json) })
    else { return false }
    decisions += 1
    energy += decision.totalEnergy
    return true
  }

  /// Appends what is no decision.
  @discardableResult
  package mutating func append(_ event: LedgerEvent, at stamp: LedgerStamp) -> Bool {
    let ended = formerEnd
    let sums = (decisions, energy)
    return add(event.type, stamp) { json, names in
      event.writeMembers(names, into: &json)
      switch event {
      case .start:
        json.key("after")
        json.value(ended)
      case .stop: Self.writeSums(sums.0, sums.1, into: &json)
      default: break
      }
    }
  }

  /// Appends the `stop` record with what was spent since the last decision, so that the run's total covers all
  /// its time.
  @discardableResult
  package mutating func appendStop(reason: String, closing: ClosingEnergy, at stamp: LedgerStamp) -> Bool {
    let count = decisions
    let total = energy + closing.total
    let appended = add(.stop, stamp) { json, names in
      LedgerEvent.stop(reason: reason).writeMembers(names, into: &json)
      closing.writeMembers(names, into: &json)
      Self.writeSums(count, total, into: &json)
    }
    if appended { energy = total }
    return appended
  }

  private static func writeSums(_ decisions: Int, _ energy: Nanojoules, into json: inout JSONWriter) {
    json.key("decisions")
    json.value(decisions)
    json.key("total_nanojoules")
    json.value(energy.count)
  }

  /// Bytes that wait for the next write.
  package var pending: Int { buffer.count }
  /// The file being written.
  package var path: String { segment.path }

  /// To be called when time has passed without records: writes what has waited for the flush interval.
  package mutating func tick(at stamp: LedgerStamp) {
    if buffer.count > 0 || !shed.isEmpty { writeIfDue(stamp) }
  }

  /// Writes everything that waits, now; true when the disk has it all.
  @discardableResult
  package mutating func flush(at stamp: LedgerStamp) -> Bool {
    guard drain(stamp) else { return false }
    if !shed.isEmpty {
      guard recordGap(stamp), drain(stamp) else { return false }
    }
    return true
  }

  /// The same, and waits for the disk in any case: the last thing before the value goes.
  package mutating func finish(at stamp: LedgerStamp) throws(LedgerError) {
    guard flush(at: stamp) else {
      throw .notWritten(path: segment.path, records: buffer.records, errno: failure ?? EIO)
    }
    let result = options.output.synchronize(segment.number)
    if result != 0 { throw .notWritten(path: segment.path, records: buffer.records, errno: -result) }
  }
}

/// The end of a ledger: whoever remembers it can tell that the ledger was cut short or rewritten.
package struct LedgerHead: Equatable, Sendable {
  /// 0 in an empty ledger.
  package let sequence: UInt64
  package let digest: Digest

  package init(sequence: UInt64, digest: Digest) {
    self.sequence = sequence
    self.digest = digest
  }
}

extension JSONWriter {
  /// The digest as a string of 64 hexadecimal digits.
  mutating func value(_ digest: Digest) {
    var quoted = InlineArray<66, UInt8>(repeating: UInt8(ascii: "\""))
    let digits = digest.hex
    for index in 0..<64 { quoted[index + 1] = digits[index] }
    quoted.span.withUnsafeBytes { raw($0) }
  }
}
