import Glibc
import Linux

/// Reads a file's lines one after the other in memory that is allocated once, however long a line is.
struct LineReader: ~Copyable {
  /// Of a longer line only the first bytes are kept: no record may be longer, and what is read of a hostile one costs
  /// some thirty times its bytes as a tree.
  static let maximumLine = LedgerOptions.maximumRecordBytes
  private static let chunk = 1 << 18

  struct Line {
    /// Without the newline, of a longer line the first; they are there until the next line is asked for.
    let bytes: UnsafeRawBufferPointer
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
  /// Of a compressed segment; nil else.
  private var expansion: Expansion?
  /// What is wrong with a compressed segment; nil while nothing is known.
  private(set) var damage: String?

  /// Compressed bytes that were read and not yet expanded.
  private struct Expansion {
    let gzip: GzipStream
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    var start = 0
    var end = 0
    var isOver = false
  }

  /// - Parameter offset: where the first line begins; 0 in a compressed segment.
  init(_ segment: Segment, from offset: Int = 0) throws(LinuxError) {
    let path = segment.path
    let file = try Segment.open(path, O_RDONLY)
    if offset > 0 { _ = try system("lseek", path) { lseek(file.number, off_t(offset), SEEK_SET) } }
    if segment.isCompressed {
      guard let gzip = GzipStream(.expanding) else { throw LinuxError("inflate", path, errno: ENOMEM) }
      expansion = Expansion(gzip: gzip)
    }
    self.path = path
    self.file = file
    memory = .allocate(byteCount: Self.maximumLine + 2 * Self.chunk, alignment: 1)
  }

  deinit {
    memory.deallocate()
    expansion?.input.deallocate()
  }

  /// The next line, its bytes without the newline passed to `body`; nil at the end of the file.
  mutating func next(_ body: (UnsafeRawBufferPointer) -> Void) throws(LinuxError) -> Line? {
    let line = try nextLine()
    if let line { body(line.bytes) }
    return line
  }

  /// The next line; nil at the end of the file.
  mutating func nextLine() throws(LinuxError) -> Line? {
    while true {
      if let base = memory.baseAddress, scanned < end,
        let newline = memchr(base + scanned, Int32(UInt8(ascii: "\n")), end - scanned)
      {
        return take(upTo: UnsafeMutableRawPointer(newline) - base, terminated: true)
      }
      scanned = end
      if ended { return start < end ? take(upTo: end, terminated: false) : nil }
      try fill()
    }
  }

  private mutating func take(upTo place: Int, terminated: Bool) -> Line {
    let count = place - start + skipped
    let bytes = UnsafeRawBufferPointer(rebasing: memory[start..<place])
    start = terminated ? place + 1 : place
    scanned = start
    skipped = 0
    return Line(bytes: bytes, count: count, terminated: terminated, tooLong: count > Self.maximumLine)
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
    let got = expansion == nil ? try readFile(into: room) : try expand(into: room)
    end += got
    ended = got == 0
  }

  private func readFile(into room: UnsafeMutableRawBufferPointer) throws(LinuxError) -> Int {
    try system("read", path) { read(file.number, room.baseAddress, room.count) }
  }

  /// Bytes of a compressed segment; 0 at its end, or where it is damaged: `damage` says so then.
  private mutating func expand(into room: UnsafeMutableRawBufferPointer) throws(LinuxError) -> Int {
    while var work = expansion, damage == nil {
      if work.start == work.end {
        work.start = 0
        work.end = try readFile(into: work.input)
        if work.end == 0 {
          if !work.isOver { damage = "it ends in the middle" }
          return 0
        }
      }
      if work.isOver {
        damage = "there are bytes behind its end"
        return 0
      }
      let rest = UnsafeRawBufferPointer(rebasing: work.input[work.start..<work.end])
      let step = work.gzip.step(rest, into: room, isLast: false)
      work.start += step.taken
      switch step.step {
      case .ended: work.isOver = true
      case .damaged: damage = "it is no gzip, or not with these bytes"
      case .goesOn: break
      }
      expansion = work
      if step.given > 0 { return step.given }
    }
    return 0
  }
}
