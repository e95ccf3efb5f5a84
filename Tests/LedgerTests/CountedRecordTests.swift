import Energy
import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger
@testable import Wire

/// What one counted record says, what ends it, and what stands alone.
extension CoalescingTests {
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

  /// Two minutes and 480 windows are the most that waits.
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
    #expect(counts.count == 4 && counts.allSatisfy { $0 <= Int64(SteadyWindows.maximumWindows) })
  }

  @Test func timeAloneEndsARun() throws {
    var random = SeededGenerator(state: 3)
    let (_, all) = try written { writer in
      writer.append(Self.steady(1, &random), at: stamp(250))
      #expect(writer.records == 2, "the first of a run does not wait")
      let window = Self.steady(2, &random)
      writer.append(window, at: LedgerStamp(boot: window.decided))
      writer.recordSteady(at: window.decided + .seconds(119))
      #expect(writer.records == 2)
      writer.recordSteady(at: window.decided + .seconds(120))
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
      { $0.trace[0].reading.exit = .fusion },
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

  /// What a window cost on makes no other kind: each posting is summed on its own, whichever windows have it. One that is
  /// taken out alone has its own, in its own order.
  @Test func windowsAlikeMayHaveOtherPostings() throws {
    let changes: [(inout Decision) -> Void] = [
      { $0.energy[0].account = .features }, { $0.energy[0].exit = 2 }, { $0.energy[0].modality = nil },
      { $0.energy[0].kind = .measured }, { $0.energy[0].scope = .board }, { $0.energy.removeAll() },
      { $0.energy.append($0.energy[0]) },
      { $0.energy.append(EnergyPosting(account: .wake, modality: 1, energy: Nanojoules(7))) },
    ]
    func sums(_ windows: [Decision]) -> [String: Int64] {
      var sums: [String: Int64] = [:]
      for window in windows {
        for index in window.energy.indices {
          let posting = window.energy[index]
          let name =
            "\(posting.account) \(posting.modality.map { Self.noneNames.modalities[$0] } ?? "-") \(posting.exit ?? 0) "
            + "\(posting.scope) \(posting.kind)"
          sums[name, default: 0] += posting.energy.count
        }
      }
      return sums
    }
    func sums(_ record: JSONPlace) throws -> [String: Int64] {
      var sums: [String: Int64] = [:]
      for posting in try record.member("energy").elements() {
        let modality = try posting.optional("modality")?.string() ?? "-"
        let exit = try posting.optional("exit")?.integer() ?? 0
        let place = "\(modality) \(exit) \(try posting.member("scope").string())"
        let name = "\(try posting.member("account").string()) \(place) \(try posting.member("kind").string())"
        sums[name, default: 0] += try posting.member("nanojoules").integer()
      }
      return sums
    }
    for (index, change) in changes.enumerated() {
      for alone in [false, true] {
        var random = SeededGenerator(state: 3)
        var windows = (1...6).map { Self.steady($0, shape: 1, &random) }
        for place in [2, 4] { change(&windows[place]) }
        let (report, all) = try written { writer in
          for window in windows { writer.append(window, at: LedgerStamp(boot: window.decided)) }
          if alone { writer.append(.label(decision: 3, label: 1, user: nil), at: stamp(1600)) }
        }
        #expect(report.passes, "change \(index)")
        let records = try decisions(all)
        #expect(try records.map { try $0.windows() } == (alone ? [1, 1, 1, 3] : [1, 5]), "change \(index)")
        let total = try records.reduce(into: [:]) { sum, record in
          sum.merge(try sums(record)) { $0 + $1 }
        }
        #expect(total == sums(windows), "change \(index)")
        guard alone else { continue }
        var plain = JSONWriter(capacity: 1 << 16)
        DecisionRecord.write(windows[2], Self.noneNames, into: &plain)
        let members = try JSONValue.parse(Array(plain.withBytes { String(decoding: $0, as: UTF8.self) }.utf8))
        #expect(
          try records[2].member("energy").value == JSONPlace(members).member("energy").value,
          "change \(index)")
      }
    }
  }

  /// Of a kind that has more different postings than have room, the rest make a kind of their own.
  @Test func postingsBeyondTheRoomOfAKind() throws {
    var random = SeededGenerator(state: 3)
    var windows = (1...40).map { Self.steady($0, shape: 1, &random) }
    for place in windows.indices { windows[place].energy[0].exit = place + 1 }
    let (report, all) = try written { writer in
      for window in windows { writer.append(window, at: LedgerStamp(boot: window.decided)) }
    }
    #expect(report.passes)
    let records = try decisions(all)
    #expect(records.count > 2 && records.count < 20)
    #expect(try records.reduce(0) { $0 + (try $1.windows()) } == 40)
    let total = try records.reduce(0) { $0 + (try $1.member("total_nanojoules").integer()) }
    #expect(total == windows.reduce(0) { $0 + $1.totalEnergy.count })
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
