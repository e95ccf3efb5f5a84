import Glibc
import Linux

/// One file of a ledger, named after the first record it holds: `ledger-0000000000000001.jsonl`.
package struct Segment: Equatable, Sendable {
  package let firstSequence: UInt64
  package let path: String

  static func name(_ firstSequence: UInt64) -> String {
    let digits = String(firstSequence)
    return "ledger-" + String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits + ".jsonl"
  }

  init(firstSequence: UInt64, in directory: String) {
    self.firstSequence = firstSequence
    path = directory + "/" + Self.name(firstSequence)
  }

  /// The segments of a directory, oldest first; files with other names are none of ours.
  package static func list(in directory: String) throws(LedgerError) -> [Segment] {
    guard let stream = opendir(directory) else { throw refusal(directory, errno: errnoNow()) }
    defer { closedir(stream) }
    var segments: [Segment] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasPrefix("ledger-"), name.hasSuffix(".jsonl"),
        let number = UInt64(name.dropFirst(7).dropLast(6)), Self.name(number) == name
      else { continue }
      segments.append(Segment(firstSequence: number, in: directory))
    }
    return segments.sorted { $0.firstSequence < $1.firstSequence }
  }

  /// What errno means for a ledger's directory.
  static func refusal(_ directory: String, errno: Int32) -> LedgerError {
    switch errno {
    case ENOENT: .directoryMissing(path: directory)
    case ENOTDIR: .notADirectory(path: directory)
    case EACCES, EPERM, EROFS: .notWritable(path: directory, errno: errno)
    default: .failed(LinuxError("open", directory, errno: errno))
    }
  }
}
