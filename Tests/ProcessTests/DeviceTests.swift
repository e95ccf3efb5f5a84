import Foundation
import Testing

/// Drivers that hang, spin, vanish and come back.
@Suite struct DeviceTests {
  /// Whether that sensor listens and answers come: from its network, or from its activity check that nothing is there.
  private func answers(_ daemon: DaemonProcess, from sensor: String) -> Bool {
    daemon.watch(seconds: 3).contains {
      let exit = $0.decision["exit"] as? [String: Any]
      return $0.decision["label"] is String && exit?["modality"] as? String == sensor
    }
  }

  private func failures(_ daemon: DaemonProcess, _ sensor: String) -> [[String: Any]] {
    daemon.records("state").filter {
      $0["modality"] as? String == sensor && $0["to"] as? String == "failed"
    }
  }

  @Test func aMicrophoneWhoseOpenHangsIsFailedAndTheCameraAnswers() throws {
    let daemon = try DaemonProcess(.live) { $1.microphone = .hangsInOpen }
    #expect(holds(within: 60) { daemon.state(of: "audio") == "failed" })
    #expect(daemon.sensor("audio")["fault"] != nil)
    #expect(daemon.run.error.contains("audio"))
    #expect(answers(daemon, from: "image"))
    daemon.endsInOrder()
    #expect(failures(daemon, "audio").first?["reason"] != nil)
  }

  @Test func aCameraWhoseOpenHangsIsFailedAndTheMicrophoneGoesOn() throws {
    let daemon = try DaemonProcess(.live) {
      $1.camera = .hangsInOpen
      $1.level = 3_000
    }
    #expect(holds(within: 60) { daemon.state(of: "image") == "failed" })
    #expect(answers(daemon, from: "audio"))
    daemon.endsInOrder()
    #expect(failures(daemon, "image").first?["reason"] != nil)
  }

  @Test(arguments: [World.Device.readyWithoutData, .silentForever])
  func aMicrophoneThatGivesNothingIsWedgedAndSpinsNot(_ how: World.Device) throws {
    let daemon = try DaemonProcess(.live) { $1.microphone = how }
    #expect(holds(within: 60) { daemon.state(of: "audio") == "failed" })
    let before = daemon.ticks(ofThread: "mmx-mic")
    usleep(3_000_000)
    #expect(daemon.ticks(ofThread: "mmx-mic") - before < 15)
    #expect(answers(daemon, from: "image"))
    daemon.endsInOrder()
  }

  @Test(arguments: [World.Device.readyWithoutData, .silentForever])
  func aCameraThatGivesNothingIsWedgedAndSpinsNot(_ how: World.Device) throws {
    let daemon = try DaemonProcess(.live) {
      $1.microphone = .absent
      $1.camera = how
    }
    #expect(holds(within: 60) { daemon.state(of: "image") == "failed" })
    let before = daemon.ticks(ofThread: "mmx-cam")
    usleep(3_000_000)
    #expect(daemon.ticks(ofThread: "mmx-cam") - before < 15)
    daemon.endsInOrder()
  }

  @Test func aCloseThatHangsHoldsUpNeitherDecisionsNorTheEnd() throws {
    let daemon = try DaemonProcess(.live) { $1.level = 3_000 }
    // A full check opens the camera; then its close hangs.
    #expect(holds(within: 60) { daemon.world.cameraOpens > 0 })
    daemon.world.camera = .hangsInClose
    usleep(2_500_000)
    #expect(daemon.world.cameraCloses == 0)
    let before = daemon.windows
    #expect(holds(within: 60) { daemon.windows > before + 6 })
    daemon.endsInOrder()
  }

