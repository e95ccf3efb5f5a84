import Energy
import Engine
import Glibc
import Vocabulary

/// What `--print-config` prints: every setting with its value, as a file that reads back to the same configuration.
/// A value that is the default's is marked `; default`; one that is not set stands in a comment with what holds.
package struct ConfigurationListing {
  package private(set) var text = ""

  /// - Parameters:
  ///   - model: lists the sensors of all its modalities, each with the keys of its kind.
  ///   - energy: the powers that hold where the configuration has none.
  package init(_ configuration: Configuration, model: Model, energy: EnergyModel) {
    var all = configuration
    all.makePathsAbsolute()
    let fresh = Configuration()
    let board = Board(rawValue: all.energy.board) ?? .genericSBC
    section("daemon", Keys.general, all.general, fresh.general)
    section(
      "gate", Keys.gate, all.gate, fresh.gate,
      unset: ["first": "the order decides", "threshold": "the model's own"])
    section(
      "energy", Keys.energy + Keys.meters, all.energy, fresh.energy,
      unset: [
        "picojoules-per-mac": "\(board.picojoulesPerMac)",
        "picojoules-per-byte": "\(board.picojoulesPerByte)",
      ])
    section("ledger", Keys.ledger, all.ledger, fresh.ledger)
    section("metrics", Keys.metrics, all.metrics, fresh.metrics, unset: ["textfile": "none is written"])
    section("replay", Keys.replay, all.replay, fresh.replay, unset: ["recording": "none: live sensors"])
    section("adaptation", Keys.adaptation, all.adaptation, fresh.adaptation)
    section("events", Keys.events, all.events, fresh.events)
    for label in model.classes.indices where label != model.noneClass && model.noneClass != nil {
      let rule = all.eventClass(for: model.classes[label])
      section(
        "event \(rule.label)", Keys.eventClass, rule, Configuration.EventClass(label: rule.label),
        unset: [
          "level": "\(all.events.level)", "hold": Quantity.text(all.events.hold),
          "refractory": Quantity.text(all.events.refractory),
        ])
    }
    for (modality, figures) in zip(model.modalities, energy.modalities) {
      var keys = Keys.sensor
      var foreign = Keys.microphone
      if case .spectrogram = modality.features { foreign = Keys.camera }
      keys.removeAll { foreign.contains($0.name) }
      section(
        "sensor \(modality.name)", keys, all.sensor(for: modality.name),
        Configuration.Sensor(modality: modality.name),
        unset: [
          "device": modality.features.defaultDevice, "channel": "mix",
          "sleep-mode": "closed", "replay-warm-latency": Quantity.text(Configuration.Sensor.usualWarmLatency),
          "warm-power": Self.watts(Self.warm(modality.features)),
          "stuck-after": Quantity.text(SoundChannel.usualStuckAfter), "pixel-format": "the cheapest",
          "exposure": "as the camera is", "gain": "as the camera is",
          "power-line-frequency": "as the camera is", "asleep-power": Self.watts(figures.sensor.asleep),
          "waking-power": Self.watts(figures.sensor.waking), "awake-power": Self.watts(figures.sensor.awake),
        ])
    }
    text.removeLast()
  }

  private mutating func section<T>(
    _ title: String, _ keys: [Key<T>], _ value: T, _ fresh: T, unset: [String: String] = [:]
  ) {
    text += "[\(title.printable)]\n"
    for key in keys {
      if let shown = key.show(value), !shown.isEmpty {
        text += "\(key.name) = \(shown.printable)" + (shown == key.show(fresh) ? " ; default\n" : "\n")
      } else {
        text += "# \(key.name) = \(unset[key.name] ?? "") ; default\n"
      }
    }
    text += "\n"
  }

  private static func warm(_ features: Features) -> Int64 {
    var kind = Board.SensorKind.camera
    if case .spectrogram = features { kind = .microphone }
    return Int64((kind.warmWatts * 1e6).rounded())
  }

  private static func watts(_ microwatts: Int64) -> String {
    microwatts % 1000 == 0 ? "\(microwatts / 1000)mW" : "\(microwatts)uW"
  }
}

extension Configuration {
  /// So that the listing means the same wherever it is kept.
  fileprivate mutating func makePathsAbsolute() {
    guard let bytes = getcwd(nil, 0) else { return }
    defer { free(bytes) }
    let here = String(cString: bytes)
    func absolute(_ path: String) -> String { path.isEmpty || path.hasPrefix("/") ? path : here + "/" + path }
    general.model = absolute(general.model)
    general.socket = absolute(general.socket)
    ledger.directory = absolute(ledger.directory)
    metrics.textfile = absolute(metrics.textfile)
    replay.recording = absolute(replay.recording)
  }
}

extension Features {
  /// The device of a sensor for which none is configured.
  package var defaultDevice: String {
    switch self {
    case .spectrogram: "default"
    case .image: "/dev/video0"
    case .vector: ""
    }
  }
}
