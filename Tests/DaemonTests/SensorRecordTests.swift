import Sensing
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline

@Suite struct SensorRecordTests {
  private let records = SensorRecords(names: ["audio", "image"])
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  private func take(_ from: SensorState, _ to: SensorState, recovery: Bool = false) -> SensorRecords.Outcome {
    records.take(
      .state(
        SensorTransition(
          sensor: 1, from: from, to: to, at: at(900), lasted: .milliseconds(700), isRecovery: recovery,
          detail: nil)))
  }

  @Test func aSleepRecordSaysHowLongItWasAwake() {
    guard case .sleep(1, let awake) = take(.awake(since: at(200)), .asleep).event else {
      Issue.record("no sleep record")
      return
    }
    #expect(awake == .milliseconds(700))
    guard case .sleep(1, .zero) = take(.waking(since: at(200)), .asleep).event else {
      Issue.record("a sensor that was waking was not awake")
      return
    }
  }

  @Test func theJournalIsToldOfFaultsAndRecoveries() {
    #expect(take(.asleep, .waking(since: at(900))).line == nil)
    #expect(take(.waking(since: at(200)), .awake(since: at(900))).line == nil)
    let failed = SensorState.failed(.unplugged, since: at(900))
    #expect(take(.awake(since: at(200)), failed).line?.text == "image failed")
    #expect(take(failed, .awake(since: at(900)), recovery: true).line?.text == "image is back")
  }

  @Test func heldAwakeIsToldWhenItIsToBe() {
    #expect(records.take(.heldAwake(sensor: 0, at: at(1), isTold: false)).line == nil)
    #expect(records.take(.heldAwake(sensor: 0, at: at(1), isTold: true)).line?.level == .notice)
  }
}
