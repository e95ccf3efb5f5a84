import Foundation
import Testing

/// Another configuration and another model while the daemon runs.
@Suite struct ReloadTests {
  @Test func aHangUpHasTheConfigurationReadAgain() throws {
    let daemon = try DaemonProcess(.live) { $1.level = 3_000 }
    #expect(daemon.isUp() && holds(within: 60) { daemon.windows > 2 })
    try daemon.change(["max-blind": "20s", "window-period": "500ms"])
    daemon.run.send(SIGHUP)
    #expect(holds(within: 60) { daemon.status()?["generation"] as? Int == 2 })
    let windows = daemon.windows
    #expect(holds(within: 60) { daemon.windows > windows + 3 })
    #expect(
      daemon.run.error.contains("reload (SIGHUP): generation 2, model robot-command"), "\(daemon.run.error)")
    #expect(daemon.world.microphoneOpens == 1, "the microphone was interrupted")
    // What is wrong is told, and changes nothing.
    try daemon.change(["max-blind": "soon"])
    daemon.run.send(SIGHUP)
    #expect(holds(within: 60) { daemon.run.error.contains("SIGHUP: \(daemon.folder)/mmexitd.conf:") })
    #expect(daemon.run.error.contains("generation 2 goes on"))
    #expect(daemon.status()?["generation"] as? Int == 2)
    daemon.endsInOrder()
    let commands = daemon.records("command")
    #expect(commands.count == 1 && commands.first?["command"] as? String == "reload")
    #expect(commands.first?["generation"] as? Int == 2 && commands.first?["uid"] == nil)
    let digests = Set(daemon.records("decision").compactMap { $0["config_sha256"] as? String })
    #expect(digests.count == 2)
    #expect(
      daemon.records("stop").first?["config_sha256"] as? String == commands.first?["config_sha256"] as? String
    )
  }

  @Test func aReloadSaysWhatIsWrongAndWhatNeedsARestart() throws {
    let daemon = try DaemonProcess(.live)
    #expect(daemon.isUp())
    #expect(daemon.tell("reload").output.contains("generation 2"))
    try daemon.change(["model": "/nowhere.safetensors"])
    let missing = daemon.tell("reload")
    #expect(missing.code == 78 && missing.error.contains("/nowhere.safetensors"), "\(missing)")
    try daemon.change(["directory": "/tmp/elsewhere", "device": "/dev/video9"])
    let restart = daemon.tell("reload")
    #expect(
      restart.code == 78 && restart.error.contains("directory in [ledger], device in [sensor"), "\(restart)")
    #expect(restart.error.contains("needs a restart"))
    try daemon.change([:])
    #expect(daemon.tell("reload").output.contains("generation 3"))
    daemon.endsInOrder()
  }

  @Test func aPreferenceHoldsUntilTheNextReload() throws {
    let daemon = try DaemonProcess(.live)
    #expect(daemon.isUp())
    #expect(daemon.status()?["lambda"] as? Double == 0.5)
    #expect(daemon.tell("preference", "2.5").output.contains("generation 2"))
    #expect(daemon.status()?["lambda"] as? Double == 2.5)
    #expect(daemon.tell("status").output.contains("a right answer is worth 2.5 J"))
    let out = daemon.tell("preference", "2000000")
    #expect(out.code == 64 && out.error.contains("1000000"), "\(out)")
    #expect(daemon.tell("preference", "--", "-1").code == 64)
    #expect(daemon.tell("reload").code == 0)
    #expect(daemon.status()?["lambda"] as? Double == 0.5)
    daemon.endsInOrder()
    let commands = daemon.records("command")
    #expect(commands.map { $0["command"] as? String } == ["preference", "reload"])
    #expect(commands.map { $0["lambda"] as? Double } == [2.5, 0.5])
    #expect(commands.allSatisfy { $0["uid"] as? Int == Int(getuid()) })
  }

  /// 1,000 by `MMEXIT_RELOADS=1000`.
  @Test func reloadsGoodAndBadLoseNoWindowAndNoMemory() throws {
    let reloads = ProcessInfo.processInfo.environment["MMEXIT_RELOADS"].flatMap { Int($0) } ?? 160
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: true), changes: ["window-period": "250ms"])
    let models = try RenamedModel(in: daemon.folder)
    #expect(daemon.isUp())
    let socket = daemon.folder + "/socket"
    let (client, other, watcher) = (try Caller(socket), try Caller(socket), try SlowWatcher(socket))
    var generation = 1
    var memory = 0
    for number in 0..<reloads {
      if number == reloads / 4 { memory = daemon.residentKiB }
      let changes: [String: String] =
        switch number % 4 {
        case 0: ["model": models.letters, "window-period": "500ms"]
        case 1: ["model": models.torn]
        case 2: ["wakes-per-minute": "30"]
        default: ["directory": "/tmp/elsewhere"]
        }
      let isGood = number % 2 == 0
      try daemon.change(changes)
      let method = number % 8 == 6 ? "SetPreference" : "Reload"
      let reply = try client.call(method, #"{"lambda":\#(number)}"#)
      watcher.read(atMost: 1 << 16)
      if isGood || method == "SetPreference" {
        generation += 1
        #expect(reply["generation"] as? Int == generation, "\(number): \(reply)")
        // What is asked behind the reply is told by the new names.
        let names = try other.call("GetModel")["classes"] as? [String]
        if number % 4 == 0 { #expect(names?.first == "a") }
        #expect(try other.call("GetStatus")["generation"] as? Int == generation)
      } else {
        #expect(reply["reason"] != nil, "\(number): \(reply)")
      }
    }
    let grown = daemon.residentKiB - memory
    #expect(grown < 2048, "\(reloads) reloads: \(memory) KiB and \(grown) KiB more")
    daemon.endsInOrder()
    let decisions = daemon.records("decision")
    #expect(decisions.compactMap { $0["number"] as? Int } == Array(1...max(1, decisions.count)))
    #expect(daemon.records("command").compactMap { $0["generation"] as? Int } == Array(2...generation))
    var seen: Set<String> = []
    // The first reload is to it.
    let letters = daemon.records("command").first?["model_sha256"] as? String
    for decision in decisions {
      let isLetters = decision["model_sha256"] as? String == letters
      seen.insert(decision["model_sha256"] as? String ?? "")
      guard let label = decision["label"] as? String else { continue }
      #expect(isLetters == ("a"..."j").contains(label), "\(label) of the other generation")
    }
    #expect(seen.count == 2)
    print("\(reloads) reloads, \(decisions.count) decisions, \(memory) KiB, \(grown) KiB more")
  }

  @Test func aSecondReloadMeanwhileIsRefusedAndHangUpsAreNotLost() throws {
    let daemon = try DaemonProcess(.live)
    #expect(daemon.isUp())
    let callers = try (0..<8).map { _ in try Caller(daemon.folder + "/socket") }
    for caller in callers { caller.send("Reload") }
    let replies = try callers.map { try $0.receive() }
    #expect(replies.contains { $0["generation"] != nil })
    #expect(
      replies.allSatisfy {
        $0["generation"] != nil || $0["error"] as? String == "io.mmexit.Daemon.Reloading"
      }, "\(replies)")
    for _ in 0..<20 { daemon.run.send(SIGHUP) }
    try daemon.change(["max-blind": "7s"])
    daemon.run.send(SIGHUP)
    usleep(500_000)
    daemon.endsInOrder()
  }
}

