import Foundation
import Testing

/// Audits of a daemon as it is shipped.
@Suite struct AdaptationTests {
  private static let often = "\n[adaptation]\naudits = yes\nprobability = 0.5\nenergy-share = 1\n"

  private func play(_ sections: String) throws -> DaemonProcess {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: false), sections: sections)
    #expect(daemon.run.wait(60) == 0)
    #expect(daemon.audit().code == 0)
    #expect(daemon.run.error.isEmpty, "\(daemon.run.error)")
    return daemon
  }

  @Test func decisionsAreTheGatesAndTheLedgerAddsUp() throws {
    let with = try play(Self.often)
    let without = try play("\n[adaptation]\naudits = no\n")
    let audits = with.records("audit")
    #expect(audits.count > 5 && without.records("audit").isEmpty)
    let (audited, plain) = (with.records("decision"), without.records("decision"))
    #expect(audited.count == plain.count)
    for (one, other) in zip(audited, plain) {
      #expect(one["label"] as? String == other["label"] as? String)
      #expect((one["hops"] as? [Any])?.count == (other["hops"] as? [Any])?.count)
    }
    for audit in audits {
      let number = try #require(audit["decision"] as? Int)
      let decision = try #require(audited.first { $0["number"] as? Int == number })
      let postings = try #require(decision["energy"] as? [[String: Any]])
      let cost = postings.filter { $0["account"] as? String == "audit" }
        .reduce(0) { $0 + ($1["nanojoules"] as? Int ?? 0) }
      #expect(audit["audit_nanojoules"] as? Int == cost)
      // Two exits of each sensor, and fusion.
      #expect((audit["readings"] as? [Any])?.count == 5)
    }
  }

  @Test func theSameSeedGivesTheSameBytes() throws {
    func bytes() throws -> Data {
      let daemon = try play(Self.often)
      return try Data(
        contentsOf: URL(fileURLWithPath: daemon.ledgerFolder + "/" + #require(daemon.segments.first)))
    }
    #expect(try bytes() == bytes())
  }
}
