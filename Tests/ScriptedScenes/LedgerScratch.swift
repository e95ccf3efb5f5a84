import Glibc
import Ledger
import Linux

/// A ledger in a folder of its own.
package final class LedgerScratch {
  package let directory: String

  package init() throws {
    var template = Array("/tmp/mmexit-ledger.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LinuxError("mkdtemp", errno: errnoNow()) }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names { unlink(directory + "/" + name) }
    rmdir(directory)
  }

  package var names: [String] { (try? directoryNames(directory)) ?? [] }

  /// What all segments hold, oldest first.
  package var bytes: [UInt8] {
    (try? Segment.list(in: directory).flatMap { try readFile($0.path, limit: 1 << 24) }) ?? []
  }
}
