import Glibc
import JSON
import Linux
import Wire

/// Where a ledger ends, and what was found wrong on the way there.
struct LedgerTail {
  /// The segment to go on with; nil when a new one is to be begun.
  var segment: Segment?
  var size = 0
  /// The segment's bytes, hashed.
  var prefix = CheckedPrefix()
  /// Of these, what a checkpoint already has.
  var checkpointed = 0
  var nextSequence: UInt64 = 1
  /// Digest of the bytes of the line that the next record is chained to.
  var previous = Digest.zero
  /// What the last record was; nil in an empty ledger.
  var lastType: RecordType?
  /// In the order they were found, newest segment first.
  var notices: [LedgerNotice] = []
  /// What was cut off, now or by a start that was killed: to be concluded when it has been told.
  private var cuts: [UntoldCut] = []

  /// Finds the last whole record, and checks the segment that holds it. What stands after it (the half record of a
  /// power cut, blocks that the file system never filled) is set aside. Whole records are never cut, whatever they
  /// say: a segment that does not add up is left as it is, and the ledger goes on in a new one.
  static func recover(
    _ directory: String, _ calls: RecoveryCalls = .file
  ) throws(LedgerError) -> LedgerTail {
    var tail = LedgerTail()
    do throws(LinuxError) {
      try tail.look(through: directory, calls)
    } catch {
      switch error.errno {
      case LinuxError.notRegular: throw .notAFile(path: error.subject)
      case EACCES, EROFS: throw .notWritable(path: directory, errno: error.errno)
      default:
        throw error.subject == directory ? Segment.refusal(directory, errno: error.errno) : .failed(error)
      }
    }
    if tail.nextSequence > LedgerChain.maximumSequence {
      throw .damaged(path: directory, what: "the ledger's numbers have run out")
    }
    return tail
  }

  private mutating func look(through directory: String, _ calls: RecoveryCalls) throws(LinuxError) {
    let left = try UntoldCut.list(in: directory)
    // Whether a cut was told stands in records anywhere in the segment: then all of it is read.
    let checkpoint = left.isEmpty ? Checkpoint.read(in: directory) : nil
    var garbage: [TornTail] = []
    var told: [Auditor.ToldCut] = []
    for segment in try Segment.list(in: directory).reversed() {
      let auditor = try check(segment, checkpoint)
      // What a compressed one has lost stays in its place: it is none that a power cut left.
      if segment.isCompressed {
        try goOn(after: segment, auditor)
        break
      }
      guard let last = auditor.last else {
        garbage.append(TornTail(path: segment.path, size: auditor.size))
        continue
      }
      told = auditor.told
      try end(with: segment, auditor, last, directory, calls)
      break
    }
    // Newest first.
    let found = notices
    notices = []
    defer { notices += found }
    for bytes in garbage {
      if let cut = try bytes.quarantineWhole(in: directory, notBefore: nextSequence, calls) { try tell(cut) }
    }
    for cut in left.reversed() where !cuts.contains(cut) {
      let isTold = told.contains { $0.digest == cut.digest && $0.sequence >= cut.notBefore }
      if isTold { cuts.append(cut) } else { try tell(cut) }
    }
  }

  /// Reads a segment as the audit does, from its beginning or, where the checkpoint fits, from there on.
  private mutating func check(_ segment: Segment, _ checkpoint: Checkpoint?) throws(LinuxError) -> Auditor {
    if let found = try checkpoint?.find(in: segment) {
      var auditor = Auditor()
      try auditor.read(segment, behind: found, hashing: true)
      // A fault is told with all others of the segment, and totals want the whole run.
      if auditor.last?.findings == 0 && !auditor.leftOutTotals {
        checkpointed = found.prefix.bytes
        return auditor
      }
    }
    var auditor = Auditor()
    try auditor.read(segment, hashing: true)
    return auditor
  }

  /// The ledger goes on in a new segment behind one that is compressed: the one that was being written is gone.
  private mutating func goOn(after segment: Segment, _ auditor: Auditor) throws(LinuxError) {
    lastType = auditor.last?.type
    nextSequence = max(segment.firstSequence, auditor.expected ?? 0) + (auditor.expected == nil ? 1 : 0)
    previous = auditor.previous ?? .zero
    guard let first = auditor.report.findings.first else { return }
    let file = try Segment.open(segment.path, O_RDONLY)
    let size = try file.regularFileSize(segment.path) ?? 0
    notices.append(
      .broken(
        LedgerNotice.Broken(
          segment: segment, bytes: size,
          digest: try TornTail(path: segment.path, size: size).digest(from: 0), first: first,
          findings: auditor.report.found, next: nextSequence)))
  }

  private mutating func tell(_ cut: UntoldCut) throws(LinuxError) {
    cuts.append(cut)
    notices.append(try cut.notice())
  }

  /// Whether there is something to conclude.
  var hasCuts: Bool { !cuts.isEmpty }

  /// To be called when the notices' `gap` records are on the disk. What fails here is done by the next start.
  func conclude(in directory: String, _ calls: RecoveryCalls = .file) {
    guard hasCuts else { return }
    for cut in cuts { try? cut.conclude(calls) }
    try? calls.synchronizeDirectory(directory)
  }

  /// The segment that holds the last whole record.
  private mutating func end(
    with segment: Segment, _ auditor: Auditor, _ last: Auditor.LastRecord, _ directory: String,
    _ calls: RecoveryCalls
  ) throws(LinuxError) {
    let bytes = TornTail(path: segment.path, size: auditor.size)
    lastType = last.type
    if last.findings == 0 {
      self.segment = segment
      size = last.end
      prefix = auditor.prefix
      if let head = auditor.report.head {
        nextSequence = head.sequence + 1
        previous = head.digest
      }
      let cut = try bytes.quarantine(from: last.end, in: directory, notBefore: nextSequence, calls)
      if let cut { try tell(cut) }
    } else {
      // A number out of the sequence is not gone on with; the place in the segment gives one that is possible.
      let place = segment.firstSequence + UInt64(auditor.lines)
      nextSequence = max(segment.firstSequence + 1, last.follows ? auditor.expected ?? place : place)
      previous = auditor.previous ?? .zero
      notices.append(
        .broken(
          LedgerNotice.Broken(
            segment: segment, bytes: auditor.size, digest: try bytes.digest(from: 0),
            first: auditor.report.findings[0], findings: auditor.report.found, next: nextSequence)))
    }
  }
}

/// What makes a line a record of a ledger at all.
struct RecordHead {
  /// 1 to `LedgerChain.maximumSequence`.
  let sequence: UInt64
  let type: RecordType

  init?(_ value: JSONValue) {
    guard case .object(let record) = value, case .integer(LedgerChain.schema)? = record["schema"],
      case .integer(let number)? = record["seq"], number > 0, number <= LedgerChain.maximumSequence,
      case .string(let name)? = record["type"], let type = RecordType(rawValue: name)
    else { return nil }
    sequence = UInt64(number)
    self.type = type
  }
}
