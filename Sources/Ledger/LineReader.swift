import Glibc
import Linux

/// Reads a file's lines one after the other in memory that is allocated once, however long a line is.
struct LineReader: ~Copyable {
  /// Of a longer line only the first bytes are kept: no record may be longer, and what is read of a hostile one costs
  /// some thirty times its bytes as a tree.
  static let maximumLine = LedgerOptions.maximumRecordBytes
  private static let chunk = 1 << 18

  struct Line {
    /// Bytes without the newline.
    let count: Int
    /// False for what stands after the last newline.
    let terminated: Bool
    /// More than `maximumLine` bytes.
    let tooLong: Bool
  }

  private let path: String
  private let file: Descriptor
  /// Room for the longest line and one read more.
  private let memory: UnsafeMutableRawBufferPointer
  /// The bytes that were read and not yet given out; those before `scanned` hold no newline.
  private var start = 0
  private var scanned = 0
  private var end = 0
  /// Bytes of the line at `start` that were let go.
  private var skipped = 0
  private var ended = false

  /// - Parameter offset: where the first line begins.
  init(path: String, from offset: Int = 0) throws(LinuxError) {
    let file = try Segment.open(path, O_RDONLY)
    if offset > 0 { _ = try system("lseek", path) { lseek(file.number, off_t(offset), SEEK_SET) } }
    self.path = path
    self.file = file
    memory = .allocate(byteCount: Self.maximumLine + 2 * Self.chunk, alignment: 1)
  }

  deinit { memory.deallocate() }

  /// The next line, its bytes without the newline passed to `body`; nil at the end of the file.
  mutating func next(_ body: (UnsafeRawBufferPointer) -> Void) throws(LinuxError) -> Line? {
    while true {
      if let base = memory.baseAddress, scanned < end,
        let newline = memchr(base + scanned, Int32(UInt8(ascii: "\n")), end - scanned)
      {
        return take(upTo: UnsafeMutableRawPointer(newline) - base, terminated: true, body)
      }
      scanned = end
      if ended { return start < end ? take(upTo: end, terminated: false, body) : nil }
      try fill()
    }
  }

  private mutating func take(
    upTo place: Int, terminated: Bool, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Line {
    let count = place - start + skipped
    body(UnsafeRawBufferPointer(rebasing: memory[start..<place]))
    start = terminated ? place + 1 : place
    scanned = start
    skipped = 0
    return Line(count: count, terminated: terminated, tooLong: count > Self.maximumLine)
  }

  private mutating func fill() throws(LinuxError) {
    if start > 0 {
      memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[start..<end]))
      end -= start
      start = 0
    }
    // Of a line beyond all bounds only the length is of interest: its end is let go.
    if end > Self.maximumLine {
      skipped += end - Self.maximumLine
      end = Self.maximumLine
    }
    scanned = end
    let room = UnsafeMutableRawBufferPointer(rebasing: memory[end..<(end + Self.chunk)])
    let got = try system("read", path) { read(file.number, room.baseAddress, room.count) }
    end += got
    ended = got == 0
  }
}
