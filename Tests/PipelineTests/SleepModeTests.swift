import Energy
import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Pipeline

/// What a sensor whose device stays open asleep is expected to take, and is billed for.
@Suite struct SleepModeTests {
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  private func account(_ resume: Nanoseconds?) -> SensorAccount {
    SensorAccount(
      wakeDeadline: .milliseconds(1_500), wakesPerMinute: 60, start: at(0), expectedResume: resume)
  }

  private func enter(_ account: inout SensorAccount, _ state: SensorState, _ ms: Int64) {
    _ = account.enter(state, of: 0, at: at(ms), detail: nil)
  }

  /// Goes to sleep from a wake of that length.
  private func wake(_ account: inout SensorAccount, _ from: Int64, taking ms: Int64) {
    enter(&account, .waking(since: at(from)), from)
    enter(&account, .awake(since: at(from + ms)), from + ms)
    account.wakeTook(.milliseconds(ms))
    enter(&account, .asleep, from + ms + 1)
  }

  // MARK: The wake that is expected

  @Test func aColdWakeTellsNothingOfTheNext() {
    var account = account(.milliseconds(100))
    #expect(account.expectedWake == .milliseconds(1_500))
    wake(&account, 0, taking: 900)
    #expect(account.expectedWake == .milliseconds(100), "as it is taken to last until one is seen")
    wake(&account, 2_000, taking: 60)
    #expect(account.expectedWake == .milliseconds(60))
    wake(&account, 4_000, taking: 80)
    #expect(account.expectedWake == .milliseconds(80))
    // Handed over it is closed: the next wake is as the cold one was, and the one after it as before.
    account.withhold(true, at: at(5_000))
    account.withhold(false, at: at(6_000))
    #expect(account.expectedWake == .milliseconds(900))
    wake(&account, 7_000, taking: 700)
    #expect(account.expectedWake == .milliseconds(80))
    enter(&account, .failed(.unplugged, since: at(9_000)), 9_000)
    #expect(account.expectedWake == .milliseconds(700))
  }

  @Test func aHotSensorMaySleepThoughItsFirstWakeWasSlow() {
    var account = account(.zero)
    wake(&account, 0, taking: 1_400)
    let now = at(2_000)
    let checks = FullCheckClock(period: .milliseconds(250), maximumBlind: .seconds(2), start: now)
    let may = account.maySleep(from: now, checks)
    #expect(may && account.expectedWake == .zero && account.lastWake == .zero)
  }

  // MARK: Energy

  @Test func sleepIsBilledAsTheDeviceIs() throws {
    let energy = EnergyModel(
      source: "model:test", picojoulesPerMac: 0, picojoulesPerByte: 0,
      modalities: [
        .init(sensor: .init(asleep: 0.1, standby: 0.5, waking: 1, awake: 1), features: .zero),
        .init(sensor: .init(asleep: 0, waking: 0, awake: 0), features: .zero),
      ])
    var accounts = EnergyAccounts(energy, network: try ScriptedModel().model())
    var sensors = [account(.milliseconds(100)), account(nil)]
    func spent(by ms: Int64) -> Nanojoules {
      var decision = Decision(number: 1, start: at(0), end: at(ms))
      accounts.begin()
      accounts.post(to: &decision, sensors: &sensors, at: at(ms))
      return decision.totalEnergy
    }
    // Not woken yet: closed. Then a second awake, and a second asleep and open.
    #expect(spent(by: 1_000) == Nanojoules(100_000_000))
    enter(&sensors[0], .waking(since: at(1_000)), 1_000)
    enter(&sensors[0], .awake(since: at(1_500)), 1_500)
    enter(&sensors[0], .asleep, 2_000)
    #expect(spent(by: 3_000) == Nanojoules(1_000_000_000 + 500_000_000))
    #expect(spent(by: 3_500) == Nanojoules(250_000_000))
    // Half a second more of that; then another program has it.
    sensors[0].withhold(true, at: at(4_000))
    #expect(spent(by: 5_000) == Nanojoules(250_000_000 + 100_000_000))
    sensors[0].withhold(false, at: at(5_000))
    #expect(spent(by: 6_000) == Nanojoules(100_000_000), "it is closed until it wakes")
  }

  /// A microphone that is never sure, and a camera that is woken for each window.
  private func play(_ mode: SleepMode) throws -> Scene.Outcome {
    let scene = try Scene(seconds: 6)
    scene.configuration.sensors[0].sleepMode = mode
    scene.configuration.sensors[0].replayWarmLatency = .milliseconds(60)
    scene.configuration.gate.wakesPerMinute = 600
    return try scene.play(ScriptedModel(audio: [.unsure, .unsure], image: [.sure(1), .unsure]))
  }

  /// What the camera was billed for, in joules.
  private func camera(_ outcome: Scene.Outcome) -> Double {
    var sum = 0.0
    for decision in outcome.decisions {
      for index in decision.energy.indices where decision.energy[index].modality == 1 {
        switch decision.energy[index].account {
        case .sensing, .wake, .settling, .idle: sum += decision.energy[index].energy.joules
        default: break
        }
      }
    }
    return sum
  }

  private func waking(_ outcome: Scene.Outcome) -> Nanoseconds {
    outcome.status.sensors[1].durations(at: outcome.status.now).waking
  }

  /// Seconds up to the first wake, and in each state.
  private func times(_ outcome: Scene.Outcome) throws -> (closed: Double, asleep: Double, on: Double) {
    let last = try #require(outcome.decisions.last).decided
    var closed: Double?
    for note in outcome.notes {
      if case .state(let change) = note, change.sensor == 1, case .waking = change.to, closed == nil {
        closed = (change.at - .zero).seconds
      }
    }
    let durations = outcome.status.sensors[1].durations(at: outcome.status.now)
    let on = (durations.waking + durations.awake).seconds
    return (try #require(closed), (last - .zero).seconds - on, on)
  }

  @Test func aHotCameraAnswersAtOnceAndIsBilledAsAwake() throws {
    let outcome = try play(.hot)
    let closed = try play(.closed)
    // From its second wake on: nothing is waited for.
    #expect(outcome.decisions.dropFirst(2).allSatisfy { $0.decided == $0.end })
    #expect(waking(outcome) <= .milliseconds(250) && waking(closed) > .seconds(1), "but for the first time")
    #expect(outcome.decisions.count > closed.decisions.count / 2)
    #expect(outcome.decisions.dropFirst(2).allSatisfy { $0.answer.label == 1 && !$0.woken.isEmpty })
    let time = try times(outcome)
    #expect(abs(camera(outcome) - (0.05 * time.closed + 1.2 * (time.asleep - time.closed + time.on))) < 1e-5)
    #expect(camera(closed) < camera(outcome))
  }

  @Test func aWarmCameraIsSoonerAwakeAndBilledInBetween() throws {
    let outcome = try play(.warm)
    let hot = try play(.hot)
    let closed = try play(.closed)
    #expect(waking(outcome) < waking(closed) && waking(outcome) > waking(hot))
    let time = try times(outcome)
    let expected = 0.05 * time.closed + 0.5 * (time.asleep - time.closed) + 1.2 * time.on
    #expect(abs(camera(outcome) - expected) < 1e-5)
  }
}
