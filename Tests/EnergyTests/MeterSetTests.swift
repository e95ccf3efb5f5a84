import Testing
import Vocabulary

@testable import Energy

/// Meters whose readings a test writes down.
private struct Scripted: Meter {
  let source: MeterSource
  var outcomes: [MeterOutcome]
  mutating func read(at now: MeterInstant) -> MeterOutcome { outcomes.removeFirst() }
}

@Suite struct MeterSetTests {
  private let board = MeterSource(name: "board", scope: .board)

  private func at(_ seconds: Int64) -> MeterInstant {
    MeterInstant(boot: .zero + .seconds(seconds), running: .seconds(seconds))
  }

  private func reading(
    _ start: Int64, _ end: Int64, _ energy: Int64, accounts: Int64, _ source: MeterSource? = nil
  ) -> MeterReading {
    MeterReading(
      source: source ?? board, start: .zero + .seconds(start), end: .zero + .seconds(end),
      energy: Nanojoules(energy), accounts: Nanojoules(accounts))
  }

  @Test func anIntervalIsWhatWasMeasuredAndWhatWasPosted() {
    var set = MeterSet([
      Scripted(
        source: board,
        outcomes: [.begun] + [10, 20, 30, 40].map { .measured(Nanojoules($0)) })
    ])
    #expect(set.sample(at: at(0), accounts: Nanojoules(100)).isEmpty && set.take().isEmpty)
    #expect(set.sample(at: at(1), accounts: Nanojoules(104)).isEmpty)
    #expect(set.sample(at: at(2), accounts: Nanojoules(107)).isEmpty)
    #expect(set.take() == [reading(0, 2, 30, accounts: 7)])
    #expect(set.take().isEmpty, "nothing is told twice")
    _ = set.sample(at: at(3), accounts: Nanojoules(1107))
    let last = set.take()
    #expect(last == [reading(2, 3, 30, accounts: 1000)])
    #expect(last[0].unattributed == Nanojoules(-970), "never scaled, and signed")
  }

  @Test func aGapEndsTheIntervalAndNothingStandsForIt() {
    var set = MeterSet([
      Scripted(
        source: board,
        outcomes: [
          .begun, .measured(Nanojoules(10)), .unmeasured(.suspended), .measured(Nanojoules(5)),
          .unmeasured(.unreadable), .unmeasured(.unreadable), .begun, .measured(Nanojoules(7)),
        ])
    ])
    var told: [MeterReading] = []
    for second in 0..<8 as Range<Int64> {
      told += set.sample(at: at(second), accounts: Nanojoules(second))
    }
    told += set.take()
    #expect(
      told == [reading(0, 1, 10, accounts: 1), reading(2, 3, 5, accounts: 1), reading(6, 7, 7, accounts: 1)])
    #expect(set.gaps == [.suspended: 1, .unreadable: 2])
  }

  @Test func whatWasNeverMeasuredHasNoReading() {
    var set = MeterSet([
      Scripted(source: board, outcomes: [MeterOutcome](repeating: .unmeasured(.notDischarging), count: 5))
    ])
    for second in 0..<5 as Range<Int64> {
      #expect(set.sample(at: at(second), accounts: .zero).isEmpty && set.take().isEmpty)
    }
  }

  /// Over any history and any ends of intervals: readings do not overlap, and sum to what was measured.
  @Test func readingsConserveWhatWasMeasured() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<1000 {
      var outcomes: [MeterOutcome] = [.begun]
      var isKnown = true
      var sum: Int64 = 0
      for _ in 0..<40 {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0:
          outcomes.append(.unmeasured(.unreadable))
          isKnown = false
        case 1 where isKnown: outcomes.append(.unmeasured(.late))
        default:
          let energy = Int64.random(in: 0...1_000_000, using: &generator)
          outcomes.append(isKnown ? .measured(Nanojoules(energy)) : .begun)
          if isKnown { sum += energy }
          isKnown = true
        }
      }
      var set = MeterSet([Scripted(source: board, outcomes: outcomes)])
      var told: [MeterReading] = []
      for second in 0..<Int64(outcomes.count) {
        told += set.sample(at: at(second), accounts: Nanojoules(second * second))
        if Bool.random(using: &generator) { told += set.take() }
      }
      told += set.take()
      #expect(told.reduce(0) { $0 + $1.energy.count } == sum)
      #expect(zip(told, told.dropFirst()).allSatisfy { $0.end <= $1.start })
      for reading in told {
        let (start, end) = (reading.start.sinceBoot / 1_000_000_000, reading.end.sinceBoot / 1_000_000_000)
        #expect(reading.accounts.count == end * end - start * start)
        #expect(reading.unattributed == reading.energy - reading.accounts)
      }
    }
  }

  @Test func aPackageHasNoResidue() {
    let package = MeterSource(name: "p", scope: .package)
    #expect(reading(0, 1, 5, accounts: 1, package).unattributed == nil)
  }

  @Test func aSourcesNameIsOneWord() {
    #expect(
      MeterSource(name: "hwmon:ina219@hwmon0/my rail\n\u{e9}", scope: .board).name
        == "hwmon:ina219@hwmon0/my_rail___")
  }
}
