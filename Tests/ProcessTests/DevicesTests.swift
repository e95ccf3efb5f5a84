import Foundation
import Testing

/// `mmexitctl devices` on made-up machines.
@Suite struct DevicesTests {
  private func rows(_ all: [String: Any], _ kind: String) -> [[String: Any]] {
    all[kind] as? [[String: Any]] ?? []
  }

  @Test func aMachineWithoutDevicesSaysSoAndWhatToDo() throws {
    let machine = try MachineFixture()
    let answer = machine.ctl("devices")
    #expect(answer.code == 0, "\(answer)")
    #expect(answer.output.contains("none: no /dev/video*"))
    #expect(answer.output.contains("no sound card that records"))
    #expect(answer.output.contains("--config FILE"))
  }

  @Test func showsWhatIsThereWhoHasItAndWhatIsConfigured() throws {
    let machine = try MachineFixture()
    try machine.addCamera()
    try machine.addMicrophone()
    try machine.configure(
      audio: "plughw:CARD=C270,DEV=0", image: "/dev/v4l/by-id/usb-046d_C270-video-index0")
    try machine.write("/proc/700/comm", "cheese\n")
    try machine.link("/proc/700/fd/5", to: "/dev/video0")
    let all = try machine.json("devices", world: try World(in: machine.root))
    let cameras = rows(all, "cameras")
    #expect(cameras.count == 1, "its metadata's node is no camera: \(all)")
    #expect(cameras.first?["path"] as? String == "/dev/video0")
    #expect(cameras.first?["name"] as? String == "C270 HD WEBCAM")
    #expect(cameras.first?["links"] as? [String] == ["/dev/v4l/by-id/usb-046d_C270-video-index0"])
    #expect(cameras.first?["answers"] as? Bool == true && cameras.first?["fault"] == nil)
    #expect(rows(cameras.first ?? [:], "used_by").first?["command"] as? String == "cheese")
    #expect(cameras.first?["sensors"] as? [String] == ["image"])
    let microphones = rows(all, "microphones")
    #expect(
      microphones.map { $0["name"] as? String } == ["plughw:CARD=C270,DEV=0"], "the other one plays only")
    let first = microphones.first ?? [:]
    #expect(first["card"] as? String == "C270 HD WEBCAM, USB Audio")
    #expect(first["rates"] as? [String] == ["16000", "24000", "48000"] && first["channels"] as? [Int] == [1])
    #expect(first["records_now"] as? String == "S16_LE, 1 channel, 16000 Hz")
    #expect(rows(first, "used_by").first?["pid"] as? Int == 812, "the process, not its thread")
    #expect(first["sensors"] as? [String] == ["audio"])
    let text = machine.ctl("devices", world: try World(in: machine.root)).output
    #expect(
      text.contains("configured [sensor image]") && text.contains("open in    cheese (pid 700)"), "\(text)")
  }

  @Test func aDriverThatHangsHoldsNothingUp() throws {
    let machine = try MachineFixture()
    try machine.addCamera()
    let world = try World(in: machine.root)
    world.camera = .hangsInOpen
    let begin = Date()
    let all = try machine.json("devices", world: world)
    #expect(Date().timeIntervalSince(begin) < 20)
    #expect(rows(all, "cameras").first?["answers"] as? Bool == false, "\(all)")
    let text = machine.ctl("devices", world: world).output
    #expect(text.contains("does not answer"), "\(text)")
    world.camera = .well
  }
}
