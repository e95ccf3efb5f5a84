import Testing
import Vocabulary

@testable import Energy

@Suite struct EnergyModelTests {
  private let model = EnergyModel(
    source: "test", picojoulesPerMac: 130, picojoulesPerByte: 0.25,
    modalities: [
      EnergyModel.ModalityPower(
        sensor: .init(asleep: 0, waking: 0.15, awake: 0.15), features: Nanojoules(1000)),
      EnergyModel.ModalityPower(
        sensor: .init(asleep: 0.05, waking: 1.2, awake: 1), features: .zero),
    ])

  @Test func computeIsMacsAndBytesRoundedOnce() {
    // 130 pJ x 10 = 1300 pJ, 0.25 pJ x 800 = 200 pJ: 1.5 nJ, half up.
    #expect(model.compute(macs: 10, parameters: 800) == Nanojoules(2))
    #expect(model.compute(macs: 10, parameters: 796) == Nanojoules(1))
    #expect(model.compute(macs: 1_000_000, parameters: 0) == Nanojoules(130_000))
    #expect(model.compute(macs: .max, parameters: .max).count == 1_201_344_207_800_334_549)
  }

  @Test func sensorsByState() {
    let second = Nanoseconds.seconds(1)
    #expect(model.sensing(0, for: second)?.energy == Nanojoules(150_000_000))
    #expect(model.waking(1, for: .milliseconds(500))?.energy == Nanojoules(600_000_000))
    #expect(model.settling(1, for: second)?.energy == Nanojoules(1_000_000_000))
    #expect(model.idle(1, for: second)?.energy == Nanojoules(50_000_000))
    // An hour of a watt, to the nanojoule.
    #expect(model.sensing(1, for: .seconds(3600))?.energy == Nanojoules(3_600_000_000_000))
  }

  @Test func aDeviceThatStaysOpenIsPaidAsleep() {
    let open = EnergyModel(
      source: "test", picojoulesPerMac: 0, picojoulesPerByte: 0,
      modalities: [
        .init(sensor: .init(asleep: 0.05, standby: 0.5, waking: 1.2, awake: 1), features: .zero),
        .init(sensor: .init(asleep: 0.05, standby: 1, waking: 1, awake: 1), features: .zero),
      ])
    let second = Nanoseconds.seconds(1)
    #expect(open.idle(0, for: second, resting: second)?.energy == Nanojoules(550_000_000))
    // What a wake takes more: 0.45 W are drawn anyway.
    #expect(open.wake(0, taking: second, awake: second) == Nanojoules(750_000_000 + 550_000_000))
    #expect(open.wake(1, taking: .zero, awake: second) == Nanojoules(50_000_000))
    #expect(
      model.wake(1, taking: .milliseconds(500), awake: second) == Nanojoules(600_000_000 + 1_000_000_000))
  }

  @Test func whatCostsNothingHasNoPosting() {
    #expect(model.idle(0, for: .seconds(1)) == nil)
    #expect(model.features(1) == nil)
    #expect(model.sensing(0, for: .zero) == nil)
    #expect(model.sensing(0, for: Nanoseconds(-5)) == nil)
    let check = Reading(
      exit: .encoder(modality: 0, exit: 0), entropy: 0, label: 0, certainty: 1, macs: 0, parameters: 0)
    #expect(model.compute(check) == nil)
  }

  /// In equal shares, rounded once; all of them together are the window.
  @Test func aSpectrogramCostsWhatIsComputedOfIt() {
    func features(_ computed: Int) -> Nanojoules? {
      model.features(0, SpectrogramWork(computed: computed, frames: 49))?.energy
    }
    #expect(features(49) == Nanojoules(1_000) && model.features(0)?.energy == Nanojoules(1_000))
    #expect(features(12) == Nanojoules(245), "244.9")
    #expect(features(13) == Nanojoules(265), "265.3")
    #expect(features(0) == nil, "nothing was computed")
  }

  @Test func postingsSayWhatAndHow() {
    let reading = Reading(
      exit: .encoder(modality: 1, exit: 2), entropy: 0, label: 0, certainty: 1, macs: 100, parameters: 0)
    #expect(
      model.compute(reading)
        == EnergyPosting(
          account: .segment, modality: 1, exit: 2, energy: Nanojoules(13), scope: .modelled, kind: .estimated)
    )
    #expect(model.compute(reading, as: .audit)?.account == .audit)
    let fused = Reading(exit: .fusion, entropy: 0, label: 0, certainty: 1, macs: 100, parameters: 0)
    #expect(model.compute(fused)?.account == .fusion)
    #expect(model.compute(fused)?.modality == nil)
  }

  @Test(arguments: Board.allCases) func shippedBoardsAreUsable(_ board: Board) {
    let model = board.energyModel([(.microphone, .sound), (.camera, .image), (.other, .vector)])
    #expect(model.source == "model:" + board.rawValue)
    #expect(model.features(0) != nil && model.features(1) != nil && model.features(2) == nil)
    #expect(model.sensing(2, for: .seconds(1)) == nil)
    // A camera for a window costs more than a microphone: the premise of the whole daemon.
    let second = Nanoseconds.seconds(1)
    #expect(model.sensing(1, for: second)?.energy ?? .zero > model.sensing(0, for: second)?.energy ?? .zero)
    #expect(model.compute(macs: 1_000_000, parameters: 100_000) > .zero)
  }
}
