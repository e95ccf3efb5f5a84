import ArgumentParser
import Glibc
import JSON
import Varlink
import Vocabulary
import Wire

/// Where the daemon answers.
struct Connection: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The daemon's socket (default: $MMEXIT_SOCKET, else the first there of \(SocketPath.installed) and \(SocketPath.demonstration)).",
      valueName: "path"))
  var socket: String?

  func validate() throws {
    if socket == "" { throw ValidationError("--socket is empty; name the daemon's socket") }
  }

  /// - Throws: `CommandFailure` when nobody answers there.
  func open(timeout: Nanoseconds? = .seconds(10)) throws -> Client {
    let variable = getenv("MMEXIT_SOCKET").map { String(cString: $0) }
    guard let path = SocketPath.find(socket, variable: variable) else {
      throw CommandFailure(message: SocketPath.noneFound, code: .unavailable)
    }
    do {
      let client = try Client(connectingTo: path, timeout: timeout)
      let isTold = socket != nil || variable.map { !$0.isEmpty } == true
      let peer = try client.peer().user
      if !isTold && !SocketPath.isTrusted(path, peer: peer) {
        throw CommandFailure(message: SocketPath.notTrusted(path, peer: peer), code: .noPermission)
      }
      return client
    } catch let error as ClientError {
      throw CommandFailure(message: error.description, code: error.exitCode)
    }
  }
}

/// `mmexitctl watch`: decisions as they are made.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show decisions as they are made, or events as they happen.",
    discussion: """
      Each line: number, time, answer ('?' while provisional), why it stopped there, energy in millijoules (modelled), and \
      the exits asked with entropy (0 to 1) against threshold and what was woken. With --events a line when a class's \
      evidence holds, and one when it has gone: time, class, peak certainty, sensors and decisions.
      """)

  @OptionGroup var connection: Connection

  @Flag(help: "Show events in place of decisions.")
  var events = false

  @Flag(help: "Print each decision's or event's record as a line of JSON.")
  var json = false

  @Option(help: ArgumentHelp("End after so many lines, 1 or more (default: never).", valueName: "n"))
  var count: Int?

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count \(count): use 1 or more") }
  }

  mutating func run() throws {
    try CommandFailure.catching {
      var left = count ?? .max
      var client = try connection.open(timeout: nil)
      var failure: JSONError?
      var noData = NoDataRun()
      do throws(ClientError) {
        try client.callMore("io.mmexit.Daemon.Watch", events ? ["events": .bool(true)] : [:]) { reply in
          do throws(JSONError) {
            let parameters = JSONPlace(.object(reply))
            if let dropped = try parameters.optional("dropped")?.integer(), dropped > 0 {
              let what = events ? "events" : "decisions"
              Output.complain("\(dropped) \(what) were lost: this terminal did not keep up")
            }
            if let losses = try parameters.optional("losses") {
              Output.complain("lost since the daemon's start: \(try Losses.text(losses))")
            }
            guard let message = try parameters.optional(events ? "event" : "decision") else { return true }
            if json {
              Output.line(message.value)
            } else if events {
              Output.line(try EventLine.text(message))
            } else {
              let line = try DecisionLine(message)
              let (before, isShown) = noData.take(isNoData: line.reason == NoDataRun.reason)
              if let before { Output.line(before) }
              guard isShown else { return true }
              Output.line(line.text)
            }
            left -= 1
            return left > 0
          } catch {
            failure = error
            return false
          }
        }
      } catch {
        if case .closed = error {
          throw CommandFailure(
            message: "the daemon has ended; start it again to go on watching", code: .unavailable)
        }
        throw CommandFailure(message: error.description, code: error.exitCode)
      }
      if let failure {
        throw CommandFailure(message: "the daemon sent what it should not: \(failure)", code: .software)
      }
    }
  }
}
