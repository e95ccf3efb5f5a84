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
  /// At the end: so many records that were made and are not in the file; whether a gap record there says so.
  case notWritten(path: String, records: Int, errno: Int32, told: Bool)
  /// At the end: what is in the file may not be on the disk. The errno; nil where the disk did not answer in time.
  case notConfirmed(path: String, errno: Int32?)
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
    case .notWritten(let path, let records, let errno, let told):
      "\(path): \(records) records of the ledger could not be written (\(String(cString: strerror(errno)))); "
        + (told ? "they are lost, which is recorded as a gap" : "they are lost, and so is the record of that")
        + (errno == ENOSPC || errno == EDQUOT ? "; make room on the disk" : "; check the disk")
    case .notConfirmed(let path, let errno):
      "\(path): the disk did not confirm the last records of the ledger "
        + "(\(errno.map { String(cString: strerror($0)) } ?? "it did not answer in time")); "
        + "see 'mmexitctl audit', and check the disk"
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
    case .notWritable(_, let errno), .notWritten(_, _, let errno, _), .unreadable(_, let errno): errno
    case .notConfirmed(_, let errno): errno ?? ETIMEDOUT
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
    case .failed, .notWritten, .notConfirmed: .ioError
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
