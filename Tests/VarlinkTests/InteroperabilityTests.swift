import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

/// The PyPI package `varlink` as an independent client. Wants a Python with that package: `python3`, or the one that
/// MMEXIT_PYTHON names; skipped where there is none.
@Suite(
  .enabled("no Python with the package varlink; set MMEXIT_PYTHON") {
    python("import importlib.util, sys; sys.exit(importlib.util.find_spec('varlink') is None)") != nil
  })
struct InteroperabilityTests {
  /// A decision as the ledger encodes it.
  static let decision =
    #"{"number":7,"window":[100,350],"decided_ns":400,"label":"go","exit":{"fusion":true},"entropy":0.5,"#
    + #""certainty":0.75,"reason":"fused","provisional":false,"look":true,"woken":["image"],"#
    + #""used":["audio","image"],"missing":[],"skew_ms":-1.5,"hops":[{"modality":"audio","exit":1,"#
    + #""entropy":0.875,"threshold":0.3,"label":"stop","certainty":0.25},{"fusion":true,"entropy":0.5,"#
    + #""label":"go","certainty":0.75}],"macs":30,"energy":[{"account":"segment","modality":"audio","exit":1,"#
    + #""nanojoules":1300,"scope":"modelled","source":"model:raspberry-pi-4","kind":"estimated"}],"#
    + #""total_nanojoules":1300,"always_on_nanojoules":9007199254740993}"#

  static func answer(_ call: Call) -> Reply {
    switch call.member {
    case "Watch": .stream(topic: DaemonInterface.watchTopic)
    case "GetStatus":
      .parameters({ json in
        json.key("version")
        json.value("0.1")
        json.key("state")
        json.value("running")
        json.key("model")
        json.value("digits")
        json.key("order")
        json.value(JSONValue.array(["audio", "image"]))
        json.key("sensors")
        json.value(
          JSONValue.array([
            [
              "name": "audio", "kind": "replay", "state": "awake", "wakes": 1,
              "awake_ns": 9_007_199_254_740_993,
            ]
          ]))
        json.key("windows")
        json.value(9)
        json.key("decisions")
        json.value(7)
        json.key("energy")
        json.value(JSONValue.object(["total_nanojoules": 1, "always_on_nanojoules": 2]))
        json.key("uptime_ns")
        json.value(5)
      })
    default: .error(.methodNotImplemented(call.method))
    }
  }

  @Test func thePythonClientReadsStatusAndStreamAndErrors() throws {
    let running = RunningServer(
      interface: DaemonInterface.description, answer: Self.answer,
      message: { json, _ in
        json.key("decision")
        Array(Self.decision.utf8).withUnsafeBytes { json.raw($0) }
      })
    let said = python(
      """
      import varlink
      with varlink.Client("unix:\(running.socket.path)") as client:
          with client.open("org.varlink.service") as service:
              info = service.GetInfo()
              print(info["product"], info["interfaces"])
          with client.open("io.mmexit.Daemon", namespaced=True) as daemon:
              status = daemon.GetStatus()
              print(status.state, status.order, status.sensors[0].awake_ns, status.energy.always_on_nanojoules)
              count = 0
              for message in daemon.Watch(_more=True):
                  d = message.decision
                  count += 1
                  if count == 3: break
              print(d.label, d.exit.fusion, d.hops[0].modality, d.hops[0].threshold, d.skew_ms, d.reason)
              print(d.energy[0].nanojoules, d.always_on_nanojoules)
          with client.open("io.mmexit.Daemon") as daemon:
              try:
                  daemon.GetModel()
              except varlink.MethodNotImplemented as error:
                  print("not implemented:", error.parameters()["method"])
          with client.open("io.mmexit.Daemon") as daemon:
              try:
                  daemon.Watch()
              except varlink.VarlinkError as error:
                  print(error.error())
      """)
    #expect(
      said == """
        test ['org.varlink.service', 'io.mmexit.Connection', 'io.mmexit.Daemon']
        running ['audio', 'image'] 9007199254740993 2
        go True audio 0.3 -1.5 fused
        1300 9007199254740993
        not implemented: io.mmexit.Daemon.GetModel
        org.varlink.service.ExpectedMore

        """)
  }
}

/// What a Python script prints; nil when it fails.
func python(_ script: String) -> String? {
  let name = getenv("MMEXIT_PYTHON").map { String(cString: $0) } ?? "python3"
  var pair: [Int32] = [0, 0]
  guard pipe(&pair) == 0 else { return nil }
  // The child shall hold no end but the one made its standard output, or reading would never end.
  for end in pair { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  defer { close(pair[0]) }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, pair[1], 1)
  var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(name), strdup("-c"), strdup(script), nil]
  defer { for argument in arguments { free(argument) } }
  var process = pid_t()
  let code = posix_spawnp(&process, name, &actions, nil, &arguments, environ)
  close(pair[1])
  guard code == 0 else { return nil }
  var output: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while case let count = read(pair[0], &chunk, chunk.count), count > 0 { output += chunk[..<count] }
  var status: Int32 = 0
  waitpid(process, &status, 0)
  return status == 0 ? String(decoding: output, as: UTF8.self) : nil
}
