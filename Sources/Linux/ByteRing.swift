import Glibc
import Synchronization

/// A bounded ring of bytes from one thread to one other: no locks, and no heap after `init`. What the producer appends
/// is seen by the consumer after `publish`, whole; what the consumer has taken is room again. Neither ever waits here.
package final class ByteRing: @unchecked Sendable {
  // Unchecked: bytes between `taken` and `written` are only read by the consumer, all others only written by the
  // producer; each counter is released by its writer after the bytes and acquired by its reader before them.
  private let memory: UnsafeMutableRawBufferPointer
  /// Bytes published and taken since `init`; their difference is what waits. Sequentially consistent: of a producer
  /// that publishes and then looks whether it is alone, and a consumer that takes and then looks whether more has come,
  /// one sees the other, so that no bell is missed.
  private let written = Atomic<Int>(0)
  private let taken = Atomic<Int>(0)
  /// The producer's own: where the next byte goes. Beyond `written` while a record is put together.
  private var end = 0

  package init(capacity: Int) { memory = .allocate(byteCount: max(1, capacity), alignment: 8) }

  deinit { memory.deallocate() }

  package var capacity: Int { memory.count }

  /// Bytes that wait. Exact for the consumer between two publications, a moment's value for anybody else.
  package var count: Int {
    // First what is taken: it never overtakes what is written.
    let gone = taken.load(ordering: .sequentiallyConsistent)
    return written.load(ordering: .sequentiallyConsistent) - gone
  }

  /// Bytes taken since `init`: whoever waits for room sees by it whether the consumer moves.
  package var takenEver: Int { taken.load(ordering: .acquiring) }

  // The producer's side.

  /// Room for further bytes. Producer only.
  package var free: Int { memory.count - (end - taken.load(ordering: .acquiring)) }

  /// Producer only; nobody sees the bytes before `publish`.
  /// - Precondition: there is room.
  package func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= free, "the producer asks for room first")
    let place = end % memory.count
    let first = min(bytes.count, memory.count - place)
    UnsafeMutableRawBufferPointer(rebasing: memory[place..<(place + first)]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: bytes[..<first]))
    UnsafeMutableRawBufferPointer(rebasing: memory[..<(bytes.count - first)]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: bytes[first...]))
    end += bytes.count
  }

  /// Producer only: hands over what was appended.
  package func publish() { written.store(end, ordering: .sequentiallyConsistent) }

  // The consumer's side. Offsets count from the oldest byte that waits.

  /// The longest piece from `offset` on, before `end`, that lies in one place. Empty where they are equal.
  /// The memory stays as it is until it is taken. Consumer only.
  /// - Precondition: `end` is at most `count`.
  package func piece(from offset: Int, before end: Int) -> UnsafeRawBufferPointer {
    let place = (taken.load(ordering: .relaxed) + offset) % memory.count
    let length = min(end - offset, memory.count - place)
    return UnsafeRawBufferPointer(rebasing: memory[place..<(place + length)])
  }

  /// Copies the bytes from `offset` on into `target`, as many as it holds. Consumer only.
  package func copy(from offset: Int, into target: UnsafeMutableRawBufferPointer) {
    var done = 0
    while done < target.count {
      let part = piece(from: offset + done, before: offset + target.count)
      UnsafeMutableRawBufferPointer(rebasing: target[done..<(done + part.count)]).copyMemory(from: part)
      done += part.count
    }
  }

  /// Place behind the first such byte from `offset` on, before `end`; nil where there is none. Consumer only.
  package func place(behind byte: UInt8, from offset: Int, before end: Int) -> Int? {
    var start = offset
    while start < end {
      let part = piece(from: start, before: end)
      if let base = part.baseAddress, let found = memchr(base, Int32(byte), part.count) {
        return start + (UnsafeRawPointer(found) - base) + 1
      }
      start += part.count
    }
    return nil
  }

  /// Gives the oldest bytes back as room. Consumer only.
  package func take(_ bytes: Int) {
    precondition(bytes >= 0 && bytes <= count, "only what waits can be taken")
    taken.store(taken.load(ordering: .relaxed) + bytes, ordering: .sequentiallyConsistent)
  }
}
