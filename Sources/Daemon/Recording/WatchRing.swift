import Linux
import Synchronization

/// Decisions on their way to those who watch, each as the JSON object that stands in its record: from the recorder's
/// thread to the control thread; events on the way with them, in the order they were recorded. A full ring drops what is new; the numbers of those that come tell what is missing.
package final class WatchRing: Sendable {
  /// About 80 decisions: at 4 a second, 20 s of a control thread that is busy elsewhere.
  package static let capacity = 128 << 10

  /// Set in the number of what is an event: the rest of it counts events, from 1.
  package static let eventFlag: UInt64 = 1 << 63

  private let ring: ByteRing
  /// Rung for every decision, and at the end of the run.
  package let bell: Bell

  private let isWanted = Atomic<Bool>(false)
  /// Called when something was taken and room is wanted.
  private let tell: @Sendable () -> Void

  package init(tell: @escaping @Sendable () -> Void = {}) throws(LinuxError) {
    ring = ByteRing(capacity: Self.capacity)
    bell = try Bell()
    self.tell = tell
  }

  /// Recorder only: from now on it is told when something is taken.
  func wantRoom() { isWanted.store(true, ordering: .sequentiallyConsistent) }

  private struct Header {
    var number: UInt64
    var length: UInt64
  }

  /// Recorder only. False when there is no room.
  func put(_ number: UInt64, _ object: UnsafeRawBufferPointer) -> Bool {
    defer { bell.ring() }
    guard ring.free >= object.count + MemoryLayout<Header>.size else { return false }
    withUnsafeBytes(of: Header(number: number, length: UInt64(object.count))) { ring.append($0) }
    ring.append(object)
    ring.publish()
    return true
  }

  /// Whether all that was put in has been taken.
  var isEmpty: Bool { ring.count == 0 }

  /// Control thread only: copies the oldest decision over `object` and takes it. Its number; nil when there is none.
  func take(into object: inout [UInt8]) -> UInt64? {
    guard ring.count > 0 else { return nil }
    var header = Header(number: 0, length: 0)
    withUnsafeMutableBytes(of: &header) { ring.copy(from: 0, into: $0) }
    let length = Int(header.length)
    object.removeAll(keepingCapacity: true)
    var done = MemoryLayout<Header>.size
    while done < MemoryLayout<Header>.size + length {
      let piece = ring.piece(from: done, before: MemoryLayout<Header>.size + length)
      object.append(contentsOf: piece)
      done += piece.count
    }
    ring.take(done)
    if isWanted.load(ordering: .sequentiallyConsistent) { tell() }
    return header.number
  }
}
