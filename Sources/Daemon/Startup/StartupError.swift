import Engine
import Glibc
import Ledger
import Linux
import Sensing
import Vocabulary

/// What keeps the daemon from starting: one line that says what, where and what to do, and a sysexits code.
package struct StartupError: Error, CustomStringConvertible, Sendable {
  package let description: String
  package let exitCode: ExitCode

  package init(_ description: String, _ exitCode: ExitCode) {
    self.description = description
    self.exitCode = exitCode
  }

  package init(_ error: ConfigurationError) { self.init(error.description, .configuration) }
  package init(_ error: LedgerError) { self.init(error.description, error.exitCode) }
  package init(_ error: SensingError) {
    let code: ExitCode =
      switch error.kind {
      case .system(let error): Self.code(of: error)
      case .device: .noInput
      case .configuration: .configuration
      default: .dataError
      }
    self.init(error.description, code)
  }
  package init(_ error: LinuxError, remedy: String) {
    self.init("\(error); \(remedy)", Self.code(of: error))
  }

  private static func code(of error: LinuxError) -> ExitCode {
    switch error.errno {
    case ENOENT, ENOTDIR, EISDIR: .noInput
    case EACCES, EPERM: .noPermission
    case EFBIG: .dataError
    default: .ioError
    }
  }
}
