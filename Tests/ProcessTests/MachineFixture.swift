import Foundation

/// A tree laid out like a machine's `/sys`, `/proc`, `/dev` and `/etc`, with a configuration in it, for `devices` and `doctor`.
final class MachineFixture {
  let root: String

  init() throws {
    root = NSTemporaryDirectory() + "/mmexit-machine-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func write(_ path: String, _ text: String) throws {
    let file = URL(fileURLWithPath: root + path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func link(_ path: String, to target: String) throws {
    let file = URL(fileURLWithPath: root + path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: target)
  }

  /// Two nodes of one camera, the second with its metadata.
  func addCamera() throws {
    for (node, index) in [("video0", "0"), ("video1", "1")] {
      try write("/sys/class/video4linux/\(node)/index", index + "\n")
      try write("/sys/class/video4linux/\(node)/name", "C270 HD WEBCAM\n")
      try write("/dev/\(node)", "")
    }
    try link("/dev/v4l/by-id/usb-046d_C270-video-index0", to: "../../video0")
    try link("/dev/v4l/by-id/usb-046d_C270-video-index1", to: "../../video1")
  }

  /// The microphone of that camera, which records for process 812; and a card that plays only.
  func addMicrophone() throws {
    try write(
      "/proc/asound/pcm",
      "00-00: HDMI 0 : HDMI 0 : playback 1\n01-00: USB Audio : USB Audio : capture 1\n")
    try write(
      "/proc/asound/cards",
      " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n                      vc4-hdmi\n"
        + " 1 [C270           ]: USB-Audio - C270 HD WEBCAM\n                      at usb-1\n")
    try write("/proc/asound/card1/id", "C270\n")
    try write(
      "/proc/asound/card1/stream0",
      "C270 at usb-1 : USB Audio\n\nCapture:\n  Status: Stop\n  Interface 3\n    Altset 1\n    Format: S16_LE\n"
        + "    Channels: 1\n    Rates: 16000, 24000, 48000\n")
    try write("/proc/asound/card1/pcm0c/sub0/status", "state: RUNNING\nowner_pid   : 815\ntrigger_time: 1\n")
    try write(
      "/proc/asound/card1/pcm0c/sub0/hw_params",
      "access: RW\nformat: S16_LE\nchannels: 1\nrate: 16000 (16000/1)\n")
    try write("/proc/815/status", "Name:\tmic\nTgid:\t812\n")
    try write("/proc/812/comm", "arecord\n")
    try write("/dev/snd/pcmC1D0c", "")
  }

  /// The shipped live configuration, on these devices.
  func configure(audio: String, image: String) throws {
    let text = """
      [daemon]
      model = \(DaemonProcess.root)/config/models/robot-command.safetensors
      socket = /run/mmexitd/mmexitd.sock
      [ledger]
      directory = \(root)/ledger
      [sensor audio]
      device = \(audio)
      [sensor image]
      device = \(image)
      """
    try write("/etc/mmexitd/mmexitd.conf", text)
    try FileManager.default.createDirectory(atPath: root + "/ledger", withIntermediateDirectories: true)
  }

  /// - Parameter world: laid under it, with its camera; nil for the machine's own libraries.
  func ctl(_ command: String, _ more: [String] = [], world: World? = nil) -> (
    code: Int32?, output: String, error: String
  ) {
    var environment = ["MMEXIT_SOCKET": root + "/none"]
    if let world { environment.merge(["LD_PRELOAD": world.library, "MMEXIT_WORLD": world.path]) { $1 } }
    let run = Run(
      DaemonProcess.binaries + "/mmexitctl", [command, "--root", root] + more, environment: environment)
    let code = run.wait(30)
    return (code, run.output, run.error)
  }

  func json(_ command: String, world: World? = nil) throws -> [String: Any] {
    let answer = ctl(command, ["--json"], world: world)
    return try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any] ?? [:]
  }
}
