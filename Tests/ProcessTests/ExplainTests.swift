import Foundation
import Testing

/// What is told from a ledger alone: `explain` and `audit --since`.
@Suite struct ExplainTests {
  private static func replayed() throws -> DaemonProcess {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: false))
    #expect(daemon.run.wait(60) == 0, "\(daemon.run.error)")
    return daemon
  }

  @Test func everyDecisionHasItsStory() throws {
    let daemon = try Self.replayed()
    let decisions = daemon.records("decision")
    #expect(decisions.count > 10)
    // Each kind of reason once, and the last.
    var seen: Set<String> = []
    for decision in decisions + decisions.suffix(1) {
      let reason = try #require(decision["reason"] as? String)
      guard seen.insert(reason).inserted || decision["seq"] as? Int == decisions.last?["seq"] as? Int else {
        continue
      }
      let sequence = try #require(decision["seq"] as? Int)
      let run = daemon.ctl(["explain", daemon.ledgerFolder, "\(sequence)"])
      #expect(run.code == 0, "\(run.error)")
      let lines = run.output.split(separator: "\n").map(String.init)
      let number = try #require(decision["number"] as? Int)
      #expect(lines[0].hasPrefix("decision  \(number), record \(sequence), run of record 1"), "\(lines[0])")
      for hop in decision["hops"] as? [[String: Any]] ?? [] {
        let name =
          (hop["modality"] as? String).map { "\($0)/\(hop["exit"] as? Int ?? -1)" } ?? "fusion"
        #expect(lines.contains { $0.contains(" \(name): ") && $0.contains("entropy") }, "\(name) in \(lines)")
        guard let gain = hop["gain"] as? Double else { continue }
        let told = String(format: "going on would gain %.4f (", gain)
        #expect(lines.contains { $0.contains(" \(name): ") && $0.contains(told) }, "\(told) in \(lines)")
      }
      let total = try #require(decision["total_nanojoules"] as? Int)
      #expect(lines.contains { $0.hasPrefix("energy    \(total) nJ") }, "\(lines)")
      let postings = decision["energy"] as? [[String: Any]] ?? []
      let told = lines.drop { !$0.hasPrefix("energy") }.dropFirst().prefix { $0.hasSuffix("estimated") }
      #expect(told.count == postings.count)
      #expect(lines.contains { $0.hasPrefix("why       ") })
      for name in decision["woken"] as? [String] ?? [] {
        #expect(lines.contains { $0.hasPrefix("woken") && $0.contains(name) })
      }
    }
    #expect(seen.count > 1)
  }

  @Test func aThresholdThatWouldHaveEndedItIsTheEntropyThere() throws {
    let daemon = try Self.replayed()
    let decision = try #require(
      daemon.records("decision").first { record in
        let hops = record["hops"] as? [[String: Any]] ?? []
        guard hops.count > 1, let doubt = Self.doubt(hops[0]), let threshold = hops[0]["threshold"] as? Double
        else { return false }
        return doubt > threshold
      })
    let run = daemon.ctl(["explain", daemon.ledgerFolder, "\(decision["seq"] as? Int ?? 0)"])
    let hop = try #require((decision["hops"] as? [[String: Any]])?.first)
    let doubt = String(format: "%.4f", try #require(Self.doubt(hop)))
    #expect(run.output.contains("else      a threshold of \(doubt) at "), "\(run.output)")
  }

  /// What an exit's threshold is held against.
  private static func doubt(_ hop: [String: Any]) -> Double? {
    (hop["gain"] as? Double).map { (1 + $0) / 2 } ?? hop["entropy"] as? Double
  }

  @Test func whatIsNoDecisionIsSaid() throws {
    let daemon = try Self.replayed()
    let start = daemon.ctl(["explain", daemon.ledgerFolder, "1"])
    #expect(start.code == 65 && start.error.contains("'start'"), "\(start)")
    let missing = daemon.ctl(["explain", daemon.ledgerFolder, "999999"])
    #expect(missing.code == 65 && missing.error.contains("999999"), "\(missing)")
    #expect(daemon.ctl(["explain", daemon.folder, "1"]).code == 66)
    #expect(daemon.ctl(["explain", daemon.ledgerFolder, "-1"]).code == 64)
  }

  private func since(_ daemon: DaemonProcess, _ text: String) throws -> [String: Any] {
    let run = daemon.ctl(["audit", daemon.ledgerFolder, "--json", "--since", text], seconds: 30)
    #expect(run.code == 0, "\(run.error)")
    let json = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    return try #require(json["since"] as? [String: Any])
  }

  @Test func aPeriodsSumsAreThoseOfItsRecords() throws {
    let daemon = try Self.replayed()
    let decisions = daemon.records("decision")
    func energy(_ records: [[String: Any]]) -> Int {
      records.flatMap { $0["energy"] as? [[String: Any]] ?? [] }.reduce(0) {
        $0 + ($1["nanojoules"] as? Int ?? 0)
      }
    }
    let all = try since(daemon, "1970-01-01")
    #expect(all["decisions"] as? Int == decisions.count)
    #expect(all["total_nanojoules"] as? Int == energy(daemon.ledger()))
    let hours = try #require(all["hours"] as? [[String: Any]])
    #expect(hours.reduce(0) { $0 + ($1["nanojoules"] as? Int ?? 0) } == energy(daemon.ledger()))
    let sensors = try #require(all["sensors"] as? [[String: Any]])
    let wakes = daemon.records("wake").count
    #expect(wakes > 0 && sensors.reduce(0) { $0 + ($1["wakes"] as? Int ?? 0) } == wakes)
    // By the recording's clock, which is the records' where there is no other.
    let end = try #require(daemon.ledger().last?["t_boot_ns"] as? Int)
    let late = daemon.ledger().filter { ($0["t_boot_ns"] as? Int ?? 0) >= end - 5_000_000_000 }
    let part = try since(daemon, "5s")
    let count = late.filter { $0["type"] as? String == "decision" }.count
    #expect(count > 0 && count < decisions.count && part["decisions"] as? Int == count)
    #expect(part["total_nanojoules"] as? Int == energy(late))
    #expect(try since(daemon, "2200-01-01T00:00Z")["decisions"] as? Int == 0)
  }

  @Test(arguments: ["", "yesterday", "0h", "-1h", "2026-13-01", "2026-11-28T25:00", "2026-11-28 12:00", "5"])
  func whatIsNoTimeIsRefused(text: String) throws {
    let run = Run(DaemonProcess.binaries + "/mmexitctl", ["audit", "/nowhere", "--since=\(text)"])
    #expect(run.wait(10) == 64, "\(run.error)")
  }
}
