import Glibc
import Linux

/// Whole records that wait to be written, in memory that is allocated once. After a short write the rest of a record
/// stays at the front, so the file goes on at the byte where it stopped.
struct PendingBytes: ~Copyable, @unchecked Sendable {
  // Unchecked: the memory has this value as its only owner.
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var count = 0
  /// Records that are here, whole or the rest of one.
  private(set) var records = 0
  /// The front is the rest of a record whose beginning is in the file.
  private var startsInside = false

  init(capacity: Int) { memory = .allocate(byteCount: capacity, alignment: 1) }

  deinit { memory.deallocate() }

  var free: Int { memory.count - count }

  /// A record; its newline is put behind it.
  /// - Precondition: there is room for both, and the record holds no newline.
  mutating func append(_ record: UnsafeRawBufferPointer) {
    precondition(record.count < free)
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: record)
    memory[count + record.count] = Self.newline
    count += record.count + 1
    records += 1
  }

  /// Lets go of the rest of a record whose beginning is in a file that is gone.
  mutating func dropHalfRecord() {
    if startsInside, let end = line(from: 0, before: count) { take(end) }
  }

  private static var newline: UInt8 { UInt8(ascii: "\n") }

  /// Place behind the newline of the line that begins at `start`.
  private func line(from start: Int, before end: Int) -> Int? {
    guard let base = memory.baseAddress, start < end,
      let newline = memchr(base + start, Int32(Self.newline), end - start)
    else { return nil }
    return UnsafeMutableRawPointer(newline) - base + 1
  }

  private mutating func take(_ bytes: Int) {
    guard bytes > 0 else { return }
    var place = 0
    while let next = line(from: place, before: bytes) {
      records -= 1
      place = next
    }
    startsInside = memory[bytes - 1] != Self.newline
    memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[bytes..<count]))
    count -= bytes
  }

  /// Writes as much as the file takes and keeps the rest; 0 when that was all, else the errno.
  mutating func drain(_ file: Int32, _ output: LedgerOutput) -> Int32 {
    let (written, code) = write(to: file, output)
    take(written)
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
