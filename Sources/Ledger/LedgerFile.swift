import Glibc
import JSON
import Linux
import Vocabulary

/// How the ledger ended before: what its chain goes on from.
package struct LedgerStart: Sendable {
  package let directory: String
  package let head: LedgerHead
  /// `nothing`, `stop` or `crash`.
  package let formerEnd: String
  /// What was found wrong.
  package let notices: [LedgerNotice]
  /// Something was cut off, and is set aside for good only when a `flush` has put the record of it on the disk.
  package let hasCuts: Bool

  /// Whether a `flush` comes first, before anything else is done.
  package var needsFlush: Bool { !notices.isEmpty || hasCuts }
}

/// The second half of a ledger: writes the records that wait in the ring into segments of a directory, and has the disk
/// confirm them. One thread uses it, and may be held up by the disk for as long as that likes: nobody else is.
package struct LedgerFile: ~Copyable, @unchecked Sendable {
  // Unchecked: one owner, who may hand it to another thread whole.
  package let start: LedgerStart
  let directory: String
  let options: LedgerOptions
  let link: LedgerLink
  var lock: LedgerLock
  var segment: OpenSegment
  /// The last record in the file.
  var head: LedgerHead
  /// The segment up to there, hashed; and how much of it the last checkpoint has.
  var prefix: CheckedPrefix
  var checkpointed: Int
  /// Bytes of the record at the ring's front that are in the file: half of it, which could not be cut off again.
  var inside = 0
  var lastWrite: Instant
  /// When the head was told last; the start counts.
  var headTold: Instant
  /// Not before then is another segment tried for, after that has failed.
  var nextRotation = Instant.zero
  /// Why the last write failed; nil while writing works.
  package internal(set) var failure: Int32?
  /// What must not be said again until it is over.
  var said = (unsynchronized: false, growing: false)
  /// Records were given up: what follows goes into the reserve, and into no other segment.
  var isLast = false
  var keeping = Keeping()
  /// What was cut off and is to be concluded when it has been told.
  private var untold: LedgerTail?

  /// Opens the directory's ledger. What stands behind the last whole record is set aside, and a segment that does
  /// not add up is left for a new one.
  package init(
    directory: String, link: LedgerLink, at now: Instant, options: LedgerOptions = LedgerOptions()
  ) throws(LedgerError) {
    let lock = try LedgerLock(directory: directory)
    let tail = try LedgerTail.recover(directory, options.recovery)
    let segment = try OpenSegment.after(tail, in: directory)
    self.directory = directory
    self.options = options
    self.link = link
    self.lock = lock
    self.segment = segment
    head = LedgerHead(sequence: tail.nextSequence - 1, digest: tail.previous)
    prefix = tail.prefix
    checkpointed = tail.checkpointed
    lastWrite = now
    headTold = now
    let formerEnd =
      switch tail.lastType {
      case nil: "nothing"
      case .stop: "stop"
      default: "crash"
      }
    untold = tail.hasCuts ? tail : nil
    start = LedgerStart(
      directory: directory, head: head, formerEnd: formerEnd, notices: tail.notices, hasCuts: tail.hasCuts)
    resumeCompression()
  }

  /// The file being written.
  package var path: String { segment.path }

  /// When `writeIfDue` has something to do though nobody rings; nil while nothing waits.
  package var nextDeadline: Instant? {
    guard link.records.count > 0 else { return nil }
    return lastWrite + (failure == nil ? options.flushInterval : retryPause)
  }

  private var retryPause: Nanoseconds { max(options.flushInterval, LedgerOptions.retryInterval) }

  /// True when a write may be tried: after a failure only once in a while.
  func mayTry(_ now: Instant) -> Bool { failure == nil || now - lastWrite >= retryPause }

  /// Writes when the flush interval has passed or much waits, after a failure only once in a while.
  package mutating func writeIfDue(at now: Instant) {
    guard link.records.count > 0, mayTry(now), link.isPressed || now - lastWrite >= options.flushInterval
    else { return }
    drain(now)
  }

  /// Writes everything that waits, now; true when the disk has it all.
  @discardableResult
  package mutating func drain(_ now: Instant, synchronizing: Bool = true) -> Bool {
    lastWrite = now
    let code = write(now, synchronizing: synchronizing)
    if code != 0 && failure == nil {
      let path = segment.path
      link.report { $0.say(.failing(path: path, errno: code)) }
    } else if code == 0 && failure != nil && !isLast {
      let path = segment.path
      link.report { $0.say(.writingAgain(path: path, lost: 0)) }
    }
    failure = code == 0 ? nil : code
    return code == 0
  }

  /// Writes what waits, now; nothing is given up.
  package mutating func flush(at now: Instant) -> LedgerAnswer {
    if drain(now) {
      if let tail = untold, options.output.synchronize(segment.number) == 0 {
        tail.conclude(in: directory, options.recovery)
        untold = nil
      }
      return .done
    }
    return .failed(path: segment.path, errno: failure ?? EIO, head: head, given: GivenUp())
  }

  /// Writes what waits; what cannot be written is given up, and half a record is cut off.
  package mutating func settle(at now: Instant) -> LedgerAnswer {
    if drain(now, synchronizing: false) { return .done }
    isLast = true
    cutHalf()
    return failed(now)
  }

  private mutating func failed(_ now: Instant) -> LedgerAnswer {
    .failed(path: segment.path, errno: failure ?? EIO, head: head, given: giveUp(now))
  }

  /// Writes what waits and waits for the disk in any case: the last thing before the value goes.
  package mutating func close(at now: Instant) -> LedgerAnswer {
    // Nothing is written behind half a record.
    guard !isLast || cutHalf(), drain(now, synchronizing: false) else { return failed(now) }
    _ = options.output.truncate(segment.number, segment.size)
    let result = options.output.synchronize(segment.number)
    if result == 0 { saveCheckpoint() }
    return result == 0 ? .done : .failed(path: segment.path, errno: -result, head: head, given: GivenUp())
  }

  /// Says in the directory up to where the segment adds up; only when the disk has confirmed all of it. What fails here
  /// costs the next start some time, and nothing else.
  mutating func saveCheckpoint() {
    guard prefix.bytes > 0, prefix.bytes != checkpointed else { return }
    checkpointed = prefix.bytes
    let checkpoint = Checkpoint(
      segment: Segment.name(segment.first), bytes: prefix.bytes, lines: prefix.lines, head: head,
      prefix: prefix.digest)
    try? checkpoint.save(in: directory, options.recovery)
  }

  /// Takes everything that waits out of the ring, and says what it was.
  private mutating func giveUp(_ now: Instant) -> GivenUp {
    var given = GivenUp()
    let count = link.records.count
    var place = 0
    while let end = link.records.place(behind: UInt8(ascii: "\n"), from: place, before: count) {
      var line = [UInt8](repeating: 0, count: end - place - 1)
      line.withUnsafeMutableBytes { link.records.copy(from: place, into: $0) }
      place = end
      guard let value = try? JSONValue.parse(line), let record = RecordHead(value) else { continue }
      let total = try? JSONPlace(value).optional("total_nanojoules")?.integer()
      let windows = record.type == .decision ? (try? JSONPlace(value).windows()) ?? 1 : 1
      given.add(record.type, windows: Int(windows), energy: Nanojoules((total ?? nil) ?? 0), at: now)
    }
    link.records.take(count)
    return given
  }

  /// Cuts the half record off that a failed write left; true when the file ends with a whole one.
  @discardableResult
  mutating func cutHalf() -> Bool {
    guard inside > 0 else { return true }
    guard options.output.truncate(segment.number, segment.size - inside) == 0 else { return false }
    segment.size -= inside
    inside = 0
    return true
  }
}
