import Glibc
import JSON
import Linux
import Wire

/// How far a segment was found to add up, and what stands there: what a start needs to go on behind it.
struct CheckedPrefix {
  /// From the segment's beginning, up to behind a record's newline.
  var bytes = 0
  var lines = 0
  /// Of these bytes.
  var hash = SHA256()

  mutating func add(_ piece: UnsafeRawBufferPointer, lines: Int) {
    hash.update(piece)
    bytes += piece.count
    self.lines += lines
  }

  /// SHA-256 of the bytes so far.
  var digest: Digest {
    var copy = hash
    return copy.finish()
  }
}

/// The file `checkpoint` of a ledger's directory: up to where the segment being written was found to add up, with the
/// SHA-256 of everything before that place. A start for which it fits hashes these bytes and reads the rest. Nothing
/// but the time of a start depends on it: what it says is compared with the segment, and one that does not fit is as
/// good as none. That is why it needs no sync of its own.
struct Checkpoint: Equatable {
  /// The segment's name.
  let segment: String
  let bytes: Int
  let lines: Int
  /// The last record in front of that place.
  let head: LedgerHead
  /// SHA-256 of the segment's first `bytes` bytes.
  let prefix: Digest

  static let name = "checkpoint"
  /// The next one while it is written.
  static let newName = name + ".new"
  static let maximumBytes = 1024

  /// Nil where there is none, or something that is none.
  static func read(in directory: String) -> Checkpoint? {
    let path = directory + "/" + name
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: maximumBytes, alignment: 1)
    defer { memory.deallocate() }
    do throws(LinuxError) {
      let file = try Segment.open(path, O_RDONLY)
      return Checkpoint(Array(memory[..<(try file.read(at: 0, into: memory, path))]))
    } catch {
      return nil
    }
  }

  init?(_ text: [UInt8]) {
    do throws(JSONError) {
      let place = JSONPlace(try JSONValue.parse(text))
      guard try place.member("schema").integer() == LedgerChain.schema,
        let digest = Digest(hex: try place.member("sha256").string()),
        let prefix = Digest(hex: try place.member("prefix_sha256").string()),
        let bytes = Int(exactly: try place.member("bytes").integer()), bytes > 0,
        let lines = Int(exactly: try place.member("lines").integer()),
        let sequence = UInt64(exactly: try place.member("seq").integer())
      else { return nil }
      self.init(
        segment: try place.member("segment").string(), bytes: bytes, lines: lines,
        head: LedgerHead(sequence: sequence, digest: digest), prefix: prefix)
    } catch {
      return nil
    }
  }

  init(segment: String, bytes: Int, lines: Int, head: LedgerHead, prefix: Digest) {
    self.segment = segment
    self.bytes = bytes
    self.lines = lines
    self.head = head
    self.prefix = prefix
  }

  func write(into json: inout JSONWriter) {
    json.beginObject()
    json.key("schema")
    json.value(LedgerChain.schema)
    json.key("segment")
    json.value(segment)
    json.key("bytes")
    json.value(bytes)
    json.key("lines")
    json.value(lines)
    json.key("seq")
    json.value(head.sequence)
    json.key("sha256")
    json.value(head.digest)
    json.key("prefix_sha256")
    json.value(prefix)
    json.endObject()
    json.terminate(with: UInt8(ascii: "\n"))
  }

  /// Puts it in the place of the former one, whole or not at all.
  func save(in directory: String, _ calls: RecoveryCalls) throws(LinuxError) {
    var json = JSONWriter(capacity: Self.maximumBytes)
    write(into: &json)
    let new = directory + "/" + Self.newName
    // Whatever a kill left there, or somebody put there.
    unlink(new)
    do throws(LinuxError) {
      let file = try Segment.open(new, O_WRONLY | O_CREAT | O_EXCL, mode: 0o640)
      let number = file.number
      try json.withBytes { (bytes) throws(LinuxError) in try calls.write(number, bytes, new) }
      withExtendedLifetime(file) {}
      try calls.rename(new, directory + "/" + Self.name)
    } catch {
      unlink(new)
      throw error
    }
  }
}

// What a start does with it.
extension Checkpoint {
  /// The last record in front of the checkpoint's place, as it stands in the segment.
  struct Found {
    let prefix: CheckedPrefix
    let head: LedgerHead
    let type: RecordType
  }

  /// Reads the segment up to the checkpoint's place; nil where anything there is not as the checkpoint says.
  func find(in segment: Segment) throws(LinuxError) -> Found? {
    guard self.segment.hasSameBytes(as: segment.name) else { return nil }
    let file = try Segment.open(segment.path, O_RDONLY)
    guard let size = try file.regularFileSize(segment.path), size >= bytes else { return nil }
    var found = CheckedPrefix()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { memory.deallocate() }
    while found.bytes < bytes {
      let room = UnsafeMutableRawBufferPointer(rebasing: memory[..<min(memory.count, bytes - found.bytes)])
      let count = try file.read(at: found.bytes, into: room, segment.path)
      if count == 0 { return nil }
      let piece = UnsafeRawBufferPointer(rebasing: room[..<count])
      found.add(piece, lines: Self.newlines(in: piece))
    }
    guard found.digest == prefix, found.lines == lines else { return nil }
    // The last line and the newline before it; a record is never longer.
    let length = min(bytes, LedgerOptions.maximumRecordBytes + 2)
    let end = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
    guard try file.read(at: bytes - length, into: end, segment.path) == length,
      end[length - 1] == UInt8(ascii: "\n")
    else { return nil }
    let begin = end[..<(length - 1)].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
    guard let begin = begin ?? (length == bytes ? 0 : nil) else { return nil }
    let line = UnsafeRawBufferPointer(rebasing: end[begin..<(length - 1)])
    guard SHA256.digest(of: line) == head.digest,
      let record = (try? JSONValue.parse(line, maximumBytes: LineReader.maximumLine)).flatMap(
        RecordHead.init),
      record.sequence == head.sequence,
      // Of a segment without a fault each line is a record.
      segment.firstSequence + UInt64(lines) == record.sequence + 1
    else { return nil }
    return Found(prefix: found, head: head, type: record.type)
  }

  private static func newlines(in bytes: UnsafeRawBufferPointer) -> Int {
    var count = 0
    var rest = bytes
    while let base = rest.baseAddress, let found = memchr(base, Int32(UInt8(ascii: "\n")), rest.count) {
      count += 1
      rest = UnsafeRawBufferPointer(rebasing: rest[(UnsafeRawPointer(found) - base + 1)...])
    }
    return count
  }
}
