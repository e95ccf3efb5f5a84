import ArgumentParser
import Glibc
import JSON
import Linux
import Varlink

/// `mmexitctl label`.
struct Label: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a decision's window was; it is kept in the ledger (root or the daemon's user).")

  @OptionGroup var connection: Connection

  @Argument(help: "The decision's number, as 'watch' shows it.")
  var decision: Int64

  @Argument(help: ArgumentHelp("A class of the model.", valueName: "class"))
  var label: String

  func validate() throws {
    if decision < 1 { throw ValidationError("decision \(decision): decisions are numbered from 1") }
  }

  mutating func run() throws {
    try CommandFailure.catching {
      try CommandCall.run(
        "Label", ["decision": .integer(decision), "label": .string(label)], connection)
    }
  }
}

/// `mmexitctl pause`.
struct Pause: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Close all sensors; windows go unanswered until 'resume' (root or the daemon's user).")

  @OptionGroup var connection: Connection

  mutating func run() throws {
    try CommandFailure.catching { try CommandCall.run("Pause", [:], connection) }
  }
}

/// `mmexitctl resume`.
struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Go on after 'pause' (root or the daemon's user).")

  @OptionGroup var connection: Connection

  mutating func run() throws {
    try CommandFailure.catching { try CommandCall.run("Resume", [:], connection) }
  }
}

/// `mmexitctl reload`.
struct Reload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read the configuration and its model again (root or the daemon's user).",
    discussion: """
      The daemon goes over to them between two windows, and prints the number of its new generation. Where anything is wrong \
      with them, it says what, and goes on by what it has. Socket, ledger, recording and sensors are a restart's.
      """)

  @OptionGroup var connection: Connection

  mutating func run() throws {
    try CommandFailure.catching {
      GenerationReply.show(
        try CommandCall.run("Reload", [:], connection, timeout: CommandCall.reloadPatience))
    }
  }
}

/// `mmexitctl preference`.
struct Preference: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Set what a right answer is worth, until the next reload (root or the daemon's user).")

  @OptionGroup var connection: Connection

  @Argument(help: ArgumentHelp("Joules: value-of-right-answer in the configuration.", valueName: "lambda"))
  var lambda: Double

  func validate() throws {
    if !lambda.isFinite { throw ValidationError("lambda \(lambda): give a number of joules") }
  }

  mutating func run() throws {
    try CommandFailure.catching {
      GenerationReply.show(
        try CommandCall.run(
          "SetPreference", ["lambda": .real(lambda)], connection, timeout: CommandCall.reloadPatience))
    }
  }
}

private enum GenerationReply {
  static func show(_ reply: JSONObject) {
    guard let number = try? JSONPlace(.object(reply)).member("generation").integer() else { return }
    Output.line("generation \(number)")
  }
}

/// `mmexitctl acquire`: holds a sensor's device free for another program.
struct Acquire: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have a sensor's device closed, for another program, until Ctrl-C (root or the daemon's user).",
    discussion: """
      Prints a line when the device is closed. The daemon goes on with its other sensors, and takes this one back when the \
      command ends, however it does.
      """)

  @OptionGroup var connection: Connection

  @Argument(help: ArgumentHelp("The sensor, as 'status' names it.", valueName: "sensor"))
  var sensor: String

  mutating func run() throws {
    try CommandFailure.catching {
      var client = try connection.open(timeout: .seconds(15))
      _ = try CommandCall.call(&client, "Acquire", ["sensor": .string(sensor)])
      Output.line("\(sensor): the device is closed; Ctrl-C gives it back")
      throw client.waitForEnd()
    }
  }
}

extension Client {
  /// Waits until the daemon ends.
  fileprivate mutating func waitForEnd() -> CommandFailure {
    do throws(ClientError) {
      while true {
        do throws(ClientError) {
          _ = try receive()
        } catch {
          // It says nothing while the sensor is held.
          guard case .timedOut = error else { throw error }
        }
      }
    } catch {
      return CommandFailure(message: "acquire: the daemon has ended, and holds no device", code: .unavailable)
    }
  }
}
