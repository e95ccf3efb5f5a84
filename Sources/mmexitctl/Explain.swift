import ArgumentParser
import JSON
import Ledger
import Vocabulary
import Wire

/// `mmexitctl explain`: one decision's story, out of the ledger alone.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Tell one decision's story: what was asked, what it cost, why it ended, and what would have changed it.",
    discussion: "Nothing is checked: that is what 'audit' does.")

  @Argument(help: "The ledger's directory.")
  var directory: String

  @Argument(help: ArgumentHelp("The record's number, its 'seq'.", valueName: "seq"))
  var sequence: UInt64

  mutating func run() throws {
    let (directory, sequence) = (directory, sequence)
    try CommandFailure.catching {
      var context = RecordContext(sequence)
      do throws(LedgerError) {
        try readRecords(directory, from: sequence) { context.take($0) }
      } catch {
        throw CommandFailure(message: error.description, code: error.exitCode)
      }
      guard let record = context.record else {
        throw CommandFailure(
          message:
            "\(directory): no record has the number \(sequence); 'mmexitctl audit' says which there are",
          code: .dataError)
      }
      do {
        let type = try record.member("type").string()
        guard type == "decision" else {
          let near = context.nearest.map { "; the decision next to it is record \($0)" } ?? ""
          throw CommandFailure(
            message: "\(directory): record \(sequence) is no decision but '\(type)'\(near)", code: .dataError)
        }
        for line in try DecisionStory(record, context).lines() { Output.line(line) }
      } catch let failure as CommandFailure {
        throw failure
      } catch {
        throw CommandFailure(
          message: "\(directory): record \(sequence) is not as the daemon writes it: \(error)",
          code: .dataError)
      }
    }
  }
}

/// A record, and those around it that belong to it.
struct RecordContext {
  /// Records looked at behind the one that was asked for.
  private static let behind = 512
  /// Kept of those in front of it.
  private static let before = 256

  private let sequence: UInt64
  private(set) var record: JSONPlace?
  /// Wakes, faults and other orders in front of it in its run; labels, audits and events behind it.
  private(set) var around: [JSONPlace] = []
  private(set) var start: JSONPlace?
  /// The decision nearest to it.
  private(set) var nearest: Int64?
  private var left = behind

  init(_ sequence: UInt64) { self.sequence = sequence }

  /// False when enough was seen.
  mutating func take(_ place: JSONPlace) -> Bool {
    guard let type = try? place.member("type").string(), let number = try? place.member("seq").integer()
    else {
      return true
    }
    if type == "start" {
      // Another run's records are none of it.
      if record != nil { return false }
      start = place
      around.removeAll()
    }
    let isIt = UInt64(exactly: number) == sequence
    if isIt { record = place }
    if type == "decision" {
      if record == nil || nearest == nil { nearest = number }
      if record != nil && !isIt { left -= 8 }
    } else if !isIt {
      around.append(place)
      if record == nil && around.count > Self.before { around.removeFirst() }
    }
    if record != nil { left -= 1 }
    return left > 0
  }
}
