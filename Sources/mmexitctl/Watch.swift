import ArgumentParser
import Daemon
import JSON
import Varlink
import Vocabulary

/// Where the daemon answers.
struct Connection: ParsableArguments {
  @Option(help: ArgumentHelp("The daemon's socket.", valueName: "path"))
  var socket: String?

  /// - Throws: `CommandFailure` when nobody answers there.
  func open(timeout: Nanoseconds? = .seconds(10)) throws -> Client {
    do throws(ClientError) {
      return try Client(connectingTo: SocketPath.find(socket), timeout: timeout)
    } catch {
      throw CommandFailure(message: error.description, code: error.exitCode)
    }
  }
}

/// `mmexitctl watch`: decisions as they are made.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show decisions as they are made.",
    discussion: """
      Each line: number, time, answer ('?' while provisional), why it stopped there, energy, and the exits asked with \
      entropy against threshold and what was woken.
      """)

  @OptionGroup var connection: Connection

  @Flag(help: "Print each decision's record as a line of JSON.")
  var json = false

  @Option(help: "End after so many decisions.")
  var count: Int?

  mutating func run() throws {
    try CommandFailure.catching {
      var left = count ?? .max
      guard left > 0 else { return }
      var client = try connection.open(timeout: nil)
      var failure: JSONError?
      do throws(ClientError) {
        try client.callMore("io.mmexit.Daemon.Watch") { reply in
          do throws(JSONError) {
            let parameters = JSONPlace(.object(reply))
            if let dropped = try parameters.optional("dropped")?.integer(), dropped > 0 {
              Output.complain("\(dropped) decisions were lost: this terminal did not keep up")
            }
            guard let decision = try parameters.optional("decision") else { return true }
            Output.line(json ? decision.value.text : try DecisionLine(decision).text)
            left -= 1
            return left > 0
          } catch {
            failure = error
            return false
          }
        }
      } catch {
        if case .closed = error {
          throw CommandFailure(message: "the daemon has ended", code: .unavailable)
        }
        throw CommandFailure(message: error.description, code: error.exitCode)
      }
      if let failure {
        throw CommandFailure(message: "the daemon sent what it should not: \(failure)", code: .software)
      }
    }
  }
}
