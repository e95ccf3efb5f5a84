import ArgumentParser
import JSON
import Ledger
import Vocabulary

/// `mmexitctl audit`: does a ledger add up?
struct Audit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a ledger's chain, sequence and sums, and add up its energy.",
    discussion:
      "Ends with 65 when anything does not add up, and names the record; with 66 where there is no ledger. A ledger "
      + "that was rewritten as a whole, or cut short, shows only against an anchor: a head of it that was told before, "
      + "by the journal or by this command.")

  @Argument(help: "The ledger's directory.")
  var directory: String

  @Option(
    help: ArgumentHelp(
      "A record that the ledger must have, as told before; may be given again.", valueName: "SEQ:SHA256"))
  var anchor: [String] = []

  @Option(
    help: ArgumentHelp(
      "Sums by hour and sensor too, from then on: so long before the last record (90m, 24h, 7d), or a time in UTC.",
      valueName: "time"))
  var since: String?

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    let path = directory
    let asJSON = json
    let texts = anchor
    let since = since
    try CommandFailure.catching {
      let anchors = try texts.map { text in
        guard let head = LedgerHead(anchor: text) else {
          throw CommandFailure(
            message:
              "--anchor '\(text)': give a record's number and the SHA-256 of its bytes, as in 12:0f3a...",
            code: .usage)
        }
        return head
      }
      let start = try since.map { text in
        guard let start = PeriodStart(text) else {
          throw CommandFailure(
            message: "--since '\(text)': give a duration (90m, 24h, 7d) or a time in UTC (2026-11-28T12:00Z)",
            code: .usage)
        }
        return start
      }
      let report: AuditReport
      do throws(LedgerError) {
        report = try Ledger.audit(path, anchors: anchors)
      } catch {
        throw CommandFailure(message: error.description, code: error.exitCode)
      }
      let period = try start.map { try AuditPeriod(path, since: $0) }
      if asJSON {
        var members = Self.json(report)
        if let period, case .object(var object) = members {
          object.append("since", period.json)
          members = .object(object)
        }
        Output.line(members)
      } else {
        Self.show(report)
        period?.show()
      }
      if !report.passes {
        let first = report.findings.first.map { "; the first: \($0)" } ?? ""
        throw CommandFailure(
          message: "\(path): the ledger does not add up, \(report.found) findings\(first)", code: .dataError)
      }
    }
  }

  private static func show(_ report: AuditReport) {
    Output.line("records  \(report.records) in \(report.segments) segments, \(report.bytes) bytes")
    let totals = report.totals
    Output.line("energy   \(Output.fixed(Double(totals.energy) * 1e-9, 6)) J")
    if totals.alwaysOn > 0 {
      let saved = 100 * (1 - Double(totals.energy) / Double(totals.alwaysOn))
      Output.line(
        "         \(Output.fixed(saved, 1))% less than always on (\(Output.fixed(Double(totals.alwaysOn) * 1e-9, 6)) J)"
      )
    }
    for (account, sum) in totals.accounts.sorted(by: { $0.key < $1.key }) {
      Output.line("  \(account): \(sum) nJ")
    }
    for (exit, count) in totals.exits.sorted(by: { $0.key < $1.key }) {
      Output.line("  answered at \(exit == "" ? "no exit" : exit.text): \(count)")
    }
    Output.line("windows  \(report.decisions) in \(report.types["decision"] ?? 0) decision records")
    if let first = report.firstHead { Output.line("first    \(first.anchor)") }
    if let head = report.head { Output.line("head     \(head.anchor)") }
    for anchored in report.anchors {
      Output.line("anchor   \(anchored.head.sequence): \(told(anchored.state))")
    }
    if let count = report.unanchored {
      Output.line("         \(count) records behind the last anchor that holds")
    }
    for gap in report.gaps { Output.line("gap      \(gap)") }
    for finding in report.findings { Output.line("WRONG    \(finding)") }
    if report.found > report.findings.count {
      Output.line("WRONG    and \(report.found - report.findings.count) findings more")
    }
    if report.passes { Output.line("chain, sequence and sums are whole") }
  }

  private static func told(_ state: AuditReport.Anchored.State) -> String {
    switch state {
    case .holds: "holds"
    case .differs: "another record stands there"
    case .beyond: "the ledger ends before it"
    case .dropped: "dropped with old segments"
    case .missing: "no such record"
    }
  }

  private static func json(_ head: LedgerHead?) -> JSONValue {
    guard let head else { return .null }
    return ["seq": .integer(Int64(head.sequence)), "sha256": .string(head.digest.hexString)]
  }

  private static func json(_ report: AuditReport) -> JSONValue {
    func numbers(_ table: [BytewiseText: Int64]) -> JSONValue {
      var object = JSONObject()
      for (key, value) in table.sorted(by: { $0.key < $1.key }) { object.append(key.text, .integer(value)) }
      return .object(object)
    }
    return [
      "records": .integer(Int64(report.records)), "segments": .integer(Int64(report.segments)),
      "bytes": .integer(Int64(report.bytes)), "shed": .integer(report.shed),
      "decisions": .integer(report.decisions), "types": numbers(report.types.mapValues(Int64.init)),
      "total_nanojoules": .integer(report.totals.energy),
      "always_on_nanojoules": .integer(report.totals.alwaysOn), "macs": .integer(report.totals.macs),
      "accounts": numbers(report.totals.accounts), "modalities": numbers(report.totals.modalities),
      "kinds": numbers(report.totals.kinds), "exits": numbers(report.totals.exits),
      "gaps": .array(report.gaps.map { .string($0) }),
      "first": json(report.firstHead), "head": json(report.head),
      "anchors": .array(
        report.anchors.map {
          [
            "seq": .integer(Int64($0.head.sequence)), "sha256": .string($0.head.digest.hexString),
            "state": .string($0.state.rawValue),
          ]
        }),
      "unanchored": report.unanchored.map { .integer(Int64($0)) } ?? .null,
      "passes": .bool(report.passes), "finding_count": .integer(Int64(report.found)),
      "findings": .array(report.findings.map { .string($0.description) }),
    ]
  }
}