/// The shipped digits with other names for its classes, and half of it.
private struct RenamedModel {
  let letters: String
  let torn: String

  init(in folder: String) throws {
    letters = folder + "/letters.safetensors"
    torn = folder + "/torn.safetensors"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: DaemonProcess.shippedDigits))
    func names(_ all: String) -> Data {
      Data((#"\"classes\":["# + all.map { #"\"\#($0)\""# }.joined(separator: ",") + "]").utf8)
    }
    let place = try #require(bytes.range(of: names("0123456789")))
    bytes.replaceSubrange(place, with: names("abcdefghij"))
    try bytes.write(to: URL(fileURLWithPath: letters))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: torn))
  }
}

/// A client of the socket that calls and waits.
private final class Caller {
  private let socket: Int32
  private var bytes = Data()

  init(_ path: String) throws {
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
    }
    guard code == 0 else { throw POSIXError(.ECONNREFUSED) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }
  deinit { close(socket) }

  func send(_ method: String, _ parameters: String = "{}") {
    let call = Array(#"{"method":"io.mmexit.Daemon.\#(method)","parameters":\#(parameters)}"#.utf8) + [0]
    _ = write(socket, call, call.count)
  }

  /// The reply's parameters; those of an error with its name as `error`.
  func receive() throws -> [String: Any] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !bytes.contains(0) {
      let got = recv(socket, &buffer, buffer.count, 0)
      guard got > 0 else { throw POSIXError(.ETIMEDOUT) }
      bytes.append(contentsOf: buffer[..<got])
    }
    let end = bytes.firstIndex(of: 0)!
    let message =
      try JSONSerialization.jsonObject(with: bytes[bytes.startIndex..<end]) as? [String: Any] ?? [:]
    bytes = Data(bytes[(end + 1)...])
    var reply = message["parameters"] as? [String: Any] ?? [:]
    if let error = message["error"] { reply["error"] = error }
    return reply
  }

  func call(_ method: String, _ parameters: String = "{}") throws -> [String: Any] {
    send(method, parameters)
    return try receive()
  }
}
