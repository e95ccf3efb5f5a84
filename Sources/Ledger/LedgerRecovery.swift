import Glibc
import JSON
import Linux

/// Where a ledger ends, and what was found wrong on the way there.
struct LedgerTail {
  /// The segment to go on with; nil when a new one is to be begun.
  var segment: Segment?
  var size = 0
  var nextSequence: UInt64 = 1
  /// Digest of the bytes of the line that the next record is chained to.
  var previous = Digest.zero
  /// What the last record was; nil in an empty ledger.
  var lastType: RecordType?
  /// In the order they were found, newest segment first.
  var notices: [LedgerNotice] = []

  /// Finds the last whole record, and checks the segment that holds it. What stands after it (the half record of a
  /// power cut, blocks that the file system never filled) is set aside. Whole records are never cut, whatever they
  /// say: a segment that does not add up is left as it is, and the ledger goes on in a new one.
  static func recover(_ directory: String) throws(LedgerError) -> LedgerTail {
    var tail = LedgerTail()
    let segments: [Segment]
    do throws(LinuxError) {
      segments = try Segment.list(in: directory)
    } catch {
      throw Segment.refusal(directory, errno: error.errno)
    }
    for segment in segments.reversed() {
      let found: Bool
      do throws(LinuxError) {
        found = try tail.end(with: segment)
      } catch {
        throw error.errno == EACCES || error.errno == EROFS
          ? LedgerError.notWritable(path: directory, errno: error.errno)
          : .failed(LinuxError(error.call, segment.path, errno: error.errno))
      }
      if found { break }
    }
    if tail.nextSequence > LedgerWriter.maximumSequence {
      throw .damaged(path: directory, what: "the ledger's numbers have run out")
    }
    return tail
  }

  /// True when the segment holds a whole record. One without any is removed, or set aside if it holds anything.
  private mutating func end(with segment: Segment) throws(LinuxError) -> Bool {
    var auditor = Auditor(anchor: nil)
    try auditor.read(segment)
    let bytes = TailBytes(path: segment.path, size: auditor.size)
    guard let last = auditor.last else {
      if let aside = try bytes.setAsideWhole() { notices.append(aside) }
      return false
    }
    lastType = last.type
    if last.findings == 0 {
      if let aside = try bytes.setAside(from: last.end) { notices.append(aside) }
      self.segment = segment
      size = last.end
      if let head = auditor.report.head {
        nextSequence = head.sequence + 1
        previous = head.digest
      }
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
    return true
  }
}

/// What makes a line a record of a ledger at all.
struct RecordHead {
  /// 1 to `LedgerWriter.maximumSequence`.
  let sequence: UInt64
  let type: RecordType

  init?(_ value: JSONValue) {
    guard case .object(let record) = value, case .integer(LedgerWriter.schema)? = record["schema"],
      case .integer(let number)? = record["seq"], number > 0, number <= LedgerWriter.maximumSequence,
      case .string(let name)? = record["type"], let type = RecordType(rawValue: name)
    else { return nil }
    sequence = UInt64(number)
    self.type = type
  }
}
