import Linux
import Synchronization

/// Lines on their way to standard output or standard error: put in by any thread, in a short lock, and written by the
/// output thread alone. Nobody waits here; what finds no room is counted.
package final class OutputQueue: Sendable {
  private let ring: ByteRing
  private let producing = Mutex<Void>(())
  private let lostLines = Atomic<Int>(0)
  /// Rung for the output thread.
  private let bell: Bell
  /// What the destination said when it could not be written; nothing is written there from then on. 0 for none.
  private let failed = Atomic<Int32>(0)
  /// Where entries with fields go, in the place of lines; nil where standard error is no journal's.
  package let entries: JournalSocket?

  init(capacity: Int, bell: Bell, entries: JournalSocket? = nil) {
    self.entries = entries
    ring = ByteRing(capacity: capacity)
    self.bell = bell
  }

  /// Lines that found no room, since the start.
  package var lost: Int { lostLines.load(ordering: .relaxed) }
  /// The errno of the write that failed; nil while writing works.
  package var failure: Int32? {
    let code = failed.load(ordering: .acquiring)
    return code == 0 ? nil : code
  }
  /// Bytes written since the start: whether whoever reads moves.
  var progress: Int { ring.takenEver }
  var isEmpty: Bool { ring.count == 0 }

  /// One line; its newline is put behind it. False when there is no room, or nothing is written there any more.
  @discardableResult
  package func put(_ line: UnsafeRawBufferPointer) -> Bool {
    let hadRoom =
      failure == nil
      && producing.withLock { _ in
        guard ring.free > line.count else { return false }
        ring.append(line)
        withUnsafeBytes(of: UInt8(ascii: "\n")) { ring.append($0) }
        ring.publish()
        return true
      }
    if hadRoom { bell.ring() } else { lostLines.add(1, ordering: .relaxed) }
    return hadRoom
  }

  @discardableResult
  package func put(_ line: String) -> Bool {
    var line = line
    return line.withUTF8 { put(UnsafeRawBufferPointer($0)) }
  }

  // The output thread's side.

  /// Copies lines from the front into `target`, whole ones as far as they go. How many bytes.
  func front(_ target: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(target.count, ring.count)
    var whole = 0
    while let end = ring.place(behind: UInt8(ascii: "\n"), from: whole, before: count) { whole = end }
    let length = whole > 0 ? whole : count
    ring.copy(from: 0, into: UnsafeMutableRawBufferPointer(rebasing: target[..<length]))
    return length
  }

  func take(_ bytes: Int) { ring.take(bytes) }

  func fail(_ errno: Int32) {
    failed.store(errno, ordering: .releasing)
    ring.take(ring.count)
  }
}