  @Test func anEndIsNotHeldUpByADriverThatHangsInIt() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 4 })
    daemon.world.microphone = .hangsInClose
    daemon.endsInOrder()
  }

  @Test func aMicrophoneThatVanishesIsReplacedAndComesBack() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 4 })
    daemon.world.microphone = .gone
    #expect(holds(within: 60) { daemon.state(of: "audio") == "failed" })
    #expect(answers(daemon, from: "image"))
    daemon.world.microphone = .well
    #expect(holds(within: 60) { daemon.state(of: "audio") == "awake" })
    #expect(daemon.run.error.contains("audio is back"))
    #expect(answers(daemon, from: "audio"))
    daemon.endsInOrder()
    #expect(failures(daemon, "audio").count >= 1)
  }

  /// Woken again and again it is opened once; and closed when another program asks for it.
  @Test(arguments: ["warm", "hot"]) func aCameraThatSleepsOpenIsOpenedOnce(_ mode: String) throws {
    // As a hot camera costs the same asleep, it would listen and the microphone would be woken.
    let daemon = try DaemonProcess(
      .live,
      changes: [
        "linger": "0s\nsleep-mode = \(mode)", "max-blind": "2s\nfirst = audio", "reorder": "no",
      ]
    ) {
      $1.level = 3_000
    }
    #expect(holds(within: 60) { (daemon.sensor("image")["wakes"] as? Int ?? 0) >= 4 })
    #expect(daemon.sensor("image")["sleep_mode"] as? String == mode)
    #expect(daemon.sensor("audio")["sleep_mode"] as? String == "closed")
    #expect(daemon.world.cameraOpens == 1 && daemon.world.cameraCloses == 0)
    let acquired = Run(
      DaemonProcess.binaries + "/mmexitctl", ["acquire", "--socket", daemon.folder + "/socket", "image"])
    #expect(holds(within: 60) { daemon.world.cameraCloses == 1 })
    acquired.kill()
    _ = acquired.wait(10)
    #expect(holds(within: 60) { daemon.world.cameraOpens == 2 })
    daemon.world.camera = .gone
    #expect(holds(within: 60) { daemon.state(of: "image") == "failed" })
    daemon.world.camera = .well
    #expect(holds(within: 90) { daemon.state(of: "image") != "failed" })
    daemon.endsInOrder()
    #expect(daemon.world.cameraOpens == daemon.world.cameraCloses)
  }

  /// Two times each; 'tools/replug' does so a hundred times below the daemon.
  @Test func whatIsPluggedOutAndInLeaksNothingAndStandsInTheLedger() throws {
    let daemon = try DaemonProcess(.live, changes: ["linger": "3600s", "max-blind": "2s"])
    #expect(
      holds(within: 60) { daemon.state(of: "image") == "awake" && daemon.state(of: "audio") == "awake" })
    var held: [Int] = []
    for cycle in 0...2 {
      daemon.world.microphone = .gone
      daemon.world.camera = .gone
      #expect(
        holds(within: 60) { daemon.state(of: "audio") == "failed" && daemon.state(of: "image") == "failed" })
      daemon.world.microphone = .well
      daemon.world.camera = .well
      #expect(
        holds(within: 60) { daemon.state(of: "audio") == "awake" && daemon.state(of: "image") == "awake" },
        "cycle \(cycle)")
      held.append(daemon.descriptors + 1_000 * daemon.threads)
    }
    #expect(held[2] == held[1], "descriptors and threads: \(held)")
    #expect(daemon.world.microphoneOpens == daemon.world.microphoneCloses + 1)
    #expect(daemon.world.cameraOpens == daemon.world.cameraCloses + 1)
    daemon.endsInOrder()
    for sensor in ["audio", "image"] {
      #expect(failures(daemon, sensor).count >= 3, "each fault of \(sensor)")
      let back = daemon.records("state").filter {
        $0["modality"] as? String == sensor && $0["from"] as? String == "failed"
          && $0["to"] as? String == "awake"
      }
      #expect(back.count == 3, "each recovery of \(sensor)")
    }
  }

  @Test func devicesThatComeLaterAreFound() throws {
    let daemon = try DaemonProcess(.live) {
      $1.microphone = .absent
      $1.camera = .absent
    }
    #expect(holds(within: 60) { daemon.run.error.contains("no sensor can be had") })
    daemon.world.microphone = .well
    #expect(holds(within: 60) { daemon.state(of: "audio") == "awake" })
    daemon.world.camera = .well
    #expect(holds(within: 60) { daemon.run.error.contains("image is back") })
    daemon.endsInOrder()
  }

  @Test func aSleepingCameraIsClosed() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 8 })
    #expect(
      holds(within: 60) { daemon.state(of: "image") == "asleep" && daemon.world.cameraOpens > 0 },
      "the first full check never came")
    #expect(holds(within: 10) { daemon.world.cameraOpens == daemon.world.cameraCloses })
    daemon.endsInOrder()
  }
}
