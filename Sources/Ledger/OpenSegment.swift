import Glibc
import Linux

/// The segment being written.
struct OpenSegment: ~Copyable, Sendable {
  private let file: Descriptor
  private let identity: FileIdentity?
  let path: String
  /// Number of its first record.
  let first: UInt64
  /// Bytes in the file.
  var size: Int

  var number: Int32 { file.number }

  private init(_ file: consuming Descriptor, _ segment: Segment, size: Int) {
    identity = FileIdentity(of: file.number)
    self.file = file
    path = segment.path
    first = segment.firstSequence
    self.size = size
  }

  /// Whether the file was removed, or is not under its name any more.
  var isGone: Bool {
    guard let identity else { return false }
    return !identity.isAt(path)
  }

  /// A new segment that begins with that record; the directory is made to remember it.
  static func create(_ sequence: UInt64, in directory: String) throws(LedgerError) -> OpenSegment {
    let segment = Segment(firstSequence: sequence, in: directory)
    do throws(LinuxError) {
      let file = try Descriptor.open(segment.path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, mode: 0o640)
      let parent = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
      try system("fsync", directory) { fsync(parent.number) }
      return OpenSegment(file, segment, size: 0)
    } catch {
      throw Segment.refusal(directory, errno: error.errno)
    }
  }

  /// Where the ledger ended; a new segment where there is none.
  static func after(_ tail: LedgerTail, in directory: String) throws(LedgerError) -> OpenSegment {
    guard let segment = tail.segment else { return try create(tail.nextSequence, in: directory) }
    do throws(LinuxError) {
      let file = try Segment.open(segment.path, O_WRONLY | O_APPEND)
      return OpenSegment(file, segment, size: tail.size)
    } catch {
      throw Segment.refusal(directory, errno: error.errno)
    }
  }
}
