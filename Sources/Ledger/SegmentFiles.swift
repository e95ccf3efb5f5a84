import Glibc
import Linux

extension String {
  /// What a path ends with.
  var lastPathComponent: String { String(self[(lastIndex(of: "/").map(index(after:)) ?? startIndex)...]) }
}

/// One file of a ledger, named after the first record it holds: `ledger-0000000000000001.jsonl`.
package struct Segment: Equatable, Sendable {
  package let firstSequence: UInt64
  package let path: String

  /// Its name without the directory.
  var name: String { Self.name(firstSequence) }

  static func name(_ firstSequence: UInt64) -> String {
    let digits = String(firstSequence)
    return "ledger-" + String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits + ".jsonl"
  }

  init(firstSequence: UInt64, in directory: String) {
    self.firstSequence = firstSequence
    path = directory + "/" + Self.name(firstSequence)
  }

  /// The segments of a directory, oldest first; files with other names are none of ours.
  package static func list(in directory: String) throws(LinuxError) -> [Segment] {
    var segments: [Segment] = []
    for name in try directoryNames(directory) {
      guard name.hasPrefix("ledger-"), name.hasSuffix(".jsonl"),
        let number = UInt64(name.dropFirst(7).dropLast(6)), Self.name(number) == name,
        number <= LedgerWriter.maximumSequence
      else { continue }
      segments.append(Segment(firstSequence: number, in: directory))
    }
    return segments.sorted { $0.firstSequence < $1.firstSequence }
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
