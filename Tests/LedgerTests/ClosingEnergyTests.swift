import Energy
import Testing
import Vocabulary

@testable import Ledger

@Suite struct ClosingEnergyTests {
  private func closing() -> ClosingEnergy {
    var closing = ClosingEnergy()
    closing.energy.append(EnergyPosting(account: .sensing, modality: 0, energy: Nanojoules(700)))
    closing.energy.append(EnergyPosting(account: .idle, modality: 1, energy: Nanojoules(50)))
    closing.alwaysOn = Nanojoules(9_000)
    return closing
  }

  @Test func whatWasSpentSinceTheLastDecisionIsInTheRunsTotal() throws {
    let directory = TemporaryDirectory()
    var random = SeededGenerator(state: 21)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: eager())
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    let decision = decision(1, &random)
    writer.append(decision, at: stamp(250))
    writer.appendStop(reason: "signal", closing: closing(), at: stamp(300))
    try writer.finish(at: stamp(300))
    let total = writer.energy
    #expect(total == decision.totalEnergy + Nanojoules(750))

    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.totals.energy == total.count)
    #expect(report.totals.alwaysOn == 3_000_000 + 9_000)
    #expect(report.totals.accounts["idle"] == 50)
    #expect(report.totals.modalities["image"] == 50)
    let stop = try records(directory)[2]
    #expect(stop["closing_nanojoules"] == 750)
    #expect(stop["decisions"] == 1)
    #expect(stop["total_nanojoules"] == .integer(total.count))
  }

  @Test func aForgedClosingSumIsFound() throws {
    let directory = TemporaryDirectory()
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: eager())
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    writer.appendStop(reason: "signal", closing: closing(), at: stamp(300))
    try writer.finish(at: stamp(300))
    let path = try firstSegment(directory)
    let whole = String(decoding: contents(of: path), as: UTF8.self)
    for (member, stated) in [("closing_nanojoules", 751), ("total_nanojoules", 749)] as [(String, Int64)] {
      replace(path, with: Array(whole.replacing("\"\(member)\":750", with: "\"\(member)\":\(stated)").utf8))
      #expect(
        try audit(directory.path).findings.map(\.kind) == [
          .sum(member: member, stated: stated, computed: 750)
        ])
    }
  }
}
