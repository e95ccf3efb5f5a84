import Foundation
import Testing

/// `mmexitctl doctor` on made-up machines.
@Suite struct DoctorTests {
  private struct Report {
    var code: Int32?
    var findings: [[String: Any]]

    func of(_ check: String, _ grade: String) -> [String] {
      findings.filter { $0["check"] as? String == check && $0["grade"] as? String == grade }
        .map { "\($0["where"] ?? ""): \($0["what"] ?? "") | \($0["fix"] ?? "")" }
    }
  }

  private func examine(_ machine: MachineFixture, world: World? = nil) throws -> Report {
    let answer = machine.ctl("doctor", ["--json"], world: world)
    let all = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    return Report(code: answer.code, findings: all?["findings"] as? [[String: Any]] ?? [])
  }

  /// A tree in which nothing is wrong but that no daemon runs.
  private func good() throws -> MachineFixture {
    let machine = try MachineFixture()
    try machine.addCamera()
    try machine.addMicrophone()
    try machine.write("/proc/asound/card1/pcm0c/sub0/status", "closed\n")
    try machine.configure(audio: "plughw:CARD=C270,DEV=0", image: "C270 HD WEBCAM")
    return machine
  }

  private func install(_ machine: MachineFixture, groups: String = "video audio") throws {
    try machine.write(
      "/usr/lib/systemd/system/mmexitd.service",
      "[Service]\nUser=mmexitd\nGroup=mmexit\nSupplementaryGroups=\(groups)\n")
    try machine.write(
      "/etc/passwd", "root:x:0:0::/root:/bin/sh\nmmexitd:x:990:990::/var/lib/mmexitd:/sbin/nologin\n")
    try machine.write("/etc/group", "root:x:0:\nvideo:x:44:\naudio:x:29:\nmmexit:x:991:\nmmexitd:x:990:\n")
  }

  @Test func nothingInstalledIsSaidFirst() throws {
    let report = try examine(try MachineFixture())
    #expect(report.code == 2)
    #expect(report.of("configuration", "wrong").first?.contains("apt install") == true, "\(report)")
  }

  @Test func aGoodMachineHasNothingWrong() throws {
    let machine = try good()
    let report = try examine(machine, world: try World(in: machine.root))
    #expect(report.of("camera", "ok").count == 1 && report.of("microphone", "ok").count == 1, "\(report)")
    #expect(report.findings.filter { $0["grade"] as? String == "wrong" }.isEmpty, "\(report)")
    #expect(report.of("socket", "warning").first?.contains("no daemon runs") == true, "\(report)")
    #expect(report.code == 1, "a warning: no daemon runs")
  }

  @Test func devicesThatAreNotThereAreNamedWithThoseThatAre() throws {
    let machine = try good()
    try machine.configure(audio: "plughw:CARD=Other,DEV=0", image: "/dev/video7")
    let report = try examine(machine, world: try World(in: machine.root))
    #expect(report.code == 2)
    #expect(
      report.of("camera", "wrong").first?.contains("device = /dev/v4l/by-id/usb-046d_C270-video-index0")
        == true,
      "\(report)")
    #expect(
      report.of("microphone", "wrong").first?.contains("device = plughw:CARD=C270,DEV=0") == true, "\(report)"
    )
  }

  @Test func aDriverThatHangsIsWrong() throws {
    let machine = try good()
    let world = try World(in: machine.root)
    world.camera = .hangsInOpen
    let report = try examine(machine, world: world)
    #expect(
      report.code == 2 && report.of("camera", "wrong").first?.contains("does not answer") == true, "\(report)"
    )
    world.camera = .well
  }

  @Test(.enabled(if: getuid() == 0, "only root can give files to other groups"))
  func theServicesUserNeedsTheGroupsOfTheDevices() throws {
    let machine = try good()
    try install(machine, groups: "audio")
    for (node, group) in [("video0", 44), ("snd/pcmC1D0c", 29)] {
      #expect(chown(machine.root + "/dev/" + node, 0, gid_t(group)) == 0)
      #expect(chmod(machine.root + "/dev/" + node, 0o660) == 0)
    }
    let world = try World(in: machine.root)
    let report = try examine(machine, world: world)
    #expect(
      report.of("permissions", "wrong") == [
        "/dev/video0: user mmexitd may not use the camera | sudo usermod -aG video mmexitd && sudo systemctl restart mmexitd"
      ], "\(report)")
    #expect(report.of("permissions", "ok").count == 1)
    try install(machine)
    #expect(try examine(machine, world: world).of("permissions", "wrong").isEmpty)
  }

  @Test func theUnitIsLookedAt() throws {
    let machine = try good()
    try install(machine)
    let world = try World(in: machine.root)
    var report = try examine(machine, world: world)
    #expect(report.of("unit", "warning").contains { $0.contains("systemctl enable") }, "\(report)")
    #expect(report.of("unit", "warning").contains { $0.contains("systemctl start") })
    try machine.write("/etc/systemd/system/multi-user.target.wants/mmexitd.service", "")
    try machine.write("/sys/fs/cgroup/system.slice/mmexitd.service/cgroup.procs", "812\n")
    try machine.write("/etc/systemd/system/mmexitd.service.d/here.conf", "[Service]\nUser=nobody2\n")
    report = try examine(machine, world: world)
    #expect(report.of("unit", "warning").isEmpty, "\(report)")
    #expect(report.of("unit", "ok").contains { $0.contains("here.conf") })
    #expect(report.of("unit", "wrong").first?.contains("'nobody2'") == true, "a drop-in's user counts")
  }

  @Test func aUsersSoundServerIsNotTheServices() throws {
    let machine = try good()
    try machine.configure(audio: "default", image: "C270 HD WEBCAM")
    let world = try World(in: machine.root)
    #expect(try examine(machine, world: world).of("sound-server", "warning").isEmpty)
    try install(machine)
    try machine.write("/proc/900/comm", "pipewire\n")
    let report = try examine(machine, world: world)
    #expect(
      report.of("sound-server", "warning").first?.contains("device = plughw:CARD=C270,DEV=0") == true,
      "\(report)")
  }

  @Test func aConfigurationThatIsWrongIsToldAsTheDaemonDoes() throws {
    let machine = try good()
    try machine.write("/etc/mmexitd/mmexitd.conf", "[daemon]\nmodle = x\n")
    let report = try examine(machine)
    #expect(report.code == 2)
    #expect(report.of("configuration", "wrong").first?.contains("modle") == true, "\(report)")
    #expect(report.of("configuration", "wrong").first?.contains("--check-config") == true)
  }

  @Test func itChangesNothing() throws {
    let machine = try good()
    func everything() -> [String] {
      (FileManager.default.enumerator(atPath: machine.root)?.allObjects as? [String] ?? []).sorted()
    }
    let world = try World(in: machine.root)
    let before = everything()
    _ = try examine(machine, world: world)
    #expect(everything() == before)
    #expect(world.microphoneOpens == 0, "no microphone is opened")
    #expect(world.cameraOpens == world.cameraCloses && world.cameraOpens > 0)
  }
}
