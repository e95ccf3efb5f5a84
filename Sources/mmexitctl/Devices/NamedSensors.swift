import JSON
import Sensing
import Startup
import Vocabulary

/// The sensors that the configuration names, and what the daemon says of them where one answers.
struct NamedSensors {
  struct Sensor {
    var name: String
    var isSound: Bool
    var device: String
    /// What the configuration says of its device while it sleeps.
    var sleepMode = SleepMode.closed
    /// "asleep"; nil where no daemon answers.
    var state: String?

    var stateText: String {
      let mode = sleepMode == .closed ? nil : "sleep-mode = \(sleepMode.rawValue)"
      let parts = [state, mode].compactMap(\.self)
      return parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))"
    }

    var json: JSONObject {
      var object: JSONObject = [
        "name": .string(name), "kind": .string(isSound ? "sound" : "image"), "device": .string(device),
        "sleep_mode": .string(sleepMode.rawValue),
      ]
      if let state { object.append("state", .string(state)) }
      return object
    }
  }

  private(set) var all: [Sensor] = []
  /// Why there are none, or no states; a line.
  private(set) var remark: String?

  init(_ machine: MachineOptions, _ connection: Connection) {
    guard let file = machine.file else {
      remark = "no configuration is installed (\(MachineOptions.installed)): name yours with --config FILE"
      return
    }
    do throws(StartupError) {
      let generation = try Generation(try LoadedConfiguration(path: file))
      all = generation.sensors.map { Sensor($0) }
      if !generation.configuration.replay.recording.isEmpty {
        remark = "\(file): replays a recording and opens no device"
      }
    } catch {
      remark = error.description
      return
    }
    guard let states = try? Self.states(connection) else { return }
    for index in all.indices { all[index].state = states.first { $0.name == all[index].name }?.state }
  }

  /// - Throws: where no daemon answers, or it sends what it should not.
  private static func states(_ connection: Connection) throws -> [(name: String, state: String)] {
    var client = try connection.open(timeout: .seconds(2))
    let reply = JSONPlace(.object(try client.call("io.mmexit.Daemon.GetStatus")))
    return try reply.member("sensors").elements().map { place in
      let state = try place.member("state").string()
      let fault = try place.optional("fault")?.string()
      return (try place.member("name").string(), fault.map { "\(state): \($0)" } ?? state)
    }
  }

  /// "[sensor image] (asleep)".
  func names(_ isMeant: (Sensor) -> Bool) -> [String] {
    all.filter(isMeant).map { "[sensor \($0.name)]\($0.stateText)" }
  }

  func plainNames(_ isMeant: (Sensor) -> Bool) -> [String] { all.filter(isMeant).map(\.name) }
}

extension NamedSensors.Sensor {
  init(_ sensor: SensorConfiguration) {
    name = sensor.name
    device = sensor.device
    sleepMode = sensor.sleepMode
    isSound = false
    if case .sound = sensor.kind { isSound = true }
  }
}
