import Glibc
import Linux
import Vocabulary

/// Why a ledger cannot be opened. One line each: what, where, and what to do.
package enum LedgerError: Error, Equatable, CustomStringConvertible, Sendable {
  case directoryMissing(path: String)
  case notADirectory(path: String)
  /// The errno says why (EACCES, EROFS, ...).
  case notWritable(path: String, errno: Int32)
  /// Another process writes to this directory; nil when it could not be told which.
  case locked(path: String, process: Int32?)
  /// A segment's name or content is such that going on would hide something.
  case damaged(path: String, what: String)
  case failed(LinuxError)

  package var description: String {
    switch self {
    case .directoryMissing(let path):
      "\(path): the ledger directory does not exist; create it, or set another one"
    case .notADirectory(let path):
      "\(path): the ledger directory is not a directory; move the file away, or set another one"
    case .notWritable(let path, let errno):
      "\(path): cannot write the ledger there (\(String(cString: strerror(errno)))); "
        + (errno == EROFS
          ? "mount it writable, or set another directory"
          : "give the daemon's user the right to write, or set another directory")
    case .locked(let path, let process):
      "\(path): the ledger is being written by " + (process.map { "process \($0)" } ?? "another process")
        + "; stop it, or set another directory"
    case .damaged(let path, let what):
      "\(path): \(what); move the ledger's files away to start a new one, and keep them for the audit"
    case .failed(let error):
      "\(error); the ledger could not be opened"
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .directoryMissing, .notADirectory: .cannotCreate
    case .notWritable(_, let errno): errno == EACCES || errno == EPERM ? .noPermission : .cannotCreate
    case .locked: .temporaryFailure
    case .damaged: .dataError
    case .failed: .ioError
    }
  }
}
