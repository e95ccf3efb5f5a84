import ArgumentParser
import JSON
import Wire

/// `mmexitctl ask`.
struct Ask: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have a window answered now, though none is due (root or the daemon's user).")

  @OptionGroup var connection: Connection

  @Flag(help: "Wake every sensor that can be had, and fuse.")
  var full = false

  @Flag(help: "Print the decision's record as JSON.")
  var json = false

  mutating func run() throws {
    try CommandFailure.catching {
      let reply = try CommandCall.run("Ask", ["full": .bool(full)], connection)
      guard let decision = reply["decision"].map({ JSONPlace($0) }) else {
        throw CommandFailure(
          message: "ask: the decision was lost on its way here; the ledger has it", code: .unavailable)
      }
      do throws(JSONError) {
        json ? Output.line(decision.value) : Output.line(try DecisionLine(decision).text)
      } catch {
        throw CommandFailure(message: "the daemon sent what it should not: \(error)", code: .software)
      }
    }
  }
}
