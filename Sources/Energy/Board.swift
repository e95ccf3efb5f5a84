import Vocabulary

/// Boards whose figures are shipped. All are estimates from published measurements and stated assumptions; the basis
/// of every figure stands in docs/ledger.md.
package enum Board: String, CaseIterable, Sendable {
  case raspberryPi4 = "raspberry-pi-4"
  case raspberryPi5 = "raspberry-pi-5"
  case raspberryPiZero2W = "raspberry-pi-zero-2w"
  case genericSBC = "generic-sbc"

  /// Of one int8 multiply-accumulate on one core: the core's extra power over its MACs a second.
  package var picojoulesPerMac: Double {
    switch self {
    case .raspberryPi4: 130
    case .raspberryPi5: 40
    case .raspberryPiZero2W: 200
    case .genericSBC: 200
    }
  }

  /// Of one byte read from DRAM.
  package var picojoulesPerByte: Double {
    switch self {
    case .raspberryPi4, .raspberryPi5: 100
    case .raspberryPiZero2W, .genericSBC: 150
    }
  }

  /// What a busy core draws more than an idle one.
  package var coreWatts: Double {
    switch self {
    case .raspberryPi4: 0.8
    case .raspberryPi5: 1.2
    case .raspberryPiZero2W: 0.4
    case .genericSBC: 1
    }
  }

  /// One window's features.
  package func features(_ kind: FeatureKind) -> Nanojoules {
    switch (self, kind) {
    case (_, .vector): .zero
    case (.raspberryPi4, .sound): Nanojoules(1_600_000)
    case (.raspberryPi4, .image): Nanojoules(800_000)
    case (.raspberryPi5, .sound): Nanojoules(1_000_000)
    case (.raspberryPi5, .image): Nanojoules(500_000)
    case (.raspberryPiZero2W, .sound): Nanojoules(2_400_000)
    case (.raspberryPiZero2W, .image): Nanojoules(1_200_000)
    case (.genericSBC, .sound): Nanojoules(2_000_000)
    case (.genericSBC, .image): Nanojoules(1_000_000)
    }
  }

  /// What is computed from a window before the network.
  package enum FeatureKind: String, CaseIterable, Sendable { case sound, image, vector }

  package enum SensorKind: String, CaseIterable, Sendable {
    case microphone, camera
    /// A sensor whose power is not known: no posting at all unless the configuration says.
    case other

    /// By state; the same on every board.
    package var power: EnergyModel.SensorPower {
      switch self {
      case .microphone: EnergyModel.SensorPower(asleep: 0.02, waking: 0.15, awake: 0.15)
      case .camera: EnergyModel.SensorPower(asleep: 0.05, waking: 1.2, awake: 1.2)
      case .other: EnergyModel.SensorPower(asleep: 0, waking: 0, awake: 0)
      }
    }

    /// Watts asleep with the device open and its stream stopped (`sleep-mode = warm`).
    package var warmWatts: Double {
      switch self {
      case .microphone: 0.1
      case .camera: 0.5
      case .other: 0
      }
    }
  }

  /// The model of energy for this board with these sensors, in the model's order of modalities.
  package func energyModel(_ modalities: [(sensor: SensorKind, features: FeatureKind)]) -> EnergyModel {
    EnergyModel(
      source: "model:" + rawValue, picojoulesPerMac: picojoulesPerMac, picojoulesPerByte: picojoulesPerByte,
      coreWatts: coreWatts,
      modalities: modalities.map {
        EnergyModel.ModalityPower(sensor: $0.sensor.power, features: features($0.features))
      })
  }
}
