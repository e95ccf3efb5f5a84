import Glibc
import JSON
import Linux
import Vocabulary

/// Whole records that wait to be written, in memory that is allocated once. After a short write the rest of a record
/// stays at the front, so the file goes on at the byte where it stopped.
struct PendingBytes: ~Copyable, @unchecked Sendable {
  // Unchecked: the memory has this value as its only owner.
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(capacity: Int) { memory = .allocate(byteCount: capacity, alignment: 1) }

  deinit { memory.deallocate() }

  var free: Int { memory.count - count }

  /// - Precondition: there is room.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= free)
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
    count += bytes.count
  }

  mutating func append(_ byte: UInt8) {
    precondition(free > 0)
    memory[count] = byte
    count += 1
  }

  /// Writes as much as the file takes and keeps the rest; 0 when that was all, else the errno.
  mutating func drain(_ file: Int32, _ output: LedgerOutput) -> Int32 {
    let (written, code) = write(to: file, output)
    if written > 0 {
      memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[written..<count]))
      count -= written
    }
    return code
  }

  /// How many bytes the file took, and 0 when that was all, else the errno.
  func write(to file: Int32, _ output: LedgerOutput) -> (written: Int, code: Int32) {
    var written = 0
    while written < count {
      let result = output.write(file, UnsafeRawBufferPointer(rebasing: memory[written..<count]))
      // A write that takes nothing and says nothing would be tried for ever.
      if result <= 0 { return (written, result < 0 ? Int32(-result) : ENOSPC) }
      written += result
    }
    return (written, 0)
  }
}

/// The segment being written.
struct OpenSegment: ~Copyable, Sendable {
  private let file: Descriptor
  let path: String
  /// Bytes in the file.
  var size: Int
  /// Whether it has a record, written or waiting.
  var holds: Bool

  var number: Int32 { file.number }

  /// A new segment that begins with that record; the directory is made to remember it.
  static func create(_ sequence: UInt64, in directory: String) throws(LedgerError) -> OpenSegment {
    let segment = Segment(firstSequence: sequence, in: directory)
    do throws(LinuxError) {
      let file = try Descriptor.open(segment.path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, mode: 0o640)
      let parent = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
      try system("fsync", directory) { fsync(parent.number) }
      return OpenSegment(file: file, path: segment.path, size: 0, holds: false)
    } catch {
      throw Segment.refusal(directory, errno: error.errno)
    }
  }

  /// Where the ledger ended; a new segment where there is none.
  static func after(_ tail: LedgerTail, in directory: String) throws(LedgerError) -> OpenSegment {
    guard let segment = tail.segment else { return try create(tail.nextSequence, in: directory) }
    do throws(LinuxError) {
      let file = try Descriptor.open(segment.path, O_WRONLY | O_APPEND)
      return OpenSegment(file: file, path: segment.path, size: tail.size, holds: tail.size > 0)
    } catch {
      throw Segment.refusal(directory, errno: error.errno)
    }
  }
}

/// Records that could not be taken, counted by type: what a later `gap` record says.
struct ShedCounts: Sendable {
  private var counts = InlineArray<9, Int64>(repeating: 0)
  private var first = Instant.zero
  private var last = Instant.zero
  private var lost: Int64 = 0
  private var unsynchronized: Int64 = 0
  private var errno: Int32?

  var isEmpty: Bool { lost == 0 && unsynchronized == 0 }

  mutating func add(_ type: RecordType, at now: Instant) {
    mark(now)
    counts[type.index] += 1
    lost += 1
  }

  mutating func synchronizationFailed(_ code: Int32, at now: Instant) {
    mark(now)
    unsynchronized += 1
    errno = code
  }

  private mutating func mark(_ now: Instant) {
    if isEmpty { first = now }
    last = now
  }

  func writeMembers(into json: inout JSONWriter) {
    json.key("cause")
    json.value(lost > 0 ? "shed" : "notSynchronized")
    if lost > 0 {
      json.key("shed")
      json.beginObject()
      for type in RecordType.allCases where counts[type.index] > 0 {
        json.key(type.rawValue)
        json.value(counts[type.index])
      }
      json.endObject()
    }
    if let errno {
      json.key("failed_synchronizations")
      json.value(unsynchronized)
      json.key("errno")
      json.value(Int(errno))
    }
    json.key("first_ns")
    json.value(first.sinceBoot)
    json.key("last_ns")
    json.value(last.sinceBoot)
  }
}
