import JSON
import Testing
import Vocabulary

@testable import Ledger

/// `audit` records: what every exit said of a window, and what that cost.
@Suite struct AuditedWindowTests {
  static func audited(_ decision: Decision, cost: Int64) -> AuditedWindow {
    var window = AuditedWindow(
      decision: decision.number, end: decision.end, available: .all(2), inactive: ModalitySet(index: 1),
      label: 1, cost: Nanojoules(cost))
    let first = Reading(
      exit: .encoder(modality: 0, exit: 1), entropy: 0.5, label: 1, certainty: 0.75, macs: 1, parameters: 1)
    window.readings.append(first)
    window.readings.append(
      Reading(exit: .fusion, entropy: 0.25, label: 2, certainty: 0.9375, macs: 1, parameters: 1))
    return window
  }

  /// A ledger with one audit, whose record states that cost, of a decision that posted 12 + 30 nJ for it.
  private func ledger(_ directory: TemporaryDirectory, cost: Int64) throws {
    var random = SeededGenerator(state: 3)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: eager())
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    for number in 1...3 {
      var decision = decision(UInt64(number), &random)
      if number == 2 {
        for energy in [12, 30] as [Int64] {
          decision.energy.append(
            EnergyPosting(account: .audit, modality: energy == 12 ? nil : 0, energy: Nanojoules(energy)))
        }
      }
      writer.append(decision, at: stamp(Int64(number) * 250))
      if number == 2 { writer.append(.audit(Self.audited(decision, cost: cost)), at: stamp(500)) }
    }
    writer.append(.stop(reason: "end of the recording"), at: stamp(1000))
    try writer.finish(at: stamp(1000))
  }

  @Test func itSaysWhatEveryExitSaid() throws {
    let directory = TemporaryDirectory()
    try ledger(directory, cost: 42)
    #expect(try audit(directory.path).passes)
    let record = try #require(
      try records(directory).first { try JSONPlace(.object($0)).member("type").string() == "audit" })
    let place = JSONPlace(.object(record))
    #expect(try place.member("decision").integer() == 2)
    #expect(try place.member("fused").string() == "go" && place.member("label").string() == "stop")
    #expect(try place.member("modalities").elements().map { try $0.string() } == ["audio", "image"])
    #expect(try place.member("inactive").elements().map { try $0.string() } == ["image"])
    let readings = try place.member("readings").elements()
    #expect(readings.count == 2)
    #expect(
      try readings[0].member("modality").string() == "audio" && readings[0].member("exit").integer() == 1)
    #expect(try readings[0].member("entropy").real() == 0.5)
    #expect(try readings[1].member("fusion").bool() && readings[1].member("certainty").real() == 0.9375)
  }

  @Test func itsEnergyIsThatOfItsDecision() throws {
    let directory = TemporaryDirectory()
    try ledger(directory, cost: 41)
    let report = try audit(directory.path)
    #expect(!report.passes)
    #expect(report.findings.contains { $0.description.contains("audit_nanojoules") })
  }

  @Test func theNewestAreReadBackFromALedger() throws {
    let directory = TemporaryDirectory()
    try ledger(directory, cost: 42)
    let now = Instant(sinceBoot: 100_000_000)
    func read(_ limit: Int, model: Digest = identity().model) -> [AuditedWindow] {
      newestAudits(in: directory.path, model: model, names: names, limit: limit, at: now)
    }
    let found = read(512)
    #expect(found.count == 1)
    let window = try #require(found.first)
    // Of an earlier run: it can be labelled no more, and is no younger than now.
    #expect(window.decision == 0 && window.end == now && window.cost == Nanojoules(42))
    #expect(window.available == .all(2) && window.inactive == ModalitySet(index: 1))
    #expect(window.readings.count == 2 && window.readings.last?.exit == .fusion)
    #expect(window.readings[0].entropy == 0.5 && window.readings[0].label == 1)
    #expect(read(0).isEmpty && read(512, model: .zero).isEmpty)
    #expect(newestAudits(in: "/nowhere", model: .zero, names: names, limit: 9, at: now).isEmpty)
  }
}
