import Glibc
import Linux
import Sensing
import Startup
import Vocabulary

/// Whether each configured sensor's device is there, answers, may be used and sends what the model can use.
struct DeviceChecks {
  private let tree: MachineTree
  private let service: InstalledService
  private let file: String
  private let cameras: [FoundCamera]
  private let microphones: [FoundMicrophone]
  /// Who is to use the devices: the service's user where it is installed, else who asks.
  private let account: Account?

  init(_ tree: MachineTree, _ service: InstalledService, _ file: String) {
    self.tree = tree
    self.service = service
    self.file = file
    let open = OpenDevices(tree)
    cameras = FoundCamera.all(tree, open)
    microphones = FoundMicrophone.all(tree, open)
    account = service.isInstalled ? service.account : Account.mine(tree)
  }

  func look(_ generation: Generation, _ findings: inout Findings) {
    for sensor in generation.sensors {
      let place = generation.loaded.places.place("sensor \(sensor.name)", "device")
      if case .sound = sensor.kind {
        look(sound: sensor, place, &findings)
      } else {
        look(image: sensor, place, &findings)
      }
      keptOpen(sensor, generation, &findings)
    }
  }

  /// What a device that stays open while its sensor sleeps comes to.
  private func keptOpen(_ sensor: SensorConfiguration, _ generation: Generation, _ findings: inout Findings) {
    guard sensor.sleepMode != .closed,
      let number = generation.sensors.firstIndex(where: { $0.name == sensor.name })
    else { return }
    let power = generation.plan.energy.modalities[number].sensor
    var check = "camera"
    if case .sound = sensor.kind { check = "microphone" }
    findings.ok(
      check, generation.loaded.places.place("sensor \(sensor.name)", "sleep-mode"),
      "sleep-mode = \(sensor.sleepMode.rawValue): the device stays open asleep, for \(power.standby / 1_000) mW (closed \(power.asleep / 1_000), awake \(power.awake / 1_000)), and no other program has it but by 'acquire'"
    )
  }

  // MARK: Cameras

  private func look(image sensor: SensorConfiguration, _ place: String, _ findings: inout Findings) {
    guard let camera = cameras.first(where: { $0.isCalled(sensor.device) }) else {
      let there = cameras.map { $0.links.first ?? $0.path }
      findings.wrong(
        "camera", place,
        "'\(sensor.device)' is not there" + (there.isEmpty ? ", nor is any other camera" : ""),
        fix: there.first.map { "in [sensor \(sensor.name)] of \(file): device = \($0)" }
          ?? "plug it in; 'lsusb' and 'dmesg | tail' say whether the kernel sees it")
      return
    }
    switch camera.answer {
    case .silent:
      findings.wrong(
        "camera", camera.path, "does not answer: its driver hangs",
        fix: "plug it out and in again; sudo dmesg | tail says what the driver has")
    case .fault(let text):
      // Who asks may have no right where the service has it.
      let isMine =
        service.isInstalled && access(tree.path(camera.path), R_OK | W_OK) != 0 && Glibc.errno == EACCES
      if isMine {
        findings.warn(
          "camera", camera.path, "this user may not ask it what it sends", fix: "sudo mmexitctl doctor")
      } else {
        findings.wrong("camera", camera.path, text, fix: "sudo fuser -v \(camera.path); sudo dmesg | tail")
      }
    case .report(let report): fit(report, camera, sensor, place, &findings)
    }
    permissions(camera.path, "camera", &findings)
    held(camera.users, camera.path, "camera", &findings)
    if !camera.links.isEmpty && sensor.device == camera.path && cameras.count > 1 {
      findings.warn(
        "camera", place,
        "\(camera.path) may be another camera after the next start: there are \(cameras.count)",
        fix: "in [sensor \(sensor.name)] of \(file): device = \(camera.links[0])")
    }
  }

  private func fit(
    _ report: CameraReport, _ camera: FoundCamera, _ sensor: SensorConfiguration, _ place: String,
    _ findings: inout Findings
  ) {
    guard case .image(let width, let height, _, _) = sensor.kind else { return }
    switch report.offer.fit(sensor) {
    case .native(let format, let columns, let rows) where columns < width || rows < height:
      findings.warn(
        "camera", camera.path,
        "\(report.card) sends \(format) \(columns)x\(rows) at most, \(place) asks for \(width)x\(height)",
        fix: "in [sensor \(sensor.name)] of \(file): width = \(columns), height = \(rows)")
    case .native(let format, let columns, let rows):
      findings.ok("camera", camera.path, "\(report.card): \(format) \(columns)x\(rows) will be taken")
    case .converted:
      findings.ok("camera", camera.path, "\(report.card): what it sends is converted by libv4l2")
    case .none:
      findings.wrong(
        "camera", camera.path, "no format that can be used; it sends \(report.offer.summary)",
        fix: sensor.cameraSettings.pixelFormat == nil
          ? "name another camera in [sensor \(sensor.name)] of \(file) (docs/devices.md lists the formats)"
          : "take pixel-format out of [sensor \(sensor.name)] of \(file)")
    }
  }

