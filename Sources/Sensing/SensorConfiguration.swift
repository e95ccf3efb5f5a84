import Vocabulary

/// What is wanted of one sensor. Sensors are numbered from 0 in the order of the configurations given to a rig.
package struct SensorConfiguration: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// Mono 16-bit sound at `rate` samples a second.
    case sound(rate: Int)
    /// Pictures with 1 (grey) or 3 (RGB) channels. Width and height are a wish: the nearest the device offers
    /// is delivered, and the receiver scales. A recording delivers its own size and frame rate.
    case image(width: Int, height: Int, channels: Int, frameRate: FrameRate)
  }

  /// The modality's name in the model; in a recording, the name of its entry.
  package var name: String
  package var kind: Kind
  /// Sound: an ALSA name (`default`, `plughw:CARD=Loopback,DEV=1`). Image: a device path, a link in
  /// `/dev/v4l/by-id`, or the card's name. Unused in a replay.
  package var device: String
  /// The longest a woken sensor is waited for. The rig does not enforce it; the gate does.
  package var wakeDeadline: Nanoseconds
  /// A woken sensor that has not delivered by then has failed: three wake deadlines, and no less than what a slow
  /// device that works may take (`leastWakeLimit`; its settling frames and two more).
  package var wakeLimit: Nanoseconds
  /// Replay only: how long the virtual device takes from the wake to its first sample or frame.
  package var wakeLatency: Nanoseconds
  /// What becomes of the device while it sleeps. A sensor that has not been awake yet, or was given up or handed over since, is closed.
  package var sleepMode = SleepMode.closed
  /// Replay only: the same from a wake whose device stayed open (`warm`).
  package var warmLatency = Nanoseconds.zero
  /// Frames thrown away after a wake, while exposure and white balance find their level.
  package var settlingFrames: Int
  /// How much past sound stays readable.
  package var history: Nanoseconds
  /// Camera: controls set at each opening.
  package var cameraSettings = CameraSettings()
  /// Microphone: which of the device's channels is taken.
  package var channel = SoundChannel.mixed
  /// Microphone: sound that has been one value for so long is a fault; zero: never.
  package var stuckAfter = SoundChannel.usualStuckAfter

  /// USB devices with a cold driver take up to a second from opening to the first data.
  private static let leastWakeLimit = Nanoseconds.seconds(2)

  /// - Parameter wakeLimit: nil for the limit described there.
  package init(
    name: String, kind: Kind, device: String = "", wakeDeadline: Nanoseconds = .seconds(2),
    wakeLimit: Nanoseconds? = nil, wakeLatency: Nanoseconds = .zero, settlingFrames: Int = 0,
    history: Nanoseconds = .seconds(4)
  ) {
    self.name = name
    self.kind = kind
    self.device = device
    self.wakeDeadline = wakeDeadline
    var least = Self.leastWakeLimit
    if case .image(_, _, _, let rate) = kind {
      let frames = Int64(min(max(0, settlingFrames), SensingLimits.settlingFrames) + 2)
      least = max(least, Nanoseconds(rate.interval.count * frames))
    }
    self.wakeLimit = wakeLimit ?? max(least, Nanoseconds(3 * min(wakeDeadline, .seconds(3_600)).count))
    self.wakeLatency = wakeLatency
    self.settlingFrames = settlingFrames
    self.history = history
  }
}

extension SensorConfiguration {
  /// Replay only: how long a wake takes from a sleep in which the device rests as it is set to.
  package var latencyAsleep: Nanoseconds {
    switch sleepMode {
    case .closed: wakeLatency
    case .warm: warmLatency
    case .hot: .zero
    }
  }

  /// How long a wake is taken to last from a sleep in which the device stayed open, until one has been seen: an open camera's stream
  /// needs an interval or two and settles anew, one that runs on needs nothing. Nil where the device is closed.
  package var expectedResume: Nanoseconds? {
    switch (sleepMode, kind) {
    case (.closed, _): nil
    case (.hot, _): .zero
    case (.warm, .sound): .milliseconds(100)
    case (.warm, .image(_, _, _, let rate)):
      Nanoseconds(rate.interval.count * Int64(min(max(0, settlingFrames), SensingLimits.settlingFrames) + 2))
    }
  }

  /// - Throws: the first thing in the list that cannot be, by the sensor's name.
  package static func check(_ sensors: [SensorConfiguration]) throws(SensingError) {
    guard (1...SensingLimits.sensors).contains(sensors.count) else {
      throw SensingError(
        "sensors", .configuration("\(sensors.count) where 1 to \(SensingLimits.sensors) can be"))
    }
    for (index, sensor) in sensors.enumerated() {
      if sensors[..<index].contains(where: { $0.name.hasSameBytes(as: sensor.name) }) {
        throw SensingError("sensor \(sensor.name)", .configuration("named twice"))
      }
      if let fault = sensor.fault { throw SensingError("sensor \(sensor.name)", .configuration(fault)) }
    }
  }

  private var fault: String? {
    switch kind {
    case .sound(let rate):
      if !SensingLimits.sampleRates.contains(rate) { return "sample rate \(rate)" }
    case .image(let width, let height, let channels, _):
      let sides = 1...SensingLimits.imageSide
      if !sides.contains(width) || !sides.contains(height) { return "picture of \(width) x \(height) pixels" }
      if channels != 1 && channels != 3 { return "\(channels) channels where 1 or 3 can be" }
    }
    if history <= .zero || history > SensingLimits.history {
      return "history of \(history.count / 1_000_000) ms"
    }
    if settlingFrames < 0 || settlingFrames > SensingLimits.settlingFrames {
      return "\(settlingFrames) settling frames"
    }
    if wakeLatency < .zero || warmLatency < .zero || wakeDeadline < .zero { return "a negative time" }
    return nil
  }
}

/// The bounds a configuration, a device or a file is held to before any memory is asked for.
package enum SensingLimits {
  /// Sensors of one rig: as many modalities as a `ModalitySet` holds.
  package static let sensors = 32
  /// Samples a second; what sound hardware offers.
  package static let sampleRates = 1_000...384_000
  /// Past sound kept per microphone: 60 s at 48 kHz are 5.8 MB.
  package static let history = Nanoseconds.seconds(60)
  /// Frames thrown away after a wake: ten seconds at 30 a second.
  package static let settlingFrames = 300
  /// Pixels along one side: 8192 x 8192 x 3 bytes are 201 MB, more than any camera of a robot sends.
  package static let imageSide = 8_192
  /// Frames in one recording: 38 hours at 30 a second; the index takes 32 MB at most.
  package static let recordedFrames = 1 << 22
  /// Seconds of one recording: 400 days, far from where nanoseconds in 64 bits end.
  package static let recordedSeconds = 400 * 86_400
  /// A still picture's file: the largest RGB picture and its header.
  package static let stillFile = imageSide * imageSide * 3 + 4_096
  /// Bytes of one header line of a picture or video file.
  package static let headerLine = 1_024
  /// Chunks of a WAV file that are looked through for `fmt ` and `data`.
  package static let wavChunks = 1_024
}
