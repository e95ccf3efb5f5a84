import JSON
import Linux
import Vocabulary
import Wire

/// Reads segments one after the other and finds what does not add up.
struct Auditor {
  /// The last record of a segment.
  struct LastRecord {
    var type: RecordType
    /// Place in the segment behind its newline.
    var end: Int
    /// Whether its number is the one that was to come.
    var follows: Bool
    /// Findings in the segment up to it.
    var findings: Int
  }

  /// What a record is, and whether its number is the one that was to come.
  struct CheckedRecord {
    let sequence: UInt64
    let type: RecordType
    let follows: Bool
  }

  /// A `gap` record of a torn tail: whose bytes it tells of, and its number.
  struct ToldCut {
    let digest: Digest
    let sequence: UInt64
  }

  var report = AuditReport()
  /// The latest in what was read; of many only the last `maximumTold`.
  var told: [ToldCut] = []
  static let maximumTold = 1000
  private var anchors: Anchors
  /// A `stop` was read and no `start` since.
  private var isStopped = false
  /// Digest of the line before, whatever it was; nil before the first.
  private(set) var previous: Digest?
  var expected: UInt64?
  /// Of the segment read last; nil where it has none.
  private(set) var last: LastRecord?
  /// Bytes and whole lines of the segment read last.
  private(set) var size = 0
  private(set) var lines = 0
  /// Of the segment read last up to its last record, where it was to be hashed.
  private(set) var prefix = CheckedPrefix()
  /// A `stop` was read whose run began in front of what was read: its totals were not checked.
  var leftOutTotals = false
  private(set) var segment = ""
  private(set) var line = 0
  var sequence: UInt64?
  /// Decisions and energy since the last `start` record, for the totals of `stop`.
  var run = (decisions: Int64(0), energy: Int64(0), whole: false)
  /// The last decision, and what it says that its audit took.
  var audited: (decision: Int64, energy: Int64)?
  /// Of the postings summed last, those under the account `audit`.
  var auditEnergy: Int64 = 0
  /// Records by type.
  var types = InlineArray<15, Int>(repeating: 0)
  /// What `report.totals` has by name in the end.
  var names = AuditNames()
  /// False: the tree reads every record; for tests that hold both ways against each other.
  private let readsPlain: Bool
  /// Records read without a tree.
  private(set) var plainRecords = 0

  init(anchors: [LedgerHead] = [], readsPlain: Bool = true) {
    self.anchors = Anchors(anchors)
    self.readsPlain = readsPlain
  }

  mutating func find(_ kind: Finding.Kind) {
    report.add(Finding(kind: kind, segment: segment, line: line, sequence: sequence))
  }

  /// - Parameters:
  ///   - found: reads on behind it, as if everything in front had been read and were right.
  ///   - hashing: `prefix` is wanted.
  mutating func read(
    _ file: Segment, behind found: Checkpoint.Found? = nil, hashing: Bool = false
  ) throws(LinuxError) {
    segment = file.path
    (line, lines, size, last) = (0, 0, 0, nil)
    sequence = nil
    var hashed = CheckedPrefix()
    if let found { hashed = goOn(behind: found) }
    prefix = hashed
    let before = report.found
    report.segments += 1
    var reader = try LineReader(file, from: size)
    var plain = PlainRecord()
    while let next = try reader.nextLine() {
      let digest = SHA256.digest(of: next.bytes)
      if hashing { hashed.add(next.bytes, lines: 0) }
      line += 1
      sequence = nil
      size += next.count + (next.terminated ? 1 : 0)
      guard next.terminated else {
        find(.tornTail(bytes: next.count))
        break
      }
      lines += 1
      if hashing { withUnsafeBytes(of: UInt8(ascii: "\n")) { hashed.add($0, lines: 1) } }
      let record = check(next, in: file, &plain)
      previous = digest
      guard let record else { continue }
      let head = LedgerHead(sequence: record.sequence, digest: digest)
      if report.firstHead == nil { report.firstHead = head }
      report.head = head
      if anchors.meet(head) { find(.anchorDiffers) }
      prefix = hashed
      last = LastRecord(
        type: record.type, end: size, follows: record.follows, findings: report.found - before)
    }
    if let damage = reader.damage { find(.damaged(damage)) }
    report.bytes += size
    // A start that came no further than the file is no finding; a name that cannot be right is.
    if size == 0, let expected, expected != file.firstSequence { find(.misnamed(first: file.firstSequence)) }
  }

