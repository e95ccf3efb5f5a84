import Glibc
import Linux
import Vocabulary

extension String {
  /// What a path ends with.
  var lastPathComponent: String {
    String(self[(utf8.lastIndex(of: UInt8(ascii: "/")).map(utf8.index(after:)) ?? startIndex)...])
  }
}

/// One file of a ledger, named after the first record it holds: `ledger-0000000000000001.jsonl`, with `.gz` behind it
/// where it is compressed.
package struct Segment: Equatable, Sendable {
  package let firstSequence: UInt64
  package let path: String
  let isCompressed: Bool

  static let compressedSuffix = ".gz"
  /// Of one that is being compressed.
  static let newSuffix = ".new"

  /// Its name without the directory.
  var name: String { Self.name(firstSequence) + (isCompressed ? Self.compressedSuffix : "") }
  /// Of the same segment, compressed.
  var compressedPath: String { isCompressed ? path : path + Self.compressedSuffix }

  static func name(_ firstSequence: UInt64) -> String {
    let digits = String(firstSequence)
    return "ledger-" + String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits + ".jsonl"
  }

  init(firstSequence: UInt64, in directory: String, isCompressed: Bool = false) {
    self.firstSequence = firstSequence
    self.isCompressed = isCompressed
    path = directory + "/" + Self.name(firstSequence) + (isCompressed ? Self.compressedSuffix : "")
  }

  /// Nil for a name that is no segment's.
  init?(name: String, in directory: String) {
    let isCompressed = name.hasSuffix(Self.compressedSuffix)
    let plain = isCompressed ? String(name.dropLast(Self.compressedSuffix.utf8.count)) : name
    guard plain.hasPrefix("ledger-"), plain.hasSuffix(".jsonl"),
      let number = UInt64(plain.dropFirst(7).dropLast(6)), Self.name(number).hasSameBytes(as: plain),
      number <= LedgerChain.maximumSequence
    else { return nil }
    self.init(firstSequence: number, in: directory, isCompressed: isCompressed)
  }

  /// Opens a file of a ledger, or makes it. Whatever else stands under its name (a pipe, a device, a directory, a link
  /// to a file elsewhere) is neither waited for nor written to.
  /// - Throws: `LinuxError.notRegular` for that; what the kernel said otherwise.
  static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o640) throws(LinuxError) -> Descriptor {
    let file: Descriptor
    do throws(LinuxError) {
      file = try Descriptor.open(path, flags | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, mode: mode)
    } catch {
      switch error.errno {
      // A link; a pipe or device that nobody serves, a socket; a directory.
      case ELOOP, ENXIO, ENODEV, EISDIR: throw LinuxError("open", path, errno: LinuxError.notRegular)
      default: throw error
      }
    }
    guard try file.regularFileSize(path) != nil else {
      throw LinuxError("open", path, errno: LinuxError.notRegular)
    }
    return file
  }

  /// The segments of a directory, oldest first; files with other names are none of ours. Of one that is there plain and
  /// compressed (a kill in between) the plain one.
  package static func list(in directory: String) throws(LinuxError) -> [Segment] {
    var segments: [Segment] = []
    let found = try directoryNames(directory).compactMap { Segment(name: $0, in: directory) }
    for segment in found.sorted(by: {
      ($0.firstSequence, $0.isCompressed ? 1 : 0) < ($1.firstSequence, $1.isCompressed ? 1 : 0)
    }) where segments.last?.firstSequence != segment.firstSequence {
      segments.append(segment)
    }
    return segments
  }

  /// What errno means for a directory that a ledger is to be written in.
  static func refusal(_ directory: String, errno: Int32) -> LedgerError {
    switch errno {
    case ENOENT: .directoryMissing(path: directory)
    case ENOTDIR: .notADirectory(path: directory)
    case EACCES, EPERM, EROFS: .notWritable(path: directory, errno: errno)
    default: .failed(LinuxError("open", directory, errno: errno))
    }
  }
}
