import Foundation
import Testing

/// Commands to a daemon that runs, by `mmexitctl` and the socket.
@Suite struct CommandTests {
  @Test func aPauseClosesTheDevicesAndAResumeAnswersAgain() throws {
    let daemon = try DaemonProcess(.live) { $1.level = 3_000 }
    #expect(daemon.isUp() && holds(within: 60) { daemon.windows > 8 })
    #expect(daemon.tell("pause").code == 0)
    #expect(daemon.world.microphoneOpens == daemon.world.microphoneCloses)
    #expect(daemon.world.cameraOpens == daemon.world.cameraCloses)
    #expect(daemon.status()?["state"] as? String == "paused")
    let windows = daemon.windows
    usleep(1_000_000)
    #expect(daemon.windows == windows)
    #expect(daemon.tell("pause").code == 0, "a second pause is one")
    #expect(daemon.tell("resume").code == 0)
    #expect(daemon.status()?["state"] as? String == "running")
    #expect(holds(within: 60) { daemon.windows > windows + 4 })
    daemon.endsInOrder()
    #expect(daemon.records("command").map { $0["command"] as? String } == ["pause", "resume"])
    #expect(daemon.records("command").allSatisfy { $0["uid"] as? Int == Int(getuid()) })
  }

  @Test func aPausedDaemonEndsInTime() throws {
    let daemon = try DaemonProcess(.live)
    #expect(daemon.isUp() && daemon.tell("pause").code == 0)
    daemon.endsInOrder()
  }

