import Vocabulary

extension Keys {
  /// Of [sensor NAME]: how its device is set. What is usual is not shown: the canonical text, and so a configuration's digest, is that
  /// of a file without them, and a camera's has no microphone's.
  static let devices: [Key<Configuration.Sensor>] = [
    Key(
      name: "sleep-mode", takes: SleepMode.allCases.map(\.rawValue).joined(separator: ", "),
      help:
        "Its device while it sleeps: closed (the default), open with its stream stopped (warm), or streaming on (hot)."
    ) { (text, sensor) throws(ValueError) in
      sensor.sleepMode = try Quantity.choice(text, of: SleepMode.self)
    } show: {
      $0.sleepMode == .closed ? nil : $0.sleepMode.rawValue
    },
    Key(
      name: "pixel-format",
      takes: CameraSettings.PixelFormat.allCases.map(\.rawValue).joined(separator: ", "),
      help: "Camera: format asked for, in place of the cheapest that it offers."
    ) { (text, sensor) throws(ValueError) in
      sensor.camera.pixelFormat = try Quantity.choice(text, of: CameraSettings.PixelFormat.self)
    } show: {
      $0.camera.pixelFormat?.rawValue
    },
    Key(
      name: "exposure", takes: "auto, or duration, 0.0001 s to 10 s",
      help: "Camera: time a picture is exposed; set each time the camera is opened."
    ) { (text, sensor) throws(ValueError) in
      sensor.camera.exposure = text == "auto" ? .automatic : .fixed(try Quantity.duration(text, 0.0001...10))
    } show: {
      switch $0.camera.exposure {
      case nil: nil
      case .automatic: "auto"
      case .fixed(let time): Quantity.text(time)
      }
    },
    Key(
      name: "gain", takes: "auto, or number, 0 to 65535",
      help: "Camera: gain, in the camera's own unit; set each time the camera is opened."
    ) { (text, sensor) throws(ValueError) in
      sensor.camera.gain = text == "auto" ? .automatic : .fixed(try Quantity.count(text, 0...65535))
    } show: {
      switch $0.camera.gain {
      case nil: nil
      case .automatic: "auto"
      case .fixed(let value): String(value)
      }
    },
    Key(
      name: "power-line-frequency",
      takes: CameraSettings.PowerLine.allCases.map(\.rawValue).joined(separator: ", "),
      help: "Camera: hertz that lamps flicker by; set each time the camera is opened."
    ) { (text, sensor) throws(ValueError) in
      sensor.camera.powerLine = try Quantity.choice(text, of: CameraSettings.PowerLine.self)
    } show: {
      $0.camera.powerLine?.rawValue
    },
    Key(
      name: "channel", takes: "mix, or number, 1 to 32",
      help: "Microphone: the channel that is heard, or the mean of all."
    ) { (text, sensor) throws(ValueError) in
      sensor.channel = text == "mix" ? .mixed : .one(try Quantity.count(text, 1...32))
    } show: {
      if case .one(let number) = $0.channel { String(number) } else { nil }
    },
    Key(
      name: "stuck-after", takes: "duration, 0 s to 3600 s",
      help:
        "Microphone: sound that is one value for so long is a fault, not silence; 4s where not set, 0s for never."
    ) { (text, sensor) throws(ValueError) in
      sensor.stuckAfter = try Quantity.duration(text, 0...3600)
    } show: {
      $0.stuckAfter == SoundChannel.usualStuckAfter ? nil : Quantity.text($0.stuckAfter)
    },
  ]

  /// Of [sensor NAME] too: what sleep-mode = warm is reckoned with.
  static let warm: [Key<Configuration.Sensor>] = [
    Key(
      name: "replay-warm-latency", takes: "duration, 0 s to 60 s",
      help: "Replay: the same with sleep-mode = warm, from the stream's start on; 100ms where not set."
    ) { (text, sensor) throws(ValueError) in
      sensor.replayWarmLatency = try Quantity.duration(text, 0...60)
    } show: {
      $0.replayWarmLatency == Configuration.Sensor.usualWarmLatency
        ? nil : Quantity.text($0.replayWarmLatency)
    },
    .optional(
      "warm-power", takes: "power", unit: "W", \.warmWatts,
      "Power drawn asleep with sleep-mode = warm, in place of the table's figure (hot takes awake-power)."
    ) { (text) throws(ValueError) in try Quantity.watts(text, 0...1000) },
  ]
}
