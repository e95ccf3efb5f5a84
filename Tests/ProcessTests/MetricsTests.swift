import Foundation
import Testing

/// What a monitoring system reads, off the built programs.
@Suite struct MetricsTests {
  /// Series with their values; nil where one stands twice or a value is no number.
  private func series(_ text: String) -> [String: Decimal]? {
    var found: [String: Decimal] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let plain = line.range(of: " # ").map { line[..<$0.lowerBound] } ?? line
      guard let space = plain.lastIndex(of: " "),
        let value = Decimal(string: String(plain[plain.index(after: space)...])),
        !value.isNaN, found.updateValue(value, forKey: String(plain[..<space])) == nil
      else { return nil }
    }
    return found
  }

  private func joules(_ nanojoules: Int) -> Decimal { Decimal(nanojoules) / 1_000_000_000 }

  @Test func countersGoOnOverARestartAndAgreeWithTheLedger() throws {
    let folder = NSTemporaryDirectory() + "/mmexit-metrics-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let textfile = folder + "/mmexit.prom"
    let daemon = try DaemonProcess(
      .replay(pace: "fast", loop: false), sections: "\n[metrics]\ntextfile = \(textfile)\ninterval = 1s\n")
    #expect(daemon.run.wait(60) == 0, "\(daemon.run.error)")
    let first = try #require(series(try String(contentsOfFile: textfile, encoding: .utf8)))
    daemon.startAgain()
    #expect(daemon.run.wait(60) == 0, "\(daemon.run.error)")
    let second = try #require(series(try String(contentsOfFile: textfile, encoding: .utf8)))
    for (name, value) in first where !name.hasPrefix("mmexit_ledger_head") {
      #expect((second[name] ?? -1) >= value, "\(name)")
    }
    // Of both runs, by what a reader of the ledger adds up.
    let decisions = daemon.records("decision")
    let postings = (decisions + daemon.records("stop")).flatMap { $0["energy"] as? [[String: Any]] ?? [] }
    var sums: [String: Int] = [:]
    for posting in postings {
      let labels = ["account", "modality", "scope", "kind"].map {
        "\($0)=\"\(posting[$0] as? String ?? "")\""
      }
      sums["mmexit_energy_joules_total{\(labels.joined(separator: ","))}", default: 0] += try #require(
        posting["nanojoules"] as? Int)
    }
    #expect(sums.count > 4)
    #expect(sums.mapValues(joules) == second.filter { $0.key.hasPrefix("mmexit_energy_joules_total") })
    let counted = second.filter { $0.key.hasPrefix("mmexit_decisions_total") }.values.reduce(0, +)
    #expect(counted == Decimal(decisions.count) && second["mmexit_decision_latency_seconds_count"] == counted)
    let answered = second.filter { $0.key.hasPrefix("mmexit_exits_total") }.values.reduce(0, +)
    #expect(answered == counted)
    let begun = daemon.records("event").filter { $0["end_ns"] is NSNull }.count
    #expect(second.filter { $0.key.hasPrefix("mmexit_events_total") }.values.reduce(0, +) == Decimal(begun))
    // Told at the end: what the ledger ends with.
    #expect(
      second["mmexit_ledger_head_sequence"] == Decimal(try #require(daemon.ledger().last?["seq"] as? Int)))
    #expect(!FileManager.default.fileExists(atPath: textfile + ".new"))
  }

  @Test func whatStandsUnderTheTextfilesNameIsNotWaitedFor() throws {
    let daemon = try DaemonProcess(
      .replay(pace: "fast", loop: false), sections: "\n[metrics]\ntextfile = /nowhere/at/all.prom\n")
    #expect(daemon.run.wait(60) == 0)
    #expect(daemon.run.error.contains("/nowhere/at/all.prom"), "\(daemon.run.error)")
  }

  @Test func strictReadersTakeBothForms() throws {
    let daemon = try DaemonProcess(.live) { $1.level = 3_000 }
    #expect(daemon.isUp() && holds(within: 60) { daemon.windows > 8 })
    let open = daemon.tell("metrics")
    let text = daemon.tell("metrics", "--format", "text")
    #expect(open.code == 0 && text.code == 0, "\(open.error) \(text.error)")
    #expect(open.output.hasSuffix("# EOF\n") && !text.output.contains("# EOF"))
    for output in [open.output, text.output] {
      let found = try #require(series(output))
      #expect(found.keys.contains { $0.hasPrefix("mmexit_sensor_awake_seconds_total{modality=") })
      #expect(!found.keys.contains { $0.contains("measured") }, "nothing was measured here")
    }
    #expect(daemon.tell("metrics", "--format", "xml").code == 64)
    daemon.endsInOrder()
    try open.output.write(toFile: daemon.folder + "/open.txt", atomically: true, encoding: .utf8)
    try text.output.write(toFile: daemon.folder + "/text.txt", atomically: true, encoding: .utf8)
    let check = DaemonProcess.root + "/tools/check-metrics"
    let run = Run(
      "/usr/bin/env", ["python3", check, daemon.folder + "/open.txt", daemon.folder + "/text.txt"])
    // 77: no reader of others is here.
    let code = run.wait(60)
    #expect(code == 0 || code == 77, "\(run.output) \(run.error)")
  }
}
