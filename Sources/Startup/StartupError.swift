import Configuration
import Engine
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
  /// - Parameter place: of what named the folder or socket.
  package init(_ error: LedgerError, at place: String? = nil) {
    self.init((place.map { "\($0): " } ?? "") + error.description, error.exitCode)
  }
  package init(_ error: UnixSocketError, at place: String) {
    self.init("\(place): socket: \(error)", error.exitCode)
  }
  package init(_ error: SensingError) {
    let code: ExitCode =
      switch error.kind {
      case .system(let error): error.fileExitCode
      case .device: .noInput
      case .configuration: .configuration
      default: .dataError
      }
    self.init(error.description, code)
  }
  /// - Parameter place: of what named the file.
  package init(_ error: LinuxError, at place: String? = nil, remedy: String) {
    self.init((place.map { "\($0): " } ?? "") + "\(error); \(remedy)", error.fileExitCode)
  }
}
