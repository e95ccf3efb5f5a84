import Energy
import JSON
import Linux
import Vocabulary
import Wire

/// The first half of a ledger: makes records, chains each to the one before it by SHA-256, and puts them into the ring
/// from which `LedgerFile` writes them. The schema stands in docs/ledger.md. One thread uses it. It never waits, opens
/// or writes, and nothing allocates per record after `init`. What finds no room is counted, and a `gap` record says so.
package struct LedgerChain: ~Copyable, @unchecked Sendable {
  // Unchecked: one owner, who may hand it to another thread whole.
  package static let schema: Int64 = 1
  /// No record has a higher number: the last that every JSON reader has exactly.
  package static let maximumSequence: UInt64 = 1 << 53

  /// What records made from now on carry.
  package private(set) var identity: LedgerIdentity
  /// Records made since `init`, gaps included.
  package private(set) var records = 0
  /// Sequence number and digest of the last record made: what an anchor would keep.
  package private(set) var head: LedgerHead
  /// Records that could not be taken, or went with a segment, since `init`.
  package private(set) var totalShed = 0
  /// Why the last write failed; nil while writing works.
  package private(set) var failure: Int32?
  /// Energy and number of the decisions made since `init`.
  package private(set) var decisions = 0
  package private(set) var energy = Nanojoules.zero
  /// Windows that wait to be recorded together; nil where each is recorded at once.
  var steady: SteadyWindows?
  /// When the last record was made.
  var latest = LedgerStamp(boot: .zero)
  /// Events that go on.
  var openEvents = 0

  let link: LedgerLink
  let directory: String
  private var json = JSONWriter(capacity: LedgerOptions.maximumRecordBytes)
  /// The last decision as an object.
  private var members = JSONWriter(capacity: LedgerOptions.maximumRecordBytes)
  private var shed = ShedCounts()
  /// How far the file was when the ring was found full: before it moves, nothing is tried. Nil while there is room.
  private var fullAt: Int?
  /// `totalShed` when writing began to fail.
  private var shedBeforeFailure = 0
  private let formerEnd: String
  /// The run's first record, and its number: nil where it was lost.
  private var started: (event: LedgerEvent, sequence: UInt64?)?
  private var notices: [LedgerNotice] = []

  /// Goes on where the ledger ended. What was found wrong there is told in `gap` records, which are asked to be on the
  /// disk before anything else: a second power cut would else leave what was set aside without a word.
  /// - Parameter coalesces: windows in which nothing happened become counted records.
  package init(
    after start: LedgerStart, link: LedgerLink, identity: LedgerIdentity, at stamp: LedgerStamp,
    coalesces: Bool = false
  ) {
    self.identity = identity
    if coalesces { steady = SteadyWindows() }
    self.link = link
    directory = start.directory
    head = start.head
    formerEnd = start.formerEnd
    for notice in start.notices {
      notices.append(notice)
      _ = put(.gap, stamp) { json, _ in notice.writeMembers(into: &json) }
    }
    if start.needsFlush { link.ask(.flush) }
  }

  /// What is to be said and was not: oldest first, each once.
  package mutating func nextNotice() -> LedgerNotice? { notices.isEmpty ? nil : notices.removeFirst() }

  /// From now on records carry these names and digests; what waits was made under the former ones.
  package mutating func adopt(_ identity: LedgerIdentity) {
    recordSteady()
    // The events of another model are over.
    openEvents = 0
    self.identity = identity
  }

  /// Appends a decision, now or with others like it. False when it was shed: the disk does not keep up, and the ring is
  /// full.
  @discardableResult
  package mutating func append(_ decision: borrowing Decision, at stamp: LedgerStamp) -> Bool {
    members.reset()
    DecisionRecord.write(decision, identity.names, into: &members)
    if wait(with: decision, at: stamp) { return true }
    // The bytes live beside this value, not in it: they stay where they are while the rest of it changes.
    let object = members.withBytes { $0 }
    let isWhole = !members.overflowed
    let appended = add(.decision, stamp) { json, _ in
      // What stands between the braces: members go on with a comma as elements do.
      if isWhole { json.raw(UnsafeRawBufferPointer(rebasing: object[1..<(object.count - 1)])) }
    }
    guard appended else { return false }
    count(1, decision.totalEnergy)
    return true
  }

  mutating func count(_ windows: Int, _ posted: Nanojoules) {
    decisions += windows
    energy += posted
  }

  /// The last decision given to `append` as a JSON object, whether the ledger took it or not.
  package borrowing func withDecision<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    members.withBytes { bytes in body(bytes) }
  }

  /// Appends what is no decision.
  @discardableResult
  package mutating func append(_ event: LedgerEvent, at stamp: LedgerStamp) -> Bool {
    if !event.isQuiet { recordSteady(alone: event.decisions) }
    follow(event)
    let ended = formerEnd
    let sums = (decisions, energy)
    let appended = add(event.type, stamp) { json, names in
      event.writeMembers(names, into: &json)
      switch event {
      case .start:
        json.key("after")
        json.value(ended)
      case .stop: Self.writeSums(sums.0, sums.1, into: &json)
      default: break
      }
    }
    if case .start = event { started = (event, appended ? head.sequence : nil) }
    return appended
  }

  /// Appends the `stop` record with what was spent since the last decision, so that the run's total covers all
  /// its time.
  @discardableResult
  package mutating func appendStop(reason: String, closing: ClosingEnergy, at stamp: LedgerStamp) -> Bool {
    recordSteady()
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

  /// Hears what the writing half has to tell. Every append does so first.
  package mutating func settle(at stamp: LedgerStamp) {
    guard let report = link.takeReport() else { return }
    totalShed += report.losses.goneRecords
    shed.add(report.losses, at: stamp.boot)
    for notice in report.notices {
      switch notice {
      case .failing(_, let errno):
        failure = errno
        shedBeforeFailure = totalShed
        notices.append(notice)
      case .writingAgain(let path, _):
        failure = nil
        notices.append(.writingAgain(path: path, lost: totalShed - shedBeforeFailure))
      default: notices.append(notice)
      }
    }
    if notices.count > WriterReport.maximumNotices {
      notices.removeLast(notices.count - WriterReport.maximumNotices)
    }
  }

  /// Takes back what was given up: the chain goes on behind the last record in the file, and the next record is the
  /// `gap` that says what is missing.
  package mutating func takeBack(_ given: GivenUp, head: LedgerHead, at stamp: LedgerStamp) {
    settle(at: stamp)
    self.head = head
    records -= given.records
    decisions -= given.decisions
    energy = energy - given.energy
    totalShed += given.lost
    shed.add(given.counts, at: stamp.boot)
    // A run's sums count from its `start` on: one that is lost is made again.
    guard let started, started.sequence ?? .max > head.sequence else { return }
    shed.forget(.start)
    totalShed -= 1
    append(started.event, at: stamp)
  }

  /// Whether everything lost is told: nothing is left for a `gap` record.
  package var hasToldAll: Bool { shed.isEmpty }

  /// Counts what never came here: a full ring in front of this one has dropped it. Of `others` nobody knows the type:
  /// they are counted as `state`.
  package mutating func lose(decisions: Int, others: Int, at stamp: LedgerStamp) {
    recordSteady()
    // The end of one may be among them.
    if others > 0 { openEvents = 0 }
    totalShed += decisions + others
    for _ in 0..<decisions { shed.add(.decision, at: stamp.boot) }
    for _ in 0..<others { shed.add(.state, at: stamp.boot) }
  }

  /// Puts the `gap` record for what was lost, where there is room for it; true when nothing is left to be told.
  @discardableResult
  package mutating func recordGap(at stamp: LedgerStamp) -> Bool {
    if shed.isEmpty { return true }
    let counts = shed
    let recorded = put(.gap, stamp) { json, _ in counts.writeMembers(into: &json) }
    if recorded {
      if counts.dropped != nil { link.tellDropped(head.sequence) }
      shed = ShedCounts()
    }
    return recorded
  }

  typealias Body = (inout JSONWriter, Names) -> Void

  /// Appends a record, behind the gap record if some were shed before it, or counts it as shed.
  /// - Parameter windows: for how many it stands.
  mutating func add(_ type: RecordType, _ stamp: LedgerStamp, windows: Int = 1, _ body: Body) -> Bool {
    settle(at: stamp)
    guard fullAt != link.progress, recordGap(at: stamp), put(type, stamp, body) else {
      totalShed += windows
      shed.add(type, at: stamp.boot, count: windows)
      return false
    }
    return true
  }

  /// Encodes a record and copies it to the ring; false when there is no room for it.
  private mutating func put(_ type: RecordType, _ stamp: LedgerStamp, _ body: Body) -> Bool {
    encode(type, stamp, body)
    guard !json.overflowed, head.sequence < Self.maximumSequence else { return false }
    guard link.records.free > json.count else {
      fullAt = link.progress
      return false
    }
    fullAt = nil
    let digest = json.withBytes { bytes in
      link.records.append(bytes)
      return SHA256.digest(of: bytes)
    }
    withUnsafeBytes(of: UInt8(ascii: "\n")) { link.records.append($0) }
    link.records.publish()
    // Alone, it starts the flush interval; the writing half may have been waiting for nothing.
    if link.records.count <= json.count + 1 || link.isPressed { link.writerBell.ring() }
    head = LedgerHead(sequence: head.sequence + 1, digest: digest)
    latest = stamp
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
