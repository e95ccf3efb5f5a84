import Configuration
import Engine
import Sensing
import Startup
import Vocabulary

/// What a running daemon cannot exchange: settings of what it holds open from its start to its end.
struct RestartNeeds: Error {
  /// `key in [section]`, or what of the model it is.
  private(set) var settings: [String] = []
  private let places: ConfigurationPlaces
  private var place: String?

  /// Nil where nothing stands in the way.
  /// - Parameters:
  ///   - start: the generation that the daemon was started with.
  ///   - next: the one that it is to go over to.
  init?(from start: Generation, to next: Generation) {
    places = next.loaded.places
    let (was, wanted) = (start.configuration, next.configuration)
    note("daemon", "socket", if: !was.general.socket.hasSameBytes(as: wanted.general.socket))
    note("ledger", "directory", if: !was.ledger.directory.hasSameBytes(as: wanted.ledger.directory))
    note("ledger", "segment-size", if: was.ledger.segmentBytes != wanted.ledger.segmentBytes)
    note("ledger", "flush-interval", if: was.ledger.flushInterval != wanted.ledger.flushInterval)
    note("ledger", "publish-head", if: was.ledger.publishHead != wanted.ledger.publishHead)
    note("ledger", "coalesce", if: was.ledger.coalesces != wanted.ledger.coalesces)
    note("ledger", "compress", if: was.ledger.compresses != wanted.ledger.compresses)
    note("ledger", "keep-bytes", if: was.ledger.keepBytes != wanted.ledger.keepBytes)
    note("ledger", "keep-days", if: was.ledger.keepDays != wanted.ledger.keepDays)
    note("ledger", "keep-free", if: was.ledger.keepFree != wanted.ledger.keepFree)
    note("energy", "meters", if: was.energy.meters != wanted.energy.meters)
    note("energy", "meter-interval", if: was.energy.meterInterval != wanted.energy.meterInterval)
    note("metrics", "textfile", if: !was.metrics.textfile.hasSameBytes(as: wanted.metrics.textfile))
    note("metrics", "interval", if: was.metrics.interval != wanted.metrics.interval)
    note("replay", "recording", if: !was.replay.recording.hasSameBytes(as: wanted.replay.recording))
    note("replay", "pace", if: was.replay.pace != wanted.replay.pace)
    note("replay", "loop", if: was.replay.loop != wanted.replay.loop)
    noteSensors(start.sensors, next.sensors)
    if settings.isEmpty { return nil }
  }

  private mutating func noteSensors(_ was: [SensorConfiguration], _ wanted: [SensorConfiguration]) {
    guard was.count == wanted.count, zip(was, wanted).allSatisfy({ $0.name.hasSameBytes(as: $1.name) }) else {
      note("daemon", "model", as: "the model's modalities", if: true)
      return
    }
    for (was, wanted) in zip(was, wanted) {
      let section = "sensor \(wanted.name)"
      note(section, "device", if: !was.device.hasSameBytes(as: wanted.device))
      note(section, "wake-deadline", if: was.wakeDeadline != wanted.wakeDeadline)
      note(section, "settle-frames", if: was.settlingFrames != wanted.settlingFrames)
      note(
        section, "pixel-format", if: was.cameraSettings.pixelFormat != wanted.cameraSettings.pixelFormat)
      note(section, "exposure", if: was.cameraSettings.exposure != wanted.cameraSettings.exposure)
      note(section, "gain", if: was.cameraSettings.gain != wanted.cameraSettings.gain)
      note(
        section, "power-line-frequency", if: was.cameraSettings.powerLine != wanted.cameraSettings.powerLine)
      note(section, "channel", if: was.channel != wanted.channel)
      note(section, "stuck-after", if: was.stuckAfter != wanted.stuckAfter)
      note(section, "sleep-mode", if: was.sleepMode != wanted.sleepMode)
      note(section, "replay-wake-latency", if: was.wakeLatency != wanted.wakeLatency)
      note(section, "replay-warm-latency", if: was.warmLatency != wanted.warmLatency)
      let what = "what the model hears and sees (\(wanted.name))"
      switch (was.kind, wanted.kind) {
      case (.sound(let rate), .sound(let other)):
        // A shorter window finds its sound in a longer history.
        note("daemon", "model", as: what, if: rate != other || wanted.history > was.history)
      case (
        .image(let width, let height, let channels, let rate),
        .image(let otherWidth, let otherHeight, let otherChannels, let otherRate)
      ):
        note("daemon", "model", as: what, if: channels != otherChannels)
        note(section, "width", if: width != otherWidth)
        note(section, "height", if: height != otherHeight)
        note(section, "frames-per-second", if: rate != otherRate)
      case (.sound, .image), (.image, .sound): note("daemon", "model", as: what, if: true)
      }
    }
  }

  private mutating func note(
    _ section: String, _ key: String, as what: String? = nil, if changed: Bool
  ) {
    guard changed else { return }
    settings.append(what ?? "\(key) in [\(section)]")
    place = place ?? places.place(section, key)
  }

  var description: String {
    "\(place ?? places.file): \(settings.joined(separator: ", ")): a change of that needs a restart; "
      + "restart the daemon, or put back what it was started with"
  }
}
