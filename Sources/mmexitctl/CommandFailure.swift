import ArgumentParser
import Evaluation
import Glibc
import Linux
import Sensing
import Startup
import Vocabulary

/// Ends a command with one line on standard error and a sysexits code.
struct CommandFailure: Error {
  let message: String
  let code: Vocabulary.ExitCode

  /// Runs the body of a command; whatever it throws becomes one line and an exit code.
  static func catching(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let failure as CommandFailure {
      stop(failure.message, failure.code)
    } catch let error as EvaluationError {
      stop(error.description, error.exitCode)
    } catch let error as LinuxError {
      stop("\(error); \(error.fileRemedy)", error.fileExitCode)
    } catch let error as StartupError {
      stop(error.description, error.exitCode)
    } catch let error as SensingError {
      stop(error.description, .dataError)
    }
  }

  private static func stop(_ message: String, _ code: Vocabulary.ExitCode) -> Never {
    Output.complain(message)
    exit(code.rawValue)
  }
}
