import Foundation
import Testing

/// Audits of a daemon as it is shipped.
@Suite struct AdaptationTests {
  private static let often = "\n[adaptation]\naudits = yes\nprobability = 0.5\nenergy-share = 1\n"

  private func play(_ sections: String) throws -> DaemonProcess {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: false), sections: sections)
    #expect(daemon.run.wait(60) == 0)
    #expect(daemon.audit().code == 0)
    #expect(daemon.onlyHead != nil, "\(daemon.run.error)")
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

/// A replay in which the picture turns black.
@Suite struct DarknessTests {
  /// A minute of the shipped recording, and then three times the same sound with black pictures.
  private func recording(in folder: String) throws -> String {
    let demo = DaemonProcess.shippedRecording
    let path = folder + "/dusk"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    var sound = try Data(contentsOf: URL(fileURLWithPath: demo + "/audio.wav"))
    let samples = Data(sound[44...])
    for _ in 0..<3 { sound.append(samples) }
    withUnsafeBytes(of: UInt32(sound.count - 8).littleEndian) { sound.replaceSubrange(4..<8, with: $0) }
    withUnsafeBytes(of: UInt32(sound.count - 44).littleEndian) { sound.replaceSubrange(40..<44, with: $0) }
    try sound.write(to: URL(fileURLWithPath: path + "/audio.wav"))
    var pictures = try Data(contentsOf: URL(fileURLWithPath: demo + "/image.y4m"))
    let header = try #require(pictures.firstIndex(of: UInt8(ascii: "\n"))) + 1
    let frame = 6 + 56 * 56
    let black = Data("FRAME\n".utf8) + Data(count: 56 * 56)
    let count = (pictures.count - header) / frame
    #expect(count > 200)
    for _ in 0..<3 * count { pictures.append(black) }
    try pictures.write(to: URL(fileURLWithPath: path + "/image.y4m"))
    let text =
      #"{"format": 1, "name": "dusk", "sensors": [{"name": "audio", "kind": "sound", "file": "audio.wav"}, "#
      + #"{"name": "image", "kind": "image", "file": "image.y4m"}]}"#
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/recording.json"))
    return path
  }

  @Test func theCameraIsLeftOutWhenItIsBlind() throws {
    let folder = NSTemporaryDirectory() + "/mmexit-dusk-" + UUID().uuidString.prefix(8)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = try recording(in: folder)
    var ledgers: [Data] = []
    for _ in 0..<2 {
      let daemon = try DaemonProcess(
        .replay(pace: "fast", loop: false), changes: ["recording": path],
        sections: "\n[adaptation]\nreorder = yes\nprobability = 0.8\nenergy-share = 1\n")
      #expect(daemon.run.wait(120) == 0)
      #expect(daemon.audit().code == 0)
      let records = daemon.ledger()
      let place = try #require(
        records.firstIndex {
          $0["type"] as? String == "reorder" && $0["asked"] as? [String] == ["audio"]
        })
      // Not while there is light.
      #expect(records[place]["t_boot_ns"] as? Int ?? 0 > 60_000_000_000)
      let sensors = try #require(records[place]["sensors"] as? [[String: Any]])
      #expect(sensors.first?["modality"] as? String == "image" && sensors.first?["right"] as? Int == 0)
      // From then on it is not asked, and its audits go on.
      let later = records[(place + 1)...]
      let asked = later.filter { $0["type"] as? String == "decision" }.compactMap { $0["used"] as? [String] }
      #expect(asked.count > 20 && asked.allSatisfy { $0 == ["audio"] }, "\(asked.count)")
      #expect(
        later.contains {
          $0["type"] as? String == "audit" && ($0["modalities"] as? [String])?.contains("image") == true
        })
      ledgers.append(
        try Data(
          contentsOf: URL(fileURLWithPath: daemon.ledgerFolder + "/" + #require(daemon.segments.first))))
    }
    #expect(ledgers[0] == ledgers[1])
  }
}

/// Audits of a daemon that is killed.
@Suite struct KilledAuditTests {
  @Test func killedAmongAuditsItHasThemAgain() throws {
    let daemon = try DaemonProcess(.live, changes: ["energy-share": "1\nprobability = 1"]) {
      $1.level = 3_000
    }
    func order() -> [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data(daemon.tell("order", "--json").output.utf8)))
        as? [String: Any] ?? [:]
    }
    func audits() -> Int { order()["audits"] as? Int ?? -1 }
    #expect(daemon.isUp())
    #expect(holds(within: 60) { audits() >= 20 })
    let before = audits()
    let former = order()
    // The ledger is written every five seconds.
    usleep(6_000_000)
    daemon.run.send(SIGKILL)
    _ = daemon.run.wait(10)
    daemon.startAgain()
    #expect(daemon.isUp())
    // From the ledger: the buffer's file is written every ten minutes.
    #expect(holds(within: 30) { audits() >= before })
    #expect(order()["order"] as? [String] == former["order"] as? [String])
    daemon.run.send(SIGTERM)
    #expect(daemon.run.wait(20) == 0)
    #expect(daemon.audit().code == 0)
    // Ended in order, the buffer is a file, and is there at once.
    daemon.startAgain()
    #expect(daemon.isUp())
    #expect(holds(within: 30) { audits() >= before })
  }
}
