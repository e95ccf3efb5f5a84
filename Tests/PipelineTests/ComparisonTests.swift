import Energy
import Engine
import ScriptedModels
import Sensing
import Testing
import Vocabulary

@testable import Pipeline

/// What keeping everything awake would have cost, where sensors cannot be had.
@Suite struct ComparisonTests {
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }
  private let energy = EnergyModel(
    source: "model:test", picojoulesPerMac: 1e6, picojoulesPerByte: 1e6,
    modalities: [
      .init(sensor: .init(asleep: 0.02, waking: 0.15, awake: 0.15), features: Nanojoules(2_000)),
      .init(sensor: .init(asleep: 0.05, waking: 1.2, awake: 1.2), features: Nanojoules(1_000)),
    ])

  private func account() -> SensorAccount {
    SensorAccount(wakeDeadline: .seconds(1), wakesPerMinute: 6, start: at(0))
  }

  @Test func everythingAwakeAndEverythingRun() throws {
    let model = try ScriptedModel().model()
    var accounts = EnergyAccounts(energy, network: model)
    var sensors = [account(), account()]
    var decision = Decision(number: 1, start: at(0), end: at(250))
    accounts.begin()
    accounts.post(to: &decision, sensors: &sensors, at: at(250))
    let computing = energy.compute(macs: model.lateFusionMacs, parameters: model.lateFusionParameters)
    #expect(computing > Nanojoules(100))
    #expect(decision.alwaysOn == computing + Nanojoules(37_500_000 + 300_000_000 + 3_000))
    #expect(decision.totalEnergy == Nanojoules(5_000_000 + 12_500_000), "both asleep")
  }

  @Test func aSensorThatCannotBeHadCountsOnNeitherSide() throws {
    let model = try ScriptedModel().model()
    var accounts = EnergyAccounts(energy, network: model)
    var sensors = [account(), account()]
    _ = sensors[1].enter(.failed(.absent, since: at(0)), of: 1, at: at(0), detail: nil)
    var decision = Decision(number: 1, start: at(0), end: at(250))
    accounts.begin()
    accounts.post(to: &decision, sensors: &sensors, at: at(250))
    #expect(decision.totalEnergy == Nanojoules(5_000_000))
    #expect(decision.alwaysOn > Nanojoules(37_500_000 + 2_000))
    #expect(decision.alwaysOn < Nanojoules(40_000_000))
    // It comes back halfway through the next window.
    _ = sensors[1].enter(.awake(since: at(400)), of: 1, at: at(400), detail: nil)
    decision.end = at(500)
    accounts.begin()
    accounts.post(to: &decision, sensors: &sensors, at: at(500))
    let computing = energy.compute(macs: model.lateFusionMacs, parameters: model.lateFusionParameters)
    #expect(decision.alwaysOn == computing + Nanojoules(37_500_000 + 120_000_000 + 3_000))
  }

  /// 4 frames to a window, one every 8 ms, of 500 nJ each; a picture's features are made as a whole.
  @Test func alwaysOnSensingComputesEachFrameOnceToo() throws {
    let model = try ScriptedModel().model()
    var accounts = EnergyAccounts(energy, network: model)
    var sensors = [account(), account()]
    let computing = energy.compute(macs: model.lateFusionMacs, parameters: model.lateFusionParameters)
    var decision = Decision(number: 1, start: at(0), end: at(0))
    func features(_ end: Int64) -> Nanojoules {
      let lasted = end - (decision.end - .zero).count / 1_000_000
      decision.end = at(end)
      accounts.begin()
      accounts.post(to: &decision, sensors: &sensors, at: at(end))
      return decision.alwaysOn - computing - Nanojoules((150_000 + 1_200_000) * lasted)
    }
    #expect(features(100) == Nanojoules(3_000))
    #expect(features(110) == Nanojoules(1_500), "one frame of its own")
    #expect(features(130) == Nanojoules(2_500), "three")
    #expect(features(500) == Nanojoules(3_000), "all four")
    // While the microphone cannot be had nothing is computed of it, and what comes after is all new.
    _ = sensors[0].enter(.failed(.absent, since: at(500)), of: 0, at: at(500), detail: nil)
    decision.end = at(750)
    accounts.post(to: &decision, sensors: &sensors, at: at(750))
    _ = sensors[0].enter(.awake(since: at(751)), of: 0, at: at(751), detail: nil)
    decision.end = at(758)
    accounts.begin()
    accounts.post(to: &decision, sensors: &sensors, at: at(758))
    #expect(decision.alwaysOn == computing + Nanojoules(150_000 * 7 + 1_200_000 * 8 + 3_000))
  }

  @Test func aMachineWithoutSensorsSavesNothing() throws {
    let model = try ScriptedModel().model()
    var accounts = EnergyAccounts(energy, network: model)
    var sensors = [account(), account()]
    for index in 0..<2 {
      _ = sensors[index].enter(.failed(.absent, since: at(0)), of: index, at: at(0), detail: nil)
    }
    var decision = Decision(number: 1, start: at(0), end: at(250))
    accounts.begin()
    accounts.post(to: &decision, sensors: &sensors, at: at(250))
    #expect(decision.totalEnergy == .zero && decision.alwaysOn == .zero)
    let closing = accounts.close(sensors: &sensors, at: at(900))
    #expect(closing.total == .zero && closing.alwaysOn == .zero)
  }
}
