import ArgumentParser
import Evaluation
import Glibc
import JSON
import Linux
import Sensing
import Startup
import Varlink
import Vocabulary

/// A command to the daemon: one call, and in plain words what became of it.
enum CommandCall {
  /// Longer than the daemon waits for its pipeline.
  private static let patience = Nanoseconds.seconds(15)
  /// The same for a reload.
  static let reloadPatience = Nanoseconds.seconds(75)

  /// - Throws: `CommandFailure`.
  @discardableResult
  static func run(
    _ method: String, _ parameters: JSONObject, _ connection: Connection, timeout: Nanoseconds = patience
  ) throws -> JSONObject {
    var client = try connection.open(timeout: timeout)
    return try call(&client, method, parameters)
  }

  static func call(
    _ client: inout Client, _ method: String, _ parameters: JSONObject = [:]
  ) throws -> JSONObject {
    do throws(ClientError) {
      return try client.call("io.mmexit.Daemon." + method, parameters)
    } catch {
      guard case .call(let refusal) = error else {
        throw CommandFailure(message: error.description, code: error.exitCode)
      }
      throw failure(refusal, method)
    }
  }

  /// What the daemon's refusal means, and what to do.
  private static func failure(_ error: CallError, _ method: String) -> CommandFailure {
    let parameters = JSONPlace(.object(error.parameters))
    func text(_ name: String) -> String { (try? parameters.member(name).string()) ?? "?" }
    func number(_ name: String) -> String { (try? parameters.member(name).integer()).map { "\($0)" } ?? "?" }
    func real(_ name: String) -> String { (try? parameters.member(name).real()).map { "\($0)" } ?? "?" }
    let name = error.name.split(separator: ".").last.map(String.init) ?? error.name
    let (message, code): (String, Vocabulary.ExitCode) =
      switch name {
      case "NotPermitted":
        (
          "user \(number("uid")) may read and give no commands; run it as root or as the user the daemon runs as",
          .noPermission
        )
      case "UnknownClass":
        ("class '\(text("label"))': the model has no such class; 'mmexitctl model' lists them", .usage)
      case "UnknownSensor":
        ("sensor '\(text("sensor"))': the model has no such modality; 'mmexitctl status' lists them", .usage)
      case "NoSuchDecision":
        ("no decision has that number yet; the last one is \(number("newest"))", .dataError)
      case "DecisionTooOld":
        ("that decision is too old for a label; labels are taken from \(number("oldest")) on", .dataError)
      case "TooManyLabels":
        ("labels are taken \(number("per_minute")) a minute; try again in a minute", .unavailable)
      case "Reloading":
        ("another reload or preference is under way; try again when it is through", .unavailable)
      case "ReloadRefused", "NeedsRestart":
        ("nothing has changed: \(text("reason"))", .configuration)
      case "PreferenceOutOfRange": ("it has to be from \(real("minimum")) to \(real("maximum")) J", .usage)
      case "RecordingForbidden":
        ("the daemon's configuration forbids it: recordings = no in [daemon]", .noPermission)
      case "NearTaken": ("another program has windows near a threshold kept; end it first", .unavailable)
      case "Paused": ("the daemon is paused and answers no window; 'mmexitctl resume' first", .unavailable)
      case "NotRecorded":
        ("the ledger's writer does not keep up and nothing was done; try again", .unavailable)
      case "Busy": ("\(number("limit")) commands wait already; try again", .unavailable)
      case "NotAnswered":
        (
          "the daemon's pipeline has not answered in \(number("limit_ms")) ms; look at 'mmexitctl status' and its journal",
          .unavailable
        )
      case "MethodNotFound", "MethodNotImplemented":
        ("the daemon is of an older version and does not know it; restart it", .unavailable)
      default: ("the daemon answered: \(error)", .unavailable)
      }
    return CommandFailure(message: "\(method.lowercased()): \(message)", code: code)
  }
}

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
