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
  private static let noneNames = Names(
    classes: ["none", "stop", "go"], modalities: ["audio", "image"], energySource: "test", none: 0)

  private static func identity() -> LedgerIdentity {
    LedgerIdentity(bootID: "replay", model: .zero, configuration: .zero, names: noneNames)
  }

  /// A ledger without a disk: its records as they would be written.
  private final class Ledger {
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

  private func written(_ body: (inout LedgerWriter) throws -> Void) throws -> (AuditReport, [JSONPlace]) {
    let directory = TemporaryDirectory()
    var writer = try LedgerWriter(
      directory: directory.path, identity: Self.identity(), at: stamp(0), options: eager(), coalesces: true)
    writer.append(.start(version: "0.1", model: "m", order: [0, 1]), at: stamp(0))
    try body(&writer)
    #expect(writer.end(reason: "end", at: stamp(1_000_000)) == nil)
    let places = try records(directory).map { JSONPlace(.object($0)) }
    return (try audit(directory.path), places)
  }

  private func decisions(_ records: [JSONPlace]) throws -> [JSONPlace] {
    try records.filter { try $0.member("type").string() == "decision" }
  }

  @Test func oneRecordForManyWindowsSaysWhich() throws {
    var random = SeededGenerator(state: 3)
    let windows = (1...100).map { Self.steady($0, shape: 1, &random) }
    let (report, all) = try written { writer in
      for window in windows { writer.append(window, at: LedgerStamp(boot: window.decided)) }
    }
    #expect(report.passes)
    #expect(report.decisions == 100)
    let records = try decisions(all)
    try #require(records.count == 2)
    let record = records[1]
    #expect(try record.member("count").integer() == 99)
    #expect(try record.member("number").integer() == 2)
    #expect(try record.member("window").elements()[1].integer() == windows[1].end.sinceBoot)
    #expect(try record.member("last").member("number").integer() == 100)
    #expect(try record.member("last").member("window").elements()[0].integer() == windows[99].start.sinceBoot)
    #expect(try record.member("last").member("decided_ns").integer() == windows[99].decided.sinceBoot)
    #expect(try record.member("t_boot_ns").integer() == windows[99].decided.sinceBoot)
    #expect(
      try record.member("total_nanojoules").integer()
        == windows.dropFirst().reduce(0) { $0 + $1.totalEnergy.count })
    let entropies = windows.dropFirst().map(\.answer.entropy)
    let range = try record.member("entropy_range").elements().map { Float(try $0.real()) }
    #expect(range == [try #require(entropies.min()), try #require(entropies.max())])
    let asked = windows.dropFirst().map { $0.trace[0].reading.entropy }
    let hop = try record.member("hops").elements()[0].member("entropy_range").elements()
    #expect(try hop.map { Float(try $0.real()) } == [try #require(asked.min()), try #require(asked.max())])
    #expect(try record.member("entropy").real() == Double("\(windows[1].answer.entropy)"))
    #expect(try all.last?.member("decisions").integer() == 100)
  }

  /// A minute and 240 windows are the most that waits.
  @Test func boundsOfTimeAndCount() throws {
    var random = SeededGenerator(state: 3)
    let (report, all) = try written { writer in
      for number in 1...1000 {
        let window = Self.steady(UInt64(number), &random)
        writer.append(window, at: LedgerStamp(boot: window.decided))
      }
    }
    #expect(report.passes)
    let counts = try decisions(all).map { try $0.windows() }
    #expect(counts.reduce(0, +) == 1000)
    #expect(counts.count == 6 && counts.allSatisfy { $0 <= Int64(SteadyWindows.maximumWindows) })
  }

  @Test func timeAloneEndsARun() throws {
    var random = SeededGenerator(state: 3)
    let (_, all) = try written { writer in
      writer.append(Self.steady(1, &random), at: stamp(250))
      #expect(writer.records == 2, "the first of a run does not wait")
      let window = Self.steady(2, &random)
      writer.append(window, at: LedgerStamp(boot: window.decided))
      writer.recordSteady(at: window.decided + .seconds(59))
      #expect(writer.records == 2)
      writer.recordSteady(at: window.decided + .seconds(60))
      #expect(writer.records == 3)
    }
    #expect(try decisions(all).map { try $0.windows() } == [1, 1])
  }

  /// Those with a look alternate with those between: a record of each kind.
  @Test func kindsThatAlternate() throws {
    var random = SeededGenerator(state: 3)
    let (report, all) = try written { writer in
      for number in 1...120 {
        let window = Self.steady(UInt64(number), shape: number % 8 == 0 ? 2 : 1, &random)
        writer.append(window, at: LedgerStamp(boot: window.decided))
      }
    }
    #expect(report.passes)
    #expect(try decisions(all).map { try $0.windows() } == [1, 104, 15])
  }

  /// A window that something is said of stands alone, as it would without coalescing.
  @Test func whatALabelNamesStandsAlone() throws {
    var random = SeededGenerator(state: 3)
    let windows = (1...10).map { Self.steady($0, shape: 2, &random) }
    let (report, all) = try written { writer in
      for window in windows { writer.append(window, at: LedgerStamp(boot: window.decided)) }
      writer.append(.label(decision: 4, label: 1, user: 7), at: stamp(3000))
    }
    #expect(report.passes)
    let records = try decisions(all)
    #expect(try records.map { try $0.windows() } == [1, 2, 1, 6])
    #expect(try records.map { try $0.member("number").integer() } == [1, 2, 4, 5])
    var plain = JSONWriter(capacity: 1 << 16)
    DecisionRecord.write(windows[3], Self.noneNames, into: &plain)
    let alone = plain.withBytes { String(decoding: $0, as: UTF8.self) }
    for (key, place) in try JSONPlace(JSONValue.parse(Array(alone.utf8))).members() {
      #expect(try records[2].optional(key)?.value == (place.value == .null ? nil : place.value), "\(key)")
    }
  }

  /// Whatever may be of interest: an answer, a wake, an event that goes on.
  @Test func whatIsNotSteadyIsRecordedAtOnce() throws {
    var random = SeededGenerator(state: 3)
    var windows = (1...6).map { Self.steady($0, &random) }
    windows[1].woken = ModalitySet(index: 1)
    windows[2].answer.label = 1
    windows[3].energy.append(EnergyPosting(account: .audit, energy: Nanojoules(5)))
    let (report, all) = try written { writer in
      for window in windows { writer.append(window, at: LedgerStamp(boot: window.decided)) }
      let event = StreamEvent(label: 1, start: .zero, certainty: 1, modalities: [], decision: 6)
      writer.append(.event(event), at: stamp(1600))
      for number in 7...9 {
        writer.append(Self.steady(UInt64(number), &random), at: stamp(Int64(number) * 250))
        #expect(writer.pending == 0)
      }
    }
    #expect(report.passes)
    #expect(try decisions(all).allSatisfy { try $0.optional("count") == nil })
  }

  /// A sensor that wakes for a look and sleeps again parts nothing, and times of records never go back.
  @Test func aLookPartsNothing() throws {
    var random = SeededGenerator(state: 3)
    let (report, all) = try written { writer in
      for number in 1...40 {
        var window = Self.steady(UInt64(number), shape: 1, &random)
        let time = LedgerStamp(boot: window.decided)
        if number % 8 == 0 {
          window.woken = ModalitySet(index: 1)
          writer.append(.wake(modality: 1, decision: nil), at: time)
          writer.append(.state(modality: 1, from: "waking", to: "awake", reason: nil), at: time)
        }
        writer.append(window, at: time)
        if number % 8 == 0 { writer.append(.sleep(modality: 1, awake: .seconds(1)), at: time) }
      }
      writer.append(.fault(modality: 1, message: "gone"), at: stamp(10_100))
    }
    #expect(report.passes)
    #expect(try decisions(all).map { try $0.windows() } == [1, 1, 1, 1, 1, 1, 34])
    let times = try all.map { try $0.member("t_boot_ns").integer() }
    #expect(times == times.sorted())
  }

  /// Two kinds are alike or not by each thing that a record says once for all.
  @Test func whatTellsTwoKindsApart() throws {
    let changes: [(inout Decision) -> Void] = [
      { $0.look = true }, { $0.provisional = true }, { $0.used = ModalitySet(index: 1) },
      { $0.missing = ModalitySet(index: 1) }, { $0.answer.reason = .modalityMissing },
      { $0.answer.threshold = 0.25 },
      { $0.answer.label = nil }, { $0.answer.exit = .fusion }, { $0.skew = .zero },
      { $0.trace[0].threshold = 0.25 }, { $0.trace[0].reading.gain = 0 }, { $0.trace[0].reading.label = 1 },
      { $0.trace[0].reading.exit = .fusion }, { $0.energy[0].account = .features }, { $0.energy[0].exit = 2 },
      { $0.energy[0].modality = nil }, { $0.energy[0].kind = .measured }, { $0.energy[0].scope = .board },
    ]
    for (index, change) in changes.enumerated() {
      var random = SeededGenerator(state: 3)
      let (_, all) = try written { writer in
        writer.append(Self.steady(1, shape: 1, &random), at: stamp(250))
        writer.append(Self.steady(2, shape: 1, &random), at: stamp(250))
        var other = Self.steady(3, shape: 1, &random)
        change(&other)
        writer.append(other, at: stamp(500))
      }
      #expect(try decisions(all).count == 3, "change \(index)")
    }
  }

  /// A record lost with a full disk is counted as the windows it stands for.
  @Test func lostWindowsAreCounted() throws {
    let directory = TemporaryDirectory()
    var random = SeededGenerator(state: 3)
    var options = eager()
    let isFull = Flag()
    options.output.write = { file, bytes in
      isFull.isSet ? -Int(ENOSPC) : LedgerOutput.file.write(file, bytes)
    }
    var writer = try LedgerWriter(
      directory: directory.path, identity: Self.identity(), at: stamp(0), options: options, coalesces: true)
    writer.append(.start(version: "0.1", model: "m", order: [0, 1]), at: stamp(0))
    isFull.isSet = true
    for number in 1...50 {
      writer.append(Self.steady(UInt64(number), &random), at: stamp(Int64(number) * 250))
    }
    _ = writer.end(reason: "end", at: stamp(20_000)) { isFull.isSet = false }
    let report = try audit(directory.path)
    #expect(report.passes)
    #expect(report.shed == 50)
    #expect(report.decisions == 0)
  }

  @Test func aForgedCountIsFound() throws {
    let directory = TemporaryDirectory()
    var random = SeededGenerator(state: 3)
    var writer = try LedgerWriter(
      directory: directory.path, identity: Self.identity(), at: stamp(0), options: eager(), coalesces: true)
    writer.append(.start(version: "0.1", model: "m", order: [0, 1]), at: stamp(0))
    for number in 1...20 {
      writer.append(Self.steady(UInt64(number), &random), at: stamp(Int64(number) * 250))
    }
    #expect(writer.end(reason: "end", at: stamp(20_000)) == nil)
    #expect(try audit(directory.path).passes)
    let path = try firstSegment(directory)
    let text = String(decoding: contents(of: path), as: UTF8.self)
    #expect(text.contains(#""count":19"#))
    for forged in ["18", "1", "0", "-3", "2.5", "null", "\"19\""] {
      replace(path, with: Array(text.replacing(#""count":19"#, with: #""count":"# + forged).utf8))
      let found = try audit(directory.path).findings.map(\.what)
      #expect(found.contains { $0.contains("decisions says 20") }, "\(forged): \(found)")
    }
  }

  /// A file of a test's own.
  private final class Flag: @unchecked Sendable { var isSet = false }
}
