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
    abstract:
      "Write what the sensors hear and see into a folder: for some seconds, or windows near a threshold.",
    discussion: """
      Sound and pictures stand in the folder afterwards, for its owner alone; nothing else of mmexit keeps any. Where a daemon has \
      the devices, it is asked for them, as by 'acquire' (root or the daemon's user), answers no window meanwhile, and has them \
      back at the end. 'recordings = no' in [daemon] of the configuration forbids it. Replay it: docs/recording.md.
      With --near a daemon goes on, and windows in which an exit's entropy was within 20 % of its threshold are fetched from it, until \
      the folder is full or Ctrl-C: a manifest for 'evaluate' and training, whose labels are what the daemon took them for. Nothing is \
      kept unless this is running. --erase takes away what either has written.
      """)

  @OptionGroup var machine: MachineOptions
  @OptionGroup var connection: Connection

  @Option(help: "How long, 1 to 86400 seconds.")
  var seconds: Int?

  @Flag(help: "Keep windows near a threshold.")
  var near = false

  @Flag(help: "Erase what was recorded into the folder, and the folder.")
  var erase = false

  @Option(help: "With --near: windows that the folder may have, 1 to 1000000.")
  var windows = 1_000

  @Option(help: "With --near: bytes that they may have.")
  var bytes = 256 << 20

  @Argument(help: "The recording's folder; it is made.")
  var folder: String

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if [seconds != nil, near, erase].count(where: { $0 }) != 1 {
      throw ValidationError("give one of --seconds N, --near and --erase")
    }
    if let seconds, !(1...86_400).contains(seconds) {
      throw ValidationError("--seconds \(seconds): give 1 to 86400")
    }
    if !(1...1_000_000).contains(windows) { throw ValidationError("--windows \(windows): give 1 to 1000000") }
    if bytes < 1 { throw ValidationError("--bytes \(bytes): give 1 or more") }
    if folder.isEmpty { throw ValidationError("the folder has no name; name one that is not there yet") }
  }

  mutating func run() throws {
    try CommandFailure.catching {
      if erase { return try eraseFolder() }
      if near { return try keepNear() }
      let generation = try loaded()
      // Held until the end of this program, which gives the devices back however it ends.
      var daemon = try acquired(generation.sensors.map(\.name))
      let tracks = try recorded(generation.sensors)
      daemon = nil
      _ = daemon
      show(tracks)
    }
  }

  private func keepNear() throws {
    var client = try connection.open(timeout: nil)
    var recording = NearRecording(into: folder, windows: windows, bytes: bytes)
    try recording.run(&client)
  }

  private func eraseFolder() throws {
    var erasure = RecordingErasure(folder)
    try erasure.run()
    Output.line("\(folder): erased, \(erasure.files) files of \(erasure.bytes) bytes")
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
    return try SensorRecorder(rig, into: folder).run(for: .seconds(Int64(seconds ?? 1)))
  }

  private func show(_ tracks: [RecordedTrack]) {
    if json {
      Output.line(
        .object([
          "folder": .string(folder), "seconds": .integer(Int64(seconds ?? 1)),
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
