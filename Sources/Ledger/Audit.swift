import JSON
import Linux
import Vocabulary

/// Re-checks a ledger from its files alone: the chain, the sequence, and that every total is the sum of its parts.
/// A changed last record, or records missing from the end, show only against an `anchor` remembered elsewhere.
package func audit(_ directory: String, anchor: LedgerHead? = nil) throws(LedgerError) -> AuditReport {
  let segments = try Segment.list(in: directory)
  var auditor = Auditor(anchor: anchor)
  for segment in segments {
    do throws(LinuxError) {
      try auditor.read(segment, isLast: segment == segments.last)
    } catch {
      throw .failed(LinuxError(error.call, segment.path, errno: error.errno))
    }
  }
  return auditor.finish(directory)
}

private struct Auditor {
  private var report = AuditReport()
  private let anchor: LedgerHead?
  /// Digest of the line before, whatever it was; nil before the first.
  private var previous: Digest?
  private var expected: UInt64?
  private var segment = ""
  private var line = 0
  private var sequence: UInt64?
  /// Decisions and energy since the last `start` record, for the totals of `stop`.
  private var run = (decisions: Int64(0), energy: Int64(0), whole: false)

  init(anchor: LedgerHead?) { self.anchor = anchor }

  private mutating func find(_ kind: Finding.Kind) {
    report.findings.append(Finding(kind: kind, segment: segment, line: line, sequence: sequence))
  }

  mutating func read(_ file: Segment, isLast: Bool) throws(LinuxError) {
    segment = file.path
    line = 0
    report.segments += 1
    var reader = try LineReader(path: file.path)
    var parsed: Result<JSONValue, JSONError>?
    var digest = Digest.zero
    while let next = try reader.next({ bytes in
      digest = SHA256.digest(of: bytes)
      do throws(JSONError) {
        parsed = .success(try JSONValue.parse(bytes, maximumBytes: LineReader.maximumLine))
      } catch {
        parsed = .failure(error)
      }
    }) {
      line += 1
      sequence = nil
      report.bytes += next.count + (next.terminated ? 1 : 0)
      guard next.terminated else {
        find(.tornTail(bytes: next.count))
        break
      }
      check(next.tooLong ? nil : parsed, firstOf: line == 1 ? file : nil)
      previous = digest
      if let sequence {
        report.head = LedgerHead(sequence: sequence, digest: digest)
        if let anchor, anchor.sequence == sequence, anchor.digest != digest { find(.anchorDiffers) }
      }
    }
  }

  mutating func finish(_ directory: String) -> AuditReport {
    if let anchor, anchor.sequence > (report.head?.sequence ?? 0) {
      if segment.isEmpty { segment = directory }
      find(.truncated(lastExpected: anchor.sequence))
    }
    return report
  }

  private mutating func check(_ parsed: Result<JSONValue, JSONError>?, firstOf file: Segment?) {
    guard case .success(let value)? = parsed, let head = RecordHead(value) else {
      if case .failure(let error)? = parsed {
        find(.notARecord(error.description))
      } else if parsed == nil {
        find(.notARecord("longer than \(LineReader.maximumLine) bytes"))
      } else {
        find(.notARecord("no object with schema \(LedgerWriter.schema), a known type and a sequence number"))
      }
      // What follows is judged against itself: one bad line is one finding in the sequence, not one a line.
      if let number = expected { expected = number + 1 }
      return
    }
    sequence = head.sequence
    report.records += 1
    report.types[head.type.rawValue, default: 0] += 1
    if let file, file.firstSequence != head.sequence { find(.misnamed(first: file.firstSequence)) }
    if let expected, expected != head.sequence {
      find(.sequence(expected: expected, found: head.sequence))
    }
    expected = head.sequence + 1
    let place = JSONPlace(value)
    do throws(JSONError) {
      try checkChain(try place.member("prev").string(), head.sequence)
      try checkContent(place, head.type)
    } catch {
      find(.notARecord(error.description))
    }
  }

  private mutating func checkChain(_ text: String, _ sequence: UInt64) throws(JSONError) {
    let stated = Digest(hex: text)
    if let previous {
      if stated != previous { find(.chainBroken) }
    } else {
      report.first = sequence
      // The very first record has nothing before it; a later one stands first when old segments were removed.
      if sequence == 1 && stated != Digest.zero { find(.chainBroken) }
    }
  }

  private mutating func checkContent(_ record: JSONPlace, _ type: RecordType) throws(JSONError) {
    switch type {
    case .decision: try checkDecision(record)
    case .start: run = (0, 0, true)
    case .stop:
      // A run whose beginning was removed cannot be summed.
      guard run.whole else { return }
      try checkSum(record, "decisions", run.decisions)
      try checkSum(record, "total_nanojoules", run.energy)
    case .gap:
      guard let shed = try record.optional("shed") else { return }
      for (_, count) in try shed.members() { add(try count.integer(), to: \.shed) }
    default: break
    }
  }

  private mutating func checkSum(_ record: JSONPlace, _ member: String, _ computed: Int64) throws(JSONError) {
    let stated = try record.member(member).integer()
    if stated != computed { find(.sum(member: member, stated: stated, computed: computed)) }
  }

  private mutating func checkDecision(_ record: JSONPlace) throws(JSONError) {
    var sum: Int64 = 0
    for posting in try record.member("energy").elements() {
      let energy = try posting.member("nanojoules").integer()
      let account = try posting.member("account").string()
      let modality = try posting.optional("modality")?.string() ?? ""
      let kind = try posting.member("kind").string()
      sum = sum.clampedSum(energy)
      report.totals.accounts[account, default: 0].clampedAdd(energy)
      report.totals.modalities[modality, default: 0].clampedAdd(energy)
      report.totals.kinds[kind, default: 0].clampedAdd(energy)
    }
    try checkSum(record, "total_nanojoules", sum)
    add(sum, to: \.totals.energy)
    add(try record.member("always_on_nanojoules").integer(), to: \.totals.alwaysOn)
    add(try record.member("macs").integer(), to: \.totals.macs)
    report.totals.exits[try exitName(record), default: 0] += 1
    run.decisions += 1
    run.energy.clampedAdd(sum)
  }

  private func exitName(_ record: JSONPlace) throws(JSONError) -> String {
    guard let exit = try record.optional("exit") else { return "" }
    if try exit.optional("fusion") != nil { return "fusion" }
    let modality = try exit.optional("modality")?.string() ?? "?"
    return "\(modality).\(try exit.member("exit").integer())"
  }

  private mutating func add(_ number: Int64, to path: WritableKeyPath<AuditReport, Int64>) {
    report[keyPath: path].clampedAdd(number)
  }
}

extension Int64 {
  /// Figures of a forged ledger may be anything: sums stay at the end of the scale and do not trap.
  fileprivate func clampedSum(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }

  fileprivate mutating func clampedAdd(_ other: Int64) { self = clampedSum(other) }
}
