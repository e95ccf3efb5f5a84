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
  /// A pipe, a device, a directory or a link stands under the name of one of the ledger's files.
  case notAFile(path: String)
  case failed(LinuxError)
  /// At the end: so many records that only the memory has.
  case notWritten(path: String, records: Int, errno: Int32)
  /// For whoever reads: no segment, or none that holds anything.
  case noLedger(path: String)
  /// For whoever reads: the directory, or a segment.
  case unreadable(path: String, errno: Int32)

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
    case .notAFile(let path):
      "\(path): a pipe, socket, device, directory or link, where a ledger has a file; move it away, or name another "
        + "directory"
    case .failed(let error):
      "\(error); the ledger could not be opened"
    case .notWritten(let path, let records, let errno):
      "\(path): the last \(records) records of the ledger could not be written "
        + "(\(String(cString: strerror(errno)))); they are lost"
    case .noLedger(let path):
      "\(path): no ledger here: no file ledger-NUMBER.jsonl that holds a record; "
        + "name the directory that the configuration has in its section [ledger]"
    case .unreadable(let path, let errno):
      "\(path): cannot read the ledger (\(String(cString: strerror(errno)))); "
        + (errno == EACCES || errno == EPERM
          ? "run as a user who may read it, the daemon's or root"
          : "name the directory that the configuration has in its section [ledger]")
    }
  }

  /// The errno behind it.
  var errno: Int32 {
    switch self {
    case .directoryMissing, .noLedger: ENOENT
    case .notADirectory: ENOTDIR
    case .notWritable(_, let errno), .notWritten(_, _, let errno), .unreadable(_, let errno): errno
    case .locked: EWOULDBLOCK
    case .damaged, .notAFile: EINVAL
    case .failed(let error): error.errno
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .directoryMissing, .notADirectory: .cannotCreate
    case .notWritable(_, let errno): errno == EACCES || errno == EPERM ? .noPermission : .cannotCreate
    case .locked: .temporaryFailure
    case .damaged, .notAFile: .dataError
    case .failed, .notWritten: .ioError
    case .noLedger: .noInput
    case .unreadable(_, let errno):
      switch errno {
      case ENOENT, ENOTDIR, EISDIR: .noInput
      case EACCES, EPERM: .noPermission
      default: .ioError
      }
    }
  }
}
