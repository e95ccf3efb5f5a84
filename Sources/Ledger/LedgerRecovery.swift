import Glibc
import JSON
import Linux

/// Where a ledger ends, and what had to be cut off to find out.
struct LedgerTail {
  /// The segment to go on with; nil when there is none.
  var segment: Segment?
  var size = 0
  var nextSequence: UInt64 = 1
  /// Digest of the last record's bytes.
  var previous = Digest.zero
  /// What the last record was; nil in an empty ledger.
  var lastType: RecordType?
  /// Bytes that were no whole record, cut off the end, and the digest of them (newest segment first).
  var cutBytes = 0
  var cutDigest: Digest?

  /// Finds the last whole record and cuts off what stands after it: the half record of a power cut, or blocks that
  /// the file system never filled. Whole records are never cut, whatever they say: judging them is the audit's work.
  static func recover(_ directory: String) throws(LedgerError) -> LedgerTail {
    var tail = LedgerTail()
    var hash = SHA256()
    for segment in try Segment.list(in: directory).reversed() {
      let found: Bool
      do throws(LinuxError) {
        found = try tail.search(segment, &hash)
      } catch {
        throw error.errno == EACCES || error.errno == EROFS
          ? LedgerError.notWritable(path: directory, errno: error.errno) : .failed(error)
      }
      if found { break }
    }
    if tail.cutBytes > 0 { tail.cutDigest = hash.finish() }
    if tail.nextSequence == .max { throw .damaged(path: directory, what: "the sequence has run out") }
    return tail
  }

  /// True when the segment holds a whole record. One without any is removed once its bytes are accounted for.
  private mutating func search(_ segment: Segment, _ hash: inout SHA256) throws(LinuxError) -> Bool {
    let file = try Descriptor.open(segment.path, O_RDWR)
    let size = Int(try system("lseek", segment.path) { lseek(file.number, 0, SEEK_END) })
    var window = 1 << 16
    while true {
      let start = max(0, size - window)
      let bytes = try Self.read(file.number, from: start, count: size - start, segment.path)
      if let end = take(lastRecordOf: bytes, atLineStart: start == 0) {
        account(for: bytes[end...], &hash)
        if end < bytes.count {
          try system("ftruncate", segment.path) { ftruncate(file.number, start + end) }
          try system("fsync", segment.path) { fsync(file.number) }
        }
        self.segment = segment
        self.size = start + end
        return true
      }
      if start == 0 {
        account(for: bytes[...], &hash)
        try system("unlink", segment.path) { unlink(segment.path) }
        return false
      }
      window *= 4
    }
  }

  /// Place behind the newline of the last whole record; nil when these bytes hold none.
  private mutating func take(lastRecordOf bytes: [UInt8], atLineStart: Bool) -> Int? {
    let newline = UInt8(ascii: "\n")
    var end = bytes.lastIndex(of: newline)
    while let here = end {
      let before = bytes[..<here].lastIndex(of: newline)
      // A line whose beginning lies before these bytes is looked at when more of them are there.
      guard before != nil || atLineStart else { return nil }
      let line = bytes[((before ?? -1) + 1)..<here]
      if let record = RecordHead(line) {
        nextSequence = record.sequence &+ 1
        lastType = record.type
        previous = line.withUnsafeBytes { SHA256.digest(of: $0) }
        return here + 1
      }
      end = before
    }
    return nil
  }

  private mutating func account(for cut: ArraySlice<UInt8>, _ hash: inout SHA256) {
    cutBytes += cut.count
    cut.withUnsafeBytes { hash.update($0) }
  }

  private static func read(_ file: Int32, from start: Int, count: Int, _ path: String) throws(LinuxError)
    -> [UInt8]
  {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = try system("pread", path) {
        bytes.withUnsafeMutableBytes {
          pread(file, $0.baseAddress.map { $0 + filled }, count - filled, start + filled)
        }
      }
      if got == 0 { throw LinuxError("pread", path, errno: EIO) }
      filled += got
    }
    return bytes
  }
}

/// What makes a line a record of a ledger at all.
struct RecordHead {
  let sequence: UInt64
  let type: RecordType

  init?(_ line: ArraySlice<UInt8>) {
    let parsed = line.withUnsafeBytes { try? JSONValue.parse($0, maximumBytes: LineReader.maximumLine) }
    guard let value = parsed else { return nil }
    self.init(value)
  }

  init?(_ value: JSONValue) {
    guard case .object(let record) = value, case .integer(LedgerWriter.schema)? = record["schema"],
      case .integer(let number)? = record["seq"], number > 0,
      case .string(let name)? = record["type"], let type = RecordType(rawValue: name)
    else { return nil }
    sequence = UInt64(number)
    self.type = type
  }
}
