import Foundation
import Testing

/// `mmexitctl report`: a page made from a ledger alone.
@Suite struct ReportTests {
  private func page(_ daemon: DaemonProcess) throws -> String {
    let path = daemon.folder + "/report.html"
    let run = daemon.ctl(["report", daemon.ledgerFolder, "--output", path])
    #expect(run.code == 0, "\(run.error)")
    #expect(!FileManager.default.fileExists(atPath: path + ".part"))
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  private func joules(_ nanojoules: Int) -> String { String(format: "%.3f", Double(nanojoules) * 1e-9) }

  @Test func itsSumsAreTheLedgersAndItNeedsNothingElse() throws {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: false))
    #expect(daemon.run.wait(60) == 0)
    let page = try page(daemon)
    let decisions = daemon.records("decision")
    let postings = (decisions + daemon.records("stop")).flatMap { $0["energy"] as? [[String: Any]] ?? [] }
    func sum(_ some: [[String: Any]]) -> Int { some.reduce(0) { $0 + ($1["nanojoules"] as? Int ?? 0) } }
    #expect(page.contains("<dt>Energy</dt><dd>\(joules(sum(postings))) J"))
    #expect(page.contains("<dt>Decisions</dt><dd>\(decisions.count)<"))
    for sensor in ["audio", "image"] {
      let part = sum(postings.filter { $0["modality"] as? String == sensor })
      #expect(
        page.contains("<th scope=\"row\">\(sensor)</th><td class=\"n\">\(joules(part))</td>"), "\(sensor)")
      let wakes = daemon.records("wake").filter { $0["modality"] as? String == sensor }.count
      #expect(page.contains("</td><td class=\"n\">\(wakes)</td>"))
    }
    let accounts = Set(postings.compactMap { $0["account"] as? String })
    for account in accounts {
      let part = sum(postings.filter { $0["account"] as? String == account })
      #expect(
        page.contains("<th scope=\"row\">\(account)</th><td class=\"n\">\(joules(part))</td>"), "\(account)")
    }
    // Each exit that was asked has a drawing with its number of times in words.
    let hops = decisions.flatMap { $0["hops"] as? [[String: Any]] ?? [] }.filter { $0["exit"] as? Int != 0 }
    let names = hops.map { hop in
      (hop["modality"] as? String).map { "\($0)/\(hop["exit"] as? Int ?? -1)" } ?? "fusion"
    }
    #expect(Set(names).count >= 3)
    for name in Set(names) {
      let count = names.filter { $0 == name }.count
      #expect(page.contains("aria-label=\"Entropies at \(name), asked \(count) times"), "\(name)")
    }
    for foreign in ["<script", "http:", "https:", "src=", "@import", "url("] {
      #expect(!page.contains(foreign), "\(foreign)")
    }
    #expect(page.utf8.count < 3 << 20)
  }

  /// Any names and any numbers: the page stays a page.
  @Test func aHostileLedgerPutsNothingIntoThePage() throws {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: false))
    #expect(daemon.run.wait(60) == 0)
    let segment = daemon.ledgerFolder + "/" + (try #require(daemon.segments.first))
    let evil = #"<script>alert(1)</script>\" onload=\"x\u202e"#
    var lines = [
      #"{"type":"start","t_boot_ns":0,"model":"\#(evil)","after":"crash"}"#,
      #"{"type":"wake","t_boot_ns":1000,"modality":"\#(evil)"}"#,
      #"{"type":"fault","t_boot_ns":2000,"modality":"\#(evil)","message":"\#(evil)"}"#,
      #"{"type":"event","t_boot_ns":3000,"label":"\#(evil)","start_ns":1,"end_ns":null,"certainty":1e308,"modalities":["\#(evil)"]}"#,
      #"{"type":"reorder","t_boot_ns":4000,"from":["\#(evil)"],"to":[],"gain":1e300}"#,
      #"{"type":"meter","t_boot_ns":5000,"source":"\#(evil)","scope":"\#(evil)","nanojoules":9223372036854775807}"#,
      #"{"type":"decision","t_boot_ns":9223372036854775807,"count":9223372036854775807,"energy":[{"account":"\#(evil)","modality":"\#(evil)","nanojoules":9223372036854775807}],"hops":[{"modality":"\#(evil)","exit":1,"entropy":1e308,"threshold":-1e308}]}"#,
      #"{"type":"decision","t_boot_ns":-9223372036854775807,"always_on_nanojoules":-9223372036854775807}"#,
      #"{"type":"stop","t_boot_ns":4611686018427387903}"#,
      "not a record",
    ]
    for number in 0..<200 {
      lines.append(#"{"type":"wake","t_boot_ns":\#(number),"modality":"m\#(number)"}"#)
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: segment))
    let page = try page(daemon)
    #expect(page.contains("&lt;script&gt;"))
    #expect(!page.contains("<script") && !page.contains("\" onload") && !page.contains("\u{202e}"))
    #expect(page.contains("Names beyond all that a daemon has were left out"))
    #expect(page.utf8.count < 3 << 20)
  }

  @Test func whatCannotBeReadOrWrittenIsSaid() throws {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: false))
    #expect(daemon.run.wait(60) == 0)
    let none = daemon.ctl(["report", daemon.folder + "/nowhere", "-o", daemon.folder + "/r.html"])
    #expect(none.code == 66 && none.error.contains("nowhere"), "\(none)")
    let nowhere = daemon.ctl(["report", daemon.ledgerFolder, "-o", daemon.folder + "/no/such/r.html"])
    #expect(nowhere.code == 73 && nowhere.error.contains("no/such/r.html"), "\(nowhere)")
  }
}
