import Energy
import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger
@testable import Wire

/// Counted records: what they say adds up to what plain ones say, and what is of interest stands alone.
@Suite struct CoalescingTests {
  static let noneNames = Names(
    classes: ["none", "stop", "go"], modalities: ["audio", "image"], energySource: "test", none: 0)

  static func identity() -> LedgerIdentity {
    LedgerIdentity(bootID: "replay", model: .zero, configuration: .zero, names: noneNames)
  }

  /// A ledger without a disk: its records as they would be written.
  final class Ledger {
    private let link: LedgerLink
    var chain: LedgerChain

    init(coalesces: Bool) throws {
      link = try LedgerLink(capacity: 4 << 20)
      let start = LedgerStart(
        directory: "/nowhere", head: LedgerHead(sequence: 0, digest: .zero), formerEnd: "nothing",
        notices: [],
        hasCuts: false)
      chain = LedgerChain(
        after: start, link: link, identity: CoalescingTests.identity(), at: stamp(0), coalesces: coalesces)
    }

    func records() throws -> [JSONPlace] {
      var bytes = [UInt8](repeating: 0, count: link.records.count)
      bytes.withUnsafeMutableBytes { link.records.copy(from: 0, into: $0) }
      return try lines(of: bytes).map { JSONPlace(try JSONValue.parse($0)) }
    }
  }

  /// Nothing happened in it; `shape` says which exits and accounts it has.
  static func steady(_ number: UInt64, shape: Int = 0, _ random: inout SeededGenerator) -> Decision {
    let end = Int64(number) * 250_000_000
    var decision = Decision(
      number: number, start: Instant(sinceBoot: end - 1_000_000_000), end: Instant(sinceBoot: end))
    decision.decided = decision.end + Nanoseconds(Int64.random(in: 0...9_000_000, using: &random))
    let exits = shape == 0 ? 0 : shape
    for exit in 0..<exits {
      let reading = Reading(
        exit: .encoder(modality: exit % 2, exit: 1 + exit / 2),
        entropy: Float.random(in: 0...1, using: &random),
        label: 0, certainty: Float.random(in: 0...1, using: &random), macs: 5, parameters: 1)
      decision.trace.append(Decision.AskedExit(reading: reading, threshold: 0.5))
      decision.energy.append(
        EnergyPosting(
          account: .segment, modality: exit % 2, exit: 1 + exit / 2,
          energy: Nanojoules(Int64.random(in: 0...1 << 40, using: &random))))
    }
    decision.answer = Answer(
      label: 0, exit: .encoder(modality: 0, exit: exits), entropy: Float.random(in: 0...1, using: &random),
      certainty: 0.9, threshold: 0.5, reason: exits == 0 ? .inactive : .sure)
    decision.energy.append(
      EnergyPosting(
        account: .sensing, modality: 0, energy: Nanojoules(Int64.random(in: 0...1 << 40, using: &random))))
    decision.macs = Int64.random(in: 0...1 << 40, using: &random)
    decision.alwaysOn = Nanojoules(Int64.random(in: 0...1 << 40, using: &random))
    decision.used = ModalitySet(index: 0)
    return decision
  }

  /// What records sum to, in the fewest lines that are not the auditor's.
  struct Sums: Equatable {
    var windows: Int64 = 0
    var figures: [String: Int64] = [:]

    init(_ records: [JSONPlace]) throws {
      for record in records {
        guard case .object(let object) = record.value, case .string("decision")? = object["type"] else {
          continue
        }
        var count: Int64 = 1
        if case .integer(let number)? = object["count"] { count = number }
        windows += count
        for key in ["macs", "total_nanojoules", "always_on_nanojoules"] {
          guard case .integer(let number)? = object[key] else { continue }
          figures[key, default: 0] += number
        }
        if case .object(let exit)? = object["exit"] {
          figures["\(exit["modality"] ?? .null) \(exit["exit"] ?? .null) answered", default: 0] += count
        }
        guard case .array(let postings)? = object["energy"] else { continue }
        for case .object(let posting) in postings {
          guard case .integer(let number)? = posting["nanojoules"] else { continue }
          let key = ["account", "modality", "exit", "scope", "kind"].map { name in
            posting[name].map { "\($0)" } ?? "-"
          }
          figures[key.joined(separator: " "), default: 0] += number
        }
      }
    }
  }

  /// One step of a made-up history, for both ledgers.
  private func step(
    _ plain: Ledger, _ coalesced: Ledger, _ number: inout UInt64, _ alone: inout Set<UInt64>,
    _ random: inout SeededGenerator
  ) {
    func both(_ event: LedgerEvent) {
      plain.chain.append(event, at: stamp(Int64(number) * 250))
      coalesced.chain.append(event, at: stamp(Int64(number) * 250))
    }
    switch Int.random(in: 0..<24, using: &random) {
    case 0: both(.fault(modality: 0, message: "a fault"))
    case 1 where number > 0:
      // Of one that still waits, or of one long written.
      let back = UInt64.random(in: 0..<min(number, 6), using: &random)
      both(.label(decision: number - back, label: 1, user: nil))
    case 2:
      var event = StreamEvent(label: 1, start: .zero, certainty: 0.9, modalities: [], decision: number)
      if Bool.random(using: &random) { event.end = .zero }
      both(.event(event))
    case 3:
      number += 1
      let decision = decision(number, &random)
      alone.insert(number)
      plain.chain.append(decision, at: stamp(Int64(number) * 250))
      coalesced.chain.append(decision, at: stamp(Int64(number) * 250))
    case 4: coalesced.chain.recordSteady(at: Instant(sinceBoot: Int64(number) * 250_000_000 + 61_000_000_000))
    default:
      number += 1
      let decision = Self.steady(number, shape: Int.random(in: 0..<3, using: &random), &random)
      plain.chain.append(decision, at: stamp(Int64(number) * 250))
      coalesced.chain.append(decision, at: stamp(Int64(number) * 250))
    }
  }

  /// 400 random histories; MMEXIT_HISTORIES has another number, e.g. 10,000 (two minutes).
  @Test func sumsAreThoseOfPlainRecords() throws {
    let count = getenv("MMEXIT_HISTORIES").flatMap { Int(String(cString: $0)) } ?? 400
    var (plainRecords, countedRecords) = (0, 0)
    for seed in 0..<count {
      var random = SeededGenerator(state: UInt64(seed))
      let (plain, coalesced) = (try Ledger(coalesces: false), try Ledger(coalesces: true))
      var number: UInt64 = 0
      var alone: Set<UInt64> = []
      for _ in 0..<Int.random(in: 1...16, using: &random) { step(plain, coalesced, &number, &alone, &random) }
      plain.chain.append(.stop(reason: "end"), at: stamp(Int64(number) * 250))
      coalesced.chain.append(.stop(reason: "end"), at: stamp(Int64(number) * 250))
      let (one, other) = (try plain.records(), try coalesced.records())
      plainRecords += one.count
      countedRecords += other.count
      let (sums, counted) = (try Sums(one), try Sums(other))
      try #require(sums == counted, "seed \(seed)")
      // The run's own sums too.
      for key in ["decisions", "total_nanojoules"] {
        let both = try [one, other].map { try #require($0.last).member(key).integer() }
        try #require(both[0] == both[1], "seed \(seed): \(key)")
      }
      for record in other where try record.optional("count") != nil {
        try #require(!alone.contains(UInt64(try record.member("number").integer())), "seed \(seed)")
      }
    }
    #expect(countedRecords < plainRecords)
  }
}
