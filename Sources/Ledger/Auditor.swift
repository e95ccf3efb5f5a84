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

  /// A `gap` record of a torn tail: whose bytes it tells of, and its number.
  struct ToldCut {
    let digest: Digest
    let sequence: UInt64
  }

  private(set) var report = AuditReport()
  /// The latest in what was read; of many only the last `maximumTold`.
  private(set) var told: [ToldCut] = []
  private static let maximumTold = 1000
  private var anchors: Anchors
  /// A `stop` was read and no `start` since.
  private var isStopped = false
  /// Digest of the line before, whatever it was; nil before the first.
  private(set) var previous: Digest?
  private(set) var expected: UInt64?
  /// Of the segment read last; nil where it has none.
  private(set) var last: LastRecord?
  /// Bytes and whole lines of the segment read last.
  private(set) var size = 0
  private(set) var lines = 0
  /// Of the segment read last up to its last record, where it was to be hashed.
  private(set) var prefix = CheckedPrefix()
  /// A `stop` was read whose run began in front of what was read: its totals were not checked.
  private(set) var leftOutTotals = false
  private var segment = ""
  private var line = 0
  private var sequence: UInt64?
  /// Decisions and energy since the last `start` record, for the totals of `stop`.
  private var run = (decisions: Int64(0), energy: Int64(0), whole: false)
  /// The last decision, and what it says that its audit took.
  private var audited: (decision: Int64, energy: Int64)?

  /// Of the postings summed last, those under the account `audit`.
  private var auditEnergy: Int64 = 0

  init(anchors: [LedgerHead] = []) { self.anchors = Anchors(anchors) }

  private mutating func find(_ kind: Finding.Kind) {
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
    var parsed: Result<JSONValue, JSONError>?
    var digest = Digest.zero
    while let next = try reader.next({ bytes in
      digest = SHA256.digest(of: bytes)
      if hashing { hashed.add(bytes, lines: 0) }
      do throws(JSONError) {
        parsed = .success(try JSONValue.parse(bytes, maximumBytes: LineReader.maximumLine))
      } catch {
        parsed = .failure(error)
      }
    }) {
      line += 1
      sequence = nil
      size += next.count + (next.terminated ? 1 : 0)
      guard next.terminated else {
        find(.tornTail(bytes: next.count))
        break
      }
      lines += 1
      if hashing { withUnsafeBytes(of: UInt8(ascii: "\n")) { hashed.add($0, lines: 1) } }
      let record = check(next.tooLong ? nil : parsed, in: file)
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
    report.anchors = anchors.found
    if !anchors.areEmpty { report.unanchored = anchors.unanchored }
    return report
  }

  /// - Returns: what the record is, and whether its number is the one that was to come; nil where it is none.
  private mutating func check(
    _ parsed: Result<JSONValue, JSONError>?, in file: Segment
  ) -> (sequence: UInt64, type: RecordType, follows: Bool)? {
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
    report.types[BytewiseText(head.type.rawValue), default: 0] += 1
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
    return (head.sequence, head.type, follows)
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

  private mutating func checkContent(_ record: JSONPlace, _ type: RecordType) throws(JSONError) {
    switch type {
    case .decision: try checkDecision(record)
    case .audit: try checkAudit(record)
    case .start:
      run = (0, 0, true)
      audited = nil
    case .stop: try checkStop(record)
    case .meter: try checkMeter(record)
    case .gap:
      if let digest = Digest(hex: try record.optional("cut_sha256")?.string() ?? ""), let sequence {
        if told.count == Self.maximumTold { told.removeFirst() }
        told.append(ToldCut(digest: digest, sequence: sequence))
      }
      report.add(gap: "\(segment):\(line): \(try gap(record))")
      if let lost = try record.optional("lost_records") { add(try lost.integer(), to: \.shed) }
      guard let shed = try record.optional("shed") else { return }
      for (_, count) in try shed.members() { add(try count.integer(), to: \.shed) }
    default: break
    }
  }

  private func gap(_ record: JSONPlace) throws(JSONError) -> String {
    var text = try record.member("cause").string()
    for member in ["cut_bytes", "lost_records", "failed_synchronizations", "findings"] {
      if let number = try record.optional(member) { text += ", \(member) \(try number.integer())" }
    }
    if let dropped = try record.optional("dropped_seq")?.elements(count: 2...2) {
      text += ", dropped \(try dropped[0].integer()) to \(try dropped[1].integer())"
    }
    for member in ["segment", "kept"] {
      if let name = try record.optional(member) { text += ", \(member) \(try name.string())" }
    }
    if let shed = try record.optional("shed") {
      for (type, count) in try shed.members() { text += ", \(try count.integer()) of \(type)" }
    }
    return text
  }

  private mutating func checkStop(_ record: JSONPlace) throws(JSONError) {
    // A stop that was written without postings has none of the members that go with them.
    if try record.optional("energy") != nil {
      let sum = try addPostings(record)
      try checkSum(record, "closing_nanojoules", sum)
      add(try record.member("always_on_nanojoules").integer(), to: \.totals.alwaysOn)
      run.energy.clampedAdd(sum)
    }
    // A run whose beginning was removed cannot be summed.
    guard run.whole else {
      leftOutTotals = true
      return
    }
    try checkSum(record, "decisions", run.decisions)
    try checkSum(record, "total_nanojoules", run.energy)
  }

  /// A reading is in no account; what the accounts leave of it has to be the difference.
  private mutating func checkMeter(_ record: JSONPlace) throws(JSONError) {
    let energy = try record.member("nanojoules").integer()
    let accounts = try record.member("accounts_nanojoules").integer()
    if try record.optional("unattributed") != nil {
      try checkSum(record, "unattributed", energy.clampedSum(accounts == .min ? .max : -accounts))
    }
  }

  private mutating func checkSum(_ record: JSONPlace, _ member: String, _ computed: Int64) throws(JSONError) {
    let stated = try record.member(member).integer()
    if stated != computed { find(.sum(member: member, stated: stated, computed: computed)) }
  }

  /// - Returns: the sum of the record's postings.
  private mutating func addPostings(_ record: JSONPlace) throws(JSONError) -> Int64 {
    var sum: Int64 = 0
    auditEnergy = 0
    for posting in try record.member("energy").elements() {
      let energy = try posting.member("nanojoules").integer()
      let account = try posting.member("account").string()
      let modality = try posting.optional("modality")?.string() ?? ""
      let kind = try posting.member("kind").string()
      if account == EnergyPosting.Account.audit.rawValue { auditEnergy.clampedAdd(energy) }
      sum = sum.clampedSum(energy)
      add(energy, to: \.accounts, account)
      add(energy, to: \.modalities, modality)
      add(energy, to: \.kinds, kind)
    }
    add(sum, to: \.totals.energy)
    return sum
  }

  private mutating func checkDecision(_ record: JSONPlace) throws(JSONError) {
    let sum = try addPostings(record)
    try checkSum(record, "total_nanojoules", sum)
    add(try record.member("always_on_nanojoules").integer(), to: \.totals.alwaysOn)
    add(try record.member("macs").integer(), to: \.totals.macs)
    let windows = try record.windows()
    add(windows, to: \.exits, try exitName(record))
    report.decisions.clampedAdd(windows)
    run.decisions.clampedAdd(windows)
    run.energy.clampedAdd(sum)
    audited = (try record.member("number").integer(), auditEnergy)
  }

  /// An audit follows its decision, which has its energy; where that one was lost there is nothing to hold it against.
  private mutating func checkAudit(_ record: JSONPlace) throws(JSONError) {
    let number = try record.member("decision").integer()
    guard let audited, audited.decision == number else { return }
    try checkSum(record, "audit_nanojoules", audited.energy)
  }

  private func exitName(_ record: JSONPlace) throws(JSONError) -> String {
    guard let exit = try record.optional("exit") else { return "" }
    if try exit.optional("fusion") != nil { return "fusion" }
    let modality = try exit.optional("modality")?.string() ?? "?"
    return "\(modality).\(try exit.member("exit").integer())"
  }

  private mutating func add(
    _ amount: Int64, to table: WritableKeyPath<AuditTotals, [BytewiseText: Int64]>, _ name: String
  ) {
    if !report.totals.add(amount, to: table, name) { find(.strangeName(name.clipped(to: 100))) }
  }

  private mutating func add(_ number: Int64, to path: WritableKeyPath<AuditReport, Int64>) {
    report[keyPath: path].clampedAdd(number)
  }
}
