import ArgumentParser
import Configuration
import JSON
import Replay
import Sensing
import Startup
import Varlink
import Vocabulary

/// `mmexitctl record`.
struct Record: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write what the configured sensors hear and see into a folder that can be replayed.",
    discussion: """
      Sound and pictures stand in the folder afterwards, for its owner alone; nothing else of mmexit keeps any. Where a daemon has \
      the devices, it is asked for them, as by 'acquire' (root or the daemon's user), answers no window meanwhile, and has them \
      back at the end. 'recordings = no' in [daemon] of the configuration forbids it. Replay it: docs/recording.md.
      """)

  @OptionGroup var machine: MachineOptions
  @OptionGroup var connection: Connection

  @Option(help: "How long, 1 to 86400 seconds.")
  var seconds: Int

  @Argument(help: "The recording's folder; it is made.")
  var folder: String

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if !(1...86_400).contains(seconds) { throw ValidationError("--seconds \(seconds): give 1 to 86400") }
    if folder.isEmpty { throw ValidationError("the folder has no name; name one that is not there yet") }
  }

  mutating func run() throws {
    try CommandFailure.catching {
      let generation = try loaded()
      // Held until the end of this program, which gives the devices back however it ends.
      var daemon = try acquired(generation.sensors.map(\.name))
      let tracks = try recorded(generation.sensors)
      daemon = nil
      _ = daemon
      show(tracks)
    }
  }

  private func loaded() throws -> Generation {
    guard let file = machine.file else {
      throw CommandFailure(
        message:
          "record: no configuration is installed (\(MachineOptions.installed)): name yours with --config FILE",
        code: .noInput)
    }
    let generation = try Generation(try LoadedConfiguration(path: file))
    guard generation.configuration.general.allowsRecording else {
      throw CommandFailure(
        message:
          "record: \(generation.loaded.places.place("daemon", "recordings")): recordings = no forbids it",
        code: .noPermission)
    }
    guard generation.configuration.replay.recording.isEmpty else {
      throw CommandFailure(
        message: "record: \(file) replays a recording and has no device; take [replay] out of it",
        code: .configuration)
    }
    return generation
  }

  /// A connection that has the sensors' devices; nil where no daemon is there to have them.
  private func acquired(_ sensors: [String]) throws -> AcquiredSensors? {
    var client: Client
    do {
      client = try connection.open(timeout: .seconds(15))
    } catch let failure as CommandFailure where failure.code == .unavailable && connection.socket == nil {
      return nil
    }
    for sensor in sensors { _ = try CommandCall.call(&client, "Acquire", ["sensor": .string(sensor)]) }
    return AcquiredSensors(client: client)
  }

  private func recorded(_ sensors: [SensorConfiguration]) throws -> [RecordedTrack] {
    let rig = try DeviceRig(sensors: sensors)
    defer { rig.stop() }
    return try SensorRecorder(rig, into: folder).run(for: .seconds(Int64(seconds)))
  }

  private func show(_ tracks: [RecordedTrack]) {
    if json {
      Output.line(
        .object([
          "folder": .string(folder), "seconds": .integer(Int64(seconds)),
          "sensors": .array(
            tracks.map {
              .object([
                "name": .string($0.name), "file": .string($0.file), "count": .integer(Int64($0.count)),
                "missing": .integer(Int64($0.missing)),
              ])
            }),
        ]))
      return
    }
    for track in tracks {
      let unit = track.isSound ? "samples" : "frames"
      let lost =
        track.missing == 0
        ? "" : track.isSound ? ", \(track.missing) of them lost" : ", \(track.missing) of them repeated"
      Output.line("\(folder)/\(track.file): \(track.count) \(unit)\(lost)")
    }
  }
}

/// A connection to the daemon, kept open: its end gives the devices back.
private final class AcquiredSensors {
  private let client: Client
  init(client: consuming Client) { self.client = client }
}
