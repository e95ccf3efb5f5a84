import ArgumentParser
import JSON
import Sensing
import Startup
import Vocabulary

/// `mmexitctl devices`.
struct Devices: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the cameras and microphones that are there, what they send, and who has them.",
    discussion: """
      Opens no stream, so that nobody who uses a device is disturbed. A driver that does not answer within 3 s is told as such. \
      Only root sees what programs of other users have open. docs/devices.md says how a configuration names a device.
      """)

  @OptionGroup var machine: MachineOptions
  @OptionGroup var connection: Connection

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    try CommandFailure.catching {
      let tree = machine.tree
      let open = OpenDevices(tree)
      let cameras = FoundCamera.all(tree, open)
      let microphones = FoundMicrophone.all(tree, open)
      let sensors = NamedSensors(machine, connection)
      json
        ? printJSON(cameras, microphones, sensors, hidden: open.hidden)
        : show(cameras, microphones, sensors, hidden: open.hidden)
    }
  }

  private func show(
    _ cameras: [FoundCamera], _ microphones: [FoundMicrophone], _ sensors: NamedSensors, hidden: Int
  ) {
    Output.line("cameras")
    for camera in cameras {
      camera.show()
      showUse(camera.users, sensors.names { !$0.isSound && camera.isCalled($0.device) })
    }
    if cameras.isEmpty {
      Output.line(
        "  none: no /dev/video*. Plug one in ('lsusb', 'dmesg | tail'); a container or a virtual machine has to be given it"
      )
    }
    Output.line("microphones")
    for microphone in microphones {
      microphone.show()
      showUse(microphone.users, sensors.names { $0.isSound && microphone.isCalled($0.device) })
    }
    if microphones.isEmpty {
      Output.line(
        "  none: no sound card that records (/proc/asound/pcm). Plug one in ('lsusb', 'dmesg | tail'); a container has to be given /dev/snd"
      )
    }
    for sensor in sensors.all {
      let found =
        sensor.isSound
        ? microphones.contains { $0.isCalled(sensor.device) }
        : cameras.contains { $0.isCalled(sensor.device) }
      if !found && sensor.isSound && !sensor.device.contains(":") {
        Output.line(
          "configured [sensor \(sensor.name)]\(sensor.stateText): device = \(sensor.device), which ALSA's configuration makes a card, a server or a plugin"
        )
      } else if !found {
        Output.line(
          "configured [sensor \(sensor.name)]\(sensor.stateText): device = \(sensor.device), none of these")
      }
    }
    if let remark = sensors.remark { Output.line(remark) }
    if hidden > 0 {
      Output.line(
        "programs of other users are not seen (\(hidden) processes): run it by sudo to see who has a device")
    }
  }

  private func showUse(_ users: [DeviceUser], _ names: [String]) {
    if !users.isEmpty { Output.line("    open in    \(users.map(\.text).joined(separator: ", "))") }
    for name in names { Output.line("    configured \(name)") }
  }

  private func printJSON(
    _ cameras: [FoundCamera], _ microphones: [FoundMicrophone], _ sensors: NamedSensors, hidden: Int
  ) {
    func with(_ object: JSONObject, _ names: [String]) -> JSONValue {
      var object = object
      object.append("sensors", .array(names.map { .string($0) }))
      return .object(object)
    }
    var all: JSONObject = [
      "cameras": .array(
        cameras.map { camera in
          with(camera.json, sensors.plainNames { !$0.isSound && camera.isCalled($0.device) })
        }),
      "microphones": .array(
        microphones.map { found in
          with(found.json, sensors.plainNames { $0.isSound && found.isCalled($0.device) })
        }),
      "sensors": .array(sensors.all.map { .object($0.json) }),
      "processes_not_seen": .integer(Int64(hidden)),
    ]
    if let remark = sensors.remark { all.append("remark", .string(remark)) }
    Output.line(.object(all))
  }
}
