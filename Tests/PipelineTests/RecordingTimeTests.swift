import Energy
import ScriptedModels
import Synchronization
import Testing
import Vocabulary

@testable import Pipeline

/// What metering and recording take: an account of its own.
@Suite struct RecordingTimeTests {
  private final class Threads: Sendable {
    let time = Mutex(Nanoseconds.zero)
    func run(for time: Nanoseconds) { self.time.withLock { $0 = $0 + time } }
  }

  private let sleeping = EnergyModel.ModalityPower(
    sensor: .init(asleep: 0.02, waking: 0.15, awake: 0.15), features: .zero)

  private func energy(watts: Double) -> EnergyModel {
    EnergyModel(
      source: "model:test", picojoulesPerMac: 0, picojoulesPerByte: 0, coreWatts: watts,
      modalities: [sleeping, sleeping])
  }

  private func account() -> SensorAccount {
    SensorAccount(wakeDeadline: .seconds(1), wakesPerMinute: 6, start: .zero)
  }

  private func posted(_ energy: Bounded<64, EnergyPosting>) -> [EnergyPosting] {
    energy.indices.map { energy[$0] }.filter { $0.account == .recording }
  }

  /// Each time is posted once, a minute's together, and what is left at the end; both sides have it.
  @Test func itIsPostedOnceAMinuteAndAtTheEnd() throws {
    let threads = Threads()
    let network = try ScriptedModel().model()
    var accounts = EnergyAccounts(energy(watts: 2), network: network) { threads.time.withLock { $0 } }
    var without = EnergyAccounts(energy(watts: 2), network: network)
    var sensors = [account(), account()]
    var others = sensors
    var total: Int64 = 0
    var postings: [Int] = []
    // 150 s of 4 windows a second, 1 ms on a core with each.
    for number in 1...600 {
      threads.run(for: .milliseconds(1))
      let now = Instant.zero + .milliseconds(Int64(number) * 250)
      var decision = Decision(number: UInt64(number), start: .zero, end: now)
      var plain = decision
      accounts.begin()
      accounts.post(to: &decision, sensors: &sensors, at: now)
      without.begin()
      without.post(to: &plain, sensors: &others, at: now)
      let mine = posted(decision.energy)
      #expect(posted(plain.energy).isEmpty)
      let sum = mine.reduce(Nanojoules.zero) { $0 + $1.energy }
      #expect(decision.totalEnergy - plain.totalEnergy == sum)
      #expect(decision.alwaysOn - plain.alwaysOn == sum)
      if let first = mine.first {
        #expect(mine.count == 1 && first.modality == nil && first.kind == .estimated)
        postings.append(number)
        total += sum.count
      }
    }
    // A minute behind the first decision, and again.
    #expect(postings == [241, 481])
    #expect(total == 481 * 2_000_000)
    threads.run(for: .milliseconds(5))
    let closing = accounts.close(sensors: &sensors, at: .zero + .seconds(151))
    let plain = without.close(sensors: &others, at: .zero + .seconds(151))
    let rest = try #require(posted(closing.energy).first).energy
    #expect(total + rest.count == 605 * 2_000_000)
    #expect(closing.total - plain.total == rest && closing.alwaysOn - plain.alwaysOn == rest)
  }

  /// A clock that goes back posts nothing twice and nothing below 0.
  @Test func aClockThatGoesBackPostsNothing() {
    let threads = Threads()
    var recording = RecordingTime { threads.time.withLock { $0 } }
    threads.run(for: .milliseconds(7))
    #expect(recording.due(at: .zero, isLast: false) == nil)
    #expect(recording.due(at: .zero + .seconds(60), isLast: false) == .milliseconds(7))
    threads.run(for: .zero - .milliseconds(5))
    #expect(recording.due(at: .zero + .seconds(119), isLast: false) == nil)
    #expect(recording.due(at: .zero + .seconds(120), isLast: false) == .zero)
    threads.run(for: .milliseconds(6))
    #expect(recording.due(at: .zero + .seconds(121), isLast: true) == .milliseconds(1))
  }

  /// Another generation goes on where the former was: nothing is posted again, and nothing is left out.
  @Test func anotherGenerationGoesOn() throws {
    let threads = Threads()
    let network = try ScriptedModel().model()
    var former = EnergyAccounts(energy(watts: 2), network: network) { threads.time.withLock { $0 } }
    var next = EnergyAccounts(energy(watts: 4), network: network)
    var sensors = [account(), account()]
    threads.run(for: .milliseconds(3))
    for second in [0, 60] {
      var decision = Decision(number: 1, start: .zero, end: .zero + .seconds(Int64(second)))
      former.begin()
      former.post(to: &decision, sensors: &sensors, at: decision.end)
      #expect(posted(decision.energy).map(\.energy.count) == (second == 0 ? [] : [6_000_000]))
    }
    threads.run(for: .milliseconds(2))
    next.adopt(recordingOf: former)
    let closing = next.close(sensors: &sensors, at: .zero + .seconds(61))
    #expect(posted(closing.energy).map(\.energy.count) == [8_000_000])
  }
}