  @Test func aPausedReplayStandsStill() throws {
    let daemon = try DaemonProcess(.replay(pace: "real-time", loop: false))
    #expect(daemon.isUp() && holds(within: 60) { daemon.windows > 1 })
    #expect(daemon.tell("pause").code == 0)
    usleep(3_000_000)
    #expect(daemon.tell("resume").code == 0)
    let windows = daemon.windows
    #expect(holds(within: 60) { daemon.windows > windows })
    daemon.endsInOrder()
    let numbers = daemon.records("decision").compactMap { ($0["window"] as? [Int])?.last }
    // Two windows lie a period apart in the recording's time, 2 s; the 3 s of the pause are not among them.
    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 - $0 < 3_500_000_000 }, "\(numbers)")
  }

  @Test func aLabelGoesToTheLedger() throws {
    let daemon = try DaemonProcess(.replay(pace: "real-time", loop: false))
    #expect(daemon.isUp() && holds(within: 60) { daemon.windows > 1 })
    #expect(daemon.tell("label", "1", "7").code == 0)
    let unknown = daemon.tell("label", "1", "eleven")
    #expect(unknown.code == 64 && unknown.error.contains("eleven"), "\(unknown)")
    let future = daemon.tell("label", "900", "7")
    #expect(future.code == 65 && future.error.contains("the last one is"), "\(future)")
    daemon.endsInOrder()
    let labels = daemon.records("label")
    #expect(labels.count == 1)
    #expect(labels.first?["decision"] as? Int == 1 && labels.first?["label"] as? String == "7")
    #expect(labels.first?["uid"] as? Int == Int(getuid()))
  }

  @Test(.enabled(if: getuid() == 0, "only root can run a client as somebody else"))
  func othersMayReadAndGiveNoCommands() throws {
    let daemon = try DaemonProcess(.live)
    #expect(daemon.isUp())
    let asNobody = ["--reuid=65534", "--regid=0", "--clear-groups", DaemonProcess.binaries + "/mmexitctl"]
    chmod(daemon.folder, 0o755)
    for command in [
      ["label", "1", "yes"], ["pause"], ["resume"], ["acquire", "audio"], ["reload"], ["preference", "1"],
    ] {
      let run = Run("/usr/bin/setpriv", asNobody + command + ["--socket", daemon.folder + "/socket"])
      #expect(run.wait(10) == 77, "\(command): \(run.error)")
      #expect(run.error.contains("65534"), "\(run.error)")
    }
    let status = Run("/usr/bin/setpriv", asNobody + ["status", "--socket", daemon.folder + "/socket"])
    #expect(status.wait(10) == 0, "\(status.error)")
    daemon.endsInOrder()
    #expect(daemon.records("command").isEmpty)
  }

  @Test func acquiredTheCameraIsClosedAndComesBackWhenTheClientDies() throws {
    let daemon = try DaemonProcess(.live) { $1.level = 3_000 }
    // Every full check opens the camera.
    #expect(daemon.isUp() && holds(within: 60) { daemon.world.cameraOpens > 0 })
    let client = Run(
      DaemonProcess.binaries + "/mmexitctl", ["acquire", "image", "--socket", daemon.folder + "/socket"])
    #expect(holds(within: 60) { client.output.contains("closed") }, "\(client.error)")
    let opens = daemon.world.cameraOpens
    #expect(daemon.world.cameraCloses == opens)
    #expect(daemon.sensor("image")["acquired_by"] as? Int == 1)
    let windows = daemon.windows
    #expect(holds(within: 60) { daemon.windows > windows + 12 }, "the microphone goes on")
    #expect(daemon.world.cameraOpens == opens, "it is left alone")
    client.kill()
    #expect(holds(within: 10) { daemon.sensor("image")["acquired_by"] == nil })
    #expect(holds(within: 60) { daemon.world.cameraOpens > opens })
    #expect(daemon.world.microphoneOpens == 1)
    daemon.endsInOrder()
    let commands = daemon.records("command")
    #expect(commands.map { $0["command"] as? String } == ["acquire", "release"])
    #expect(commands.allSatisfy { $0["modality"] as? String == "image" })
  }

  @Test func whoAsksGetsADecisionOfAllSensors() throws {
    let daemon = try DaemonProcess(.live) { $1.level = 3_000 }
    #expect(daemon.isUp() && holds(within: 60) { daemon.world.cameraOpens > 0 })
    let answer = daemon.tell("ask", "--full", "--json")
    #expect(answer.code == 0, "\(answer.error)")
    let decision = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    #expect((decision?["used"] as? [String]).map(Set.init) == ["audio", "image"], "\(answer.output)")
    daemon.endsInOrder()
    let number = decision?["number"] as? Int
    // Alone, or among others like it.
    let asked = daemon.records("decision").filter { record in
      guard let number, let first = record["number"] as? Int else { return false }
      return (first...Self.lastNumber(record)).contains(number)
    }
    #expect(!asked.isEmpty)
  }

  @Test func aThousandClientsThatAcquireAndDieLeaveTheCameraAndNeverStopTheMicrophone() throws {
    let daemon = try DaemonProcess(.live) { $1.level = 3_000 }
    #expect(daemon.isUp() && holds(within: 60) { daemon.world.cameraOpens > 0 })
    let message = #"{"method":"io.mmexit.Daemon.Acquire","parameters":{"sensor":"image"}}"#
    var open: [Int32] = []
    for number in 0..<1_000 {
      let client = try connect(daemon.folder + "/socket")
      #expect(Array(message.utf8CString).withUnsafeBytes { write(client, $0.baseAddress, $0.count) } > 0)
      open.append(client)
      // Some die before they are answered, some after, some while others hold on.
      if number % 3 == 0 { usleep(2_000) }
      if open.count > 8 || number % 50 == 49 {
        for client in open { close(client) }
        open = []
      }
    }
    let end = Date()
    #expect(holds(within: 10) { daemon.sensor("image")["acquired_by"] == nil })
    #expect(Date().timeIntervalSince(end) < 1)
    let opens = daemon.world.cameraOpens
    #expect(daemon.tell("ask", "--full").code == 0)
    #expect(daemon.world.cameraOpens >= opens && daemon.state(of: "image") != "failed")
    #expect(daemon.world.microphoneOpens == 1, "the microphone was interrupted")
    daemon.endsInOrder()
    let decisions = daemon.records("decision")
    let windows = decisions.reduce(0) { $0 + ($1["count"] as? Int ?? 1) }
    #expect(windows > 0 && windows == decisions.map(Self.lastNumber).max())
    #expect(daemon.records("sleep").allSatisfy { $0["modality"] as? String == "image" })
  }

  /// Of the windows that a record stands for.
  private static func lastNumber(_ record: [String: Any]) -> Int {
    ((record["last"] as? [String: Any])?["number"] ?? record["number"]) as? Int ?? 0
  }

  private func connect(_ path: String) throws -> Int32 {
    let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.connect(client, $0, size) }
    }
    guard code == 0 else { throw POSIXError(.ECONNREFUSED) }
    return client
  }
}
