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

  package let directory: String
  /// What records written from now on carry.
  package var identity: LedgerIdentity
  /// Records appended since `init`, gaps included.
  package private(set) var records = 0
  /// Sequence number and digest of the last record appended: what an anchor would keep.
  package private(set) var head: LedgerHead
  /// Records that could not be taken, since `init`.
  package private(set) var totalShed = 0
  /// Why the last write failed; nil while writing works.
  package private(set) var failure: Int32?
  /// Energy and number of the decisions appended since `init`.
  package private(set) var decisions = 0
  package private(set) var energy = Nanojoules.zero

  private let options: LedgerOptions
  private let lock: LedgerLock
  private var json: JSONWriter
  private var buffer: PendingBytes
  private var segment: OpenSegment
  private var shed = ShedCounts()
  private var lastWrite: Instant
  private let formerEnd: StaticString

  /// Opens the directory's ledger and goes on where it ended. A torn tail is cut off and recorded as a `gap`.
  package init(
    directory: String, identity: LedgerIdentity, at stamp: LedgerStamp,
    options: LedgerOptions = LedgerOptions()
  ) throws(LedgerError) {
    precondition(options.bufferBytes > LedgerOptions.maximumRecordBytes, "a buffer holds any record")
    let lock = try LedgerLock(directory: directory)
    let tail = try LedgerTail.recover(directory)
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
    if let digest = tail.cutDigest {
      _ = put(.gap, stamp) { json, _ in
        json.key("cause")
        json.value("tornTail")
        json.key("cut_bytes")
        json.value(tail.cutBytes)
        json.key("cut_sha256")
        json.value(digest)
      }
    }
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
      case .stop:
        json.key("decisions")
        json.value(sums.0)
        json.key("total_nanojoules")
        json.value(sums.1.count)
      default: break
      }
    }
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
      throw .failed(LinuxError("write", segment.path, errno: failure ?? EIO))
    }
    let result = options.output.synchronize(segment.number)
    if result != 0 { throw .failed(LinuxError("fdatasync", segment.path, errno: -result)) }
  }
}

extension LedgerWriter {
  private typealias Body = (inout JSONWriter, Names) -> Void

  /// Appends a record, behind the gap record if some were shed before it, or counts it as shed.
  private mutating func add(_ type: RecordType, _ stamp: LedgerStamp, _ body: Body) -> Bool {
    if !shed.isEmpty && !(writeIfDue(stamp) && recordGap(stamp)) {
      lose(type, stamp)
      return false
    }
    guard put(type, stamp, body) else {
      lose(type, stamp)
      return false
    }
    writeIfDue(stamp)
    return true
  }

  private mutating func lose(_ type: RecordType, _ stamp: LedgerStamp) {
    totalShed += 1
    shed.add(type, at: stamp.boot)
  }

  private mutating func recordGap(_ stamp: LedgerStamp) -> Bool {
    let counts = shed
    let recorded = put(.gap, stamp) { json, _ in counts.writeMembers(into: &json) }
    if recorded { shed = ShedCounts() }
    return recorded
  }

  /// Encodes a record and copies it to the buffer; false when there is no room for it.
  private mutating func put(_ type: RecordType, _ stamp: LedgerStamp, _ body: Body) -> Bool {
    encode(type, stamp, body)
    guard !json.overflowed else { return false }
    if segment.holds && segment.size + buffer.count + json.count >= options.segmentBytes { rotate(stamp) }
    if buffer.free <= json.count {
      guard mayTry(stamp), drain(stamp) || buffer.free > json.count else { return false }
    }
    let digest = json.withBytes { bytes in
      buffer.append(bytes)
      return SHA256.digest(of: bytes)
    }
    buffer.append(UInt8(ascii: "\n"))
    segment.holds = true
    head = LedgerHead(sequence: head.sequence + 1, digest: digest)
    records += 1
    return true
  }

  private mutating func encode(_ type: RecordType, _ stamp: LedgerStamp, _ body: Body) {
    json.reset()
    json.beginObject()
    json.key("schema")
    json.value(Self.schema)
    json.key("type")
    json.value(type.rawValue)
    json.key("boot_id")
    json.value(identity.bootID)
    json.key("seq")
    json.value(head.sequence + 1)
    json.key("t_boot_ns")
    json.value(stamp.boot.sinceBoot)
    json.key("t_utc")
    if let utc = stamp.utc {
      let text = RFC3339(unixNanoseconds: utc)
      text.quoted.span.withUnsafeBytes { json.raw($0) }
    } else {
      json.null()
    }
    json.key("clock_synced")
    json.value(stamp.synced)
    json.key("model_sha256")
    json.value(identity.model)
    json.key("config_sha256")
    json.value(identity.configuration)
    body(&json, identity.names)
    json.key("prev")
    json.value(head.digest)
    json.endObject()
  }

  /// True when a write may be tried: after a failure only once in a while.
  private func mayTry(_ stamp: LedgerStamp) -> Bool {
    failure == nil || stamp.boot - lastWrite >= max(options.flushInterval, LedgerOptions.retryInterval)
  }

  /// Writes when the flush interval has passed. False when something could not be written.
  @discardableResult
  private mutating func writeIfDue(_ stamp: LedgerStamp) -> Bool {
    if failure == nil && stamp.boot - lastWrite < options.flushInterval { return true }
    return mayTry(stamp) && drain(stamp)
  }

  private mutating func drain(_ stamp: LedgerStamp) -> Bool {
    lastWrite = stamp.boot
    let waiting = buffer.count
    guard waiting > 0 else {
      failure = nil
      return true
    }
    let code = buffer.drain(segment.number, options.output)
    segment.size += waiting - buffer.count
    failure = code == 0 ? nil : code
    if code == 0 && options.synchronizes {
      let result = options.output.synchronize(segment.number)
      // The kernel forgets what it could not write back, so no retry would mend it; the next gap record tells.
      if result != 0 { shed.synchronizationFailed(-result, at: stamp.boot) }
    }
    return code == 0
  }

  /// Goes over to a new segment; where that fails the old one grows on.
  private mutating func rotate(_ stamp: LedgerStamp) {
    guard mayTry(stamp), drain(stamp) else { return }
    if !options.synchronizes { _ = options.output.synchronize(segment.number) }
    if let next = try? OpenSegment.create(head.sequence + 1, in: directory) { segment = next }
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
