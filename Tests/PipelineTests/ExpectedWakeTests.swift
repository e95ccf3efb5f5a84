import Energy
import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Pipeline

/// The wake that is expected, and what a pause saves.
@Suite struct ExpectedWakeTests {
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  private func account() -> SensorAccount {
    SensorAccount(wakeDeadline: .milliseconds(1_500), wakesPerMinute: 60, start: at(0))
  }

  // MARK: The wake that is expected

  @Test func theFirstWakeIsBelievedAndNotTheDeadline() {
    var account = account()
    #expect(account.expectedWake == .milliseconds(1_500))
    account.wakeTook(.milliseconds(200))
    #expect(account.expectedWake == .milliseconds(200))
    account.wakeTook(.milliseconds(400))
    #expect(account.expectedWake == .milliseconds(400))
    account.wakeTook(.milliseconds(100))
    #expect(account.expectedWake == .milliseconds(350))
  }

  @Test func oneSlowWakeKeepsASensorAwakeForAWhileAndNotForGood() {
    var account = account()
    account.wakeTook(.milliseconds(100))
    account.wakeTook(.milliseconds(1_400))
    let period = Nanoseconds.milliseconds(250)
    var slept: Int64?
    for second in 0..<Int64(8 * 3_600) where slept == nil {
      let now = at(second * 1_000)
      let checks = FullCheckClock(period: period, maximumBlind: .seconds(2), start: now)
      if account.maySleep(from: now, checks) { slept = second }
    }
    #expect(slept.map { (1_200...4_800).contains($0) } == true, "\(String(describing: slept)) s")
  }

  /// Two expected wakes do not fit into max-blind: it was never put to sleep, and no wake was ever seen.
  @Test func aSensorSleepsThoughTwiceItsDeadlineIsMoreThanMaxBlind() throws {
    let scene = try Scene()
    scene.configuration.gate.maximumBlind = .milliseconds(1_400)
    scene.configuration.gate.wakesPerMinute = 600
    var scripted = ScriptedModel(audio: [.sure(0), .unsure], image: [.sure(0), .unsure], fusion: .sure(0))
    scripted.none = "none"
    let outcome = try scene.play(
      scripted, audio: .init(), image: .init(wakeLatency: .milliseconds(100)), seconds: 30)
    #expect(outcome.status.sensors[1].wakes > 5)
    #expect(outcome.awake(1) < .seconds(20), "\(outcome.awake(1))")
  }

  // MARK: What a pause saves

  @Test func timeASensorMayNotBeUsedInIsNoSaving() throws {
    let energy = EnergyModel(
      source: "model:test", picojoulesPerMac: 0, picojoulesPerByte: 0,
      modalities: Array(
        repeating: .init(sensor: .init(asleep: 0.1, waking: 1, awake: 1), features: .zero), count: 2))
    var accounts = EnergyAccounts(energy, network: try ScriptedModel().model())
    var sensors = [account(), account()]
    func post(_ ms: Int64) -> (spent: Nanojoules, always: Nanojoules) {
      var decision = Decision(number: 1, start: at(0), end: at(ms))
      accounts.begin()
      accounts.post(to: &decision, sensors: &sensors, at: at(ms))
      return (decision.totalEnergy, decision.alwaysOn)
    }
    for index in sensors.indices { sensors[index].withhold(true, at: at(0)) }
    var (spent, always) = post(1_000)
    #expect(spent == Nanojoules(200_000_000) && always == spent)
    sensors[0].withhold(false, at: at(1_600))
    sensors[1].withhold(false, at: at(2_000))
    (spent, always) = post(2_000)
    #expect(spent == Nanojoules(200_000_000))
    #expect(always == Nanojoules(60_000_000 + 400_000_000 + 100_000_000))
    // Twice is as once.
    sensors[0].withhold(true, at: at(2_000))
    sensors[0].withhold(true, at: at(2_500))
    (spent, always) = post(3_000)
    #expect(always == Nanojoules(100_000_000 + 1_000_000_000))
    let closing = accounts.close(sensors: &sensors, at: at(4_000))
    #expect(closing.alwaysOn == Nanojoules(100_000_000 + 1_000_000_000))
  }
}