  // MARK: Microphones

  private func look(sound sensor: SensorConfiguration, _ place: String, _ findings: inout Findings) {
    if let card = microphones.first(where: { $0.isCalled(sensor.device) }) {
      findings.ok("microphone", sensor.device, card.title)
      permissions(card.node, "microphone", &findings)
      held(card.users, card.node, "microphone", &findings)
      return
    }
    let isCard = sensor.device.contains("CARD=") || sensor.device.contains("hw:")
    let hasServer = server != nil
    if isCard || sensor.device == "default" && microphones.isEmpty && !hasServer && !isRedefined {
      findings.wrong(
        "microphone", place,
        "'\(sensor.device)' is not there"
          + (microphones.isEmpty ? ", nor is any other sound card that records" : ""),
        fix: microphones.first.map { "in [sensor \(sensor.name)] of \(file): device = \($0.name)" }
          ?? "plug it in; 'lsusb' and 'dmesg | tail' say whether the kernel sees it")
      return
    }
    if sensor.device == "default" && (hasServer || !microphones.isEmpty) {
      return byDefault(sensor, place, &findings)
    }
    switch Probe.ask(.sound, sensor.device) {
    case .said(.object(let answer)) where answer["defined"] == .bool(true):
      findings.ok(
        "microphone", sensor.device, "ALSA's configuration has it; a card behind it is not looked for")
    case .silent:
      findings.wrong(
        "microphone", sensor.device, "ALSA does not answer within 3 s", fix: "arecord -L; sudo dmesg | tail")
    default:
      findings.wrong(
        "microphone", place, "ALSA has no device '\(sensor.device)'",
        fix: microphones.first.map { "in [sensor \(sensor.name)] of \(file): device = \($0.name)" }
          ?? "arecord -L lists the names that there are")
    }
  }

  /// Whether `default` is something without a card: of a user's or the machine's own ALSA configuration.
  private var isRedefined: Bool {
    Probe.ask(.sound, "default") == .said(.object(["defined": .bool(true)]))
  }

  /// A sound server that runs for some user.
  private var server: String? {
    let names = Set(["pipewire", "pulseaudio", "wireplumber"])
    return tree.names("/proc").lazy.filter { Int($0) != nil }.compactMap { tree.text("/proc/\($0)/comm") }
      .first { names.contains($0) }
  }

  private func byDefault(_ sensor: SensorConfiguration, _ place: String, _ findings: inout Findings) {
    guard let server else {
      let first = microphones[0]
      findings.ok("microphone", place, "'default' is the first card: \(first.title)")
      permissions(first.node, "microphone", &findings)
      held(first.users, first.node, "microphone", &findings)
      return
    }
    guard service.isInstalled else {
      findings.ok("microphone", place, "'default' is \(server), which holds the cards")
      return
    }
    findings.warn(
      "sound-server", place,
      "'default' is a user's \(server), which a system service cannot reach; it holds the card besides",
      fix: microphones.first.map {
        "in [sensor \(sensor.name)] of \(file): device = \($0.name); and take the card from \(server): pactl list short cards; pactl set-card-profile NAME off"
      } ?? "plug in a microphone, and name its card as the device (docs/devices.md)")
  }

  // MARK: Both

  private func permissions(_ node: String, _ check: String, _ findings: inout Findings) {
    guard let owner = tree.owner(of: node) else { return }
    guard let account else { return }
    let group = Group.name(owner.group, tree)
    if account.mayUse(owner) || !service.isInstalled && access(tree.path(node), R_OK | W_OK) == 0 {
      findings.ok("permissions", node, "user \(account.name) may use it (group \(group))")
    } else if Group.all(tree).contains(where: { $0.name == group && $0.members.contains(account.name) }) {
      findings.wrong(
        "permissions", node, "user \(account.name) has been put into group \(group) since the login",
        fix: "log out and in again, or: newgrp \(group)")
    } else {
      findings.wrong(
        "permissions", node, "user \(account.name) may not use the \(check)",
        fix: owner.group == 0 || owner.mode & 0o060 != 0o060
          ? "sudo chgrp \(check == "camera" ? "video" : "audio") \(node) && sudo chmod g+rw \(node)"
          : "sudo usermod -aG \(group) \(account.name)"
            + (service.isInstalled ? " && sudo systemctl restart mmexitd" : ", and log in again"))
    }
  }

  private func held(_ users: [DeviceUser], _ node: String, _ check: String, _ findings: inout Findings) {
    let others = users.filter { $0.command != "mmexitd" }
    if others.isEmpty { return }
    let who = others.map(\.text).joined(separator: ", ")
    findings.warn(
      check, node, "is open in \(who): the daemon finds it busy while that streams",
      fix: "sudo fuser -v \(node)")
  }
}