  private mutating func goOn(behind found: Checkpoint.Found) -> CheckedPrefix {
    (line, lines, size) = (found.prefix.lines, found.prefix.lines, found.prefix.bytes)
    last = LastRecord(type: found.type, end: size, follows: true, findings: 0)
    isStopped = found.type == .stop
    previous = found.head.digest
    expected = found.head.sequence + 1
    report.head = found.head
    return found.prefix
  }

  mutating func finish(_ directory: String) -> AuditReport {
    sequence = nil
    if segment.isEmpty { segment = directory }
    anchors.conclude(first: report.firstHead?.sequence, last: report.head?.sequence)
    for anchored in anchors.found {
      switch anchored.state {
      case .beyond: find(.truncated(lastExpected: anchored.head.sequence))
      case .missing: find(.anchorMissing(anchored.head.sequence))
      case .holds, .differs, .dropped: continue
      }
    }
    for type in RecordType.allCases where types[type.index] > 0 {
      report.types[BytewiseText(type.rawValue)] = types[type.index]
    }
    names.write(into: &report.totals)
    report.anchors = anchors.found
    if !anchors.areEmpty { report.unanchored = anchors.unanchored }
    return report
  }

  /// Of a record that is right in all its bytes tell, the tree would tell nothing else.
  private mutating func check(
    _ line: LineReader.Line, in file: Segment, _ plain: inout PlainRecord
  ) -> CheckedRecord? {
    guard !line.tooLong else { return check(nil, in: file) }
    let isPlain = readsPlain && !isStopped && (self.line > 1 || expected == file.firstSequence)
    if isPlain, plain.read(line.bytes), let record = accept(plain) {
      plainRecords += 1
      return record
    }
    do throws(JSONError) {
      return check(.success(try JSONValue.parse(line.bytes, maximumBytes: LineReader.maximumLine)), in: file)
    } catch {
      return check(.failure(error), in: file)
    }
  }

  private mutating func check(
    _ parsed: Result<JSONValue, JSONError>?, in file: Segment
  ) -> CheckedRecord? {
    guard case .success(let value)? = parsed, let head = RecordHead(value) else {
      if case .failure(let error)? = parsed {
        find(.notARecord(error.description.clipped(to: AuditReport.maximumText)))
      } else if parsed == nil {
        find(.notARecord("longer than \(LineReader.maximumLine) bytes"))
      } else {
        find(
          .notARecord(
            "no object with schema \(LedgerChain.schema), a known type and a possible sequence number"))
      }
      // What follows is judged against itself: one bad line is one finding in the sequence, not one a line.
      if let number = expected { expected = number + 1 }
      return nil
    }
    sequence = head.sequence
    report.records += 1
    types[head.type.index] += 1
    if line == 1, file.firstSequence != head.sequence { find(.misnamed(first: file.firstSequence)) }
    // In front of the first, the segment's name says which number is to come.
    let follows = head.sequence == expected ?? (file.firstSequence + UInt64(lines - 1))
    if let expected, expected != head.sequence {
      find(.sequence(expected: expected, found: head.sequence))
    }
    expected = head.sequence + 1
    if isStopped, head.type != .start, head.type != .gap { find(.afterStop(head.type.rawValue)) }
    if head.type == .stop || head.type == .start { isStopped = head.type == .stop }
    let place = JSONPlace(value)
    do throws(JSONError) {
      try checkChain(try place.member("prev").string(), head.sequence)
      try checkContent(place, head.type)
    } catch {
      find(.notARecord(error.description.clipped(to: AuditReport.maximumText)))
    }
    return CheckedRecord(sequence: head.sequence, type: head.type, follows: follows)
  }

  private mutating func checkChain(_ text: String, _ sequence: UInt64) throws(JSONError) {
    let stated = Digest(hex: text)
    if let previous {
      if stated != previous { find(.chainBroken) }
    } else {
      report.first = sequence
      // The very first record has nothing before it; a later one stands first when old segments were removed.
      if stated == nil || sequence == 1 && stated != Digest.zero { find(.chainBroken) }
    }
  }
}
