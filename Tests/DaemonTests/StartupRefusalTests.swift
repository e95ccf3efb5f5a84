import Configuration
import Energy
import Engine
import Glibc
import Ledger
import Linux
import ScriptedModels
import Sensing
import Testing
import Vocabulary

@testable import Daemon
@testable import Startup
@testable import Wire

/// A configuration beside its model and recording, in a folder of its own that goes with it.
private final class Workshop {
  let folder: String
  private var files: [String] = []

  init() throws {
    var template = Array("/tmp/mmexit-startup.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LinuxError("mkdtemp", errno: errnoNow()) }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try write("m.safetensors", try ScriptedModel().bytes())
  }

  deinit {
    for file in files { unlink(file) }
    rmdir(folder)
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let path = folder + "/" + name
    files.append(path)
    try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC).writeAll(bytes, path)
  }

  func service(_ text: String) throws -> Service {
    try write("x.conf", Array(text.utf8))
    return try Service(try LoadedConfiguration(path: folder + "/x.conf"))
  }

  func refusal(_ text: String) -> StartupError? {
    #expect(throws: StartupError.self) { _ = try service(text) }
  }
}

@Suite struct StartupRefusalTests {
  @Test(arguments: [
    ("[daemon]\nsocket = /s\n", "x.conf:1: no model is configured; set", ExitCode.configuration),
    ("[daemon]\nmodel = no\n", "x.conf:2: model: ", .noInput),
    ("[daemon]\nmodel = /tmp\n", "Is a directory (read); name a model file", .noInput),
    ("[daemon]\nmodel = /dev/zero\n", "Not a regular file", .noInput),
    (
      "[daemon]\nmodel = m.safetensors\nsocket = /\(String(repeating: "s", count: 120))\n",
      "x.conf:3: socket: ", .configuration
    ),
    (
      "[daemon]\nmodel = m.safetensors\n[energy]\nboard = pi\n", "x.conf:4: board = pi: no such",
      .configuration
    ),
    (
      "[daemon]\nmodel = m.safetensors\n[gate]\nfirst = smell\n", "x.conf:4: first = smell: the model",
      .configuration
    ),
    (
      "[daemon]\nmodel = m.safetensors\n[sensor smell]\n", "x.conf:3: [sensor smell]: the model",
      .configuration
    ),
    (
      "[daemon]\nmodel = m.safetensors\n[sensor audio]\nlinger = 1s\nwidth = 320\n",
      "x.conf:5: 'width' is a camera's", .configuration
    ),
    ("[daemon]\nmodel = m.safetensors\n[replay]\nrecording = no\n", "x.conf:4: recording: ", .noInput),
  ])
  func aSettingThatCannotBeIsNamedWithItsLine(text: String, part: String, code: ExitCode) throws {
    let error = try Workshop().refusal(text)
    #expect(error?.description.contains(part) == true, "\(String(describing: error))")
    #expect(error?.exitCode == code)
  }

  @Test(arguments: [0, 1, 7, 8, 100, -1]) func aModelCutShortIsNamedWithWhatToDo(length: Int) throws {
    let workshop = try Workshop()
    let whole = try ScriptedModel().bytes()
    try workshop.write("m.safetensors", Array(whole.prefix(length < 0 ? whole.count + length : length)))
    let error = workshop.refusal("[daemon]\nmodel = m.safetensors\n")
    #expect(
      error?.description.hasPrefix("\(workshop.folder)/m.safetensors: ") == true,
      "\(String(describing: error))")
    #expect(error?.description.contains("copy the model file again") == true)
    #expect(error?.exitCode == .dataError)
  }

  @Test(arguments: [
    (#"[]"#, "expected an object"),
    (
      #"{"format": 1, "name": "r", "sensors": [{"name": "audio", "kind": "image", "file": "a.wav"}]}"#,
      "sensors[0].kind: 'image' where"
    ),
    (
      #"{"format": 1, "name": "r", "sensors": [{"name": "smell", "kind": "image", "file": "a"}]}"#,
      "none of the model's"
    ),
    (
      #"{"format": 1, "name": "r", "sensors": [{"name": "a", "kind": "image", "file": "a"}, {"name": "a", "kind": "image", "file": "b"}]}"#,
      "sensors[1].name: another"
    ),
    (
      #"{"format": 1, "name": "r", "sensors": [{"name": "audio", "kind": "sound", "file": "a.wav", "frames_per_second": 1}]}"#,
      "sensors[0].frames_per_second: sound"
    ),
    (
      "{\"format\": 1, \"name\": \"r\", \"\u{e9}\": 1, \"e\u{301}\": 2, \"sensors\": []}", "no such member"
    ),
    (
      "{\"format\": 1, \"name\": \"r\", \"sensors\": [{\"name\": \"\u{e9}\", \"kind\": \"image\", \"file\": \"a\"}, {\"name\": \"e\u{301}\", \"kind\": \"image\", \"file\": \"b\"}]}",
      "none of the model's"
    ),
  ])
  func aWrongRecordingIsNamedByItsOwnFile(json: String, part: String) throws {
    let workshop = try Workshop()
    try workshop.write("recording.json", Array(json.utf8))
    let error = workshop.refusal("[daemon]\nmodel = m.safetensors\n[replay]\nrecording = .\n")
    #expect(error?.description.contains("recording.json: ") == true, "\(String(describing: error))")
    #expect(error?.description.contains(part) == true, "\(String(describing: error))")
    #expect(error?.exitCode == .dataError)
  }

  @Test func whatIsMissingInARecordingIsNotToBePluggedIn() {
    #expect(!SensingError("audio", .notRecorded).description.contains("plug"))
    for fault in [SensorFault.absent, .ended, .ioError] { #expect(!fault.remedyInReplay.contains("plug")) }
  }
}

@Suite struct ConfigurationListingTests {
  @Test func everyKeyIsListedAndReadsBackToTheSame() throws {
    let workshop = try Workshop()
    let text =
      "[daemon]\nmodel = m.safetensors\n[sensor image]\nlinger = 2s\nawake-power = 2W\n[gate]\nthreshold = 0.5\n"
    let first = try workshop.service(text)
    let listing = first.printedConfiguration()
    for key in Keys.general.map(\.name) + Keys.gate.map(\.name) + Keys.energy.map(\.name)
      + Keys.ledger.map(\.name)
      + Keys.replay.map(\.name) + Keys.adaptation.map(\.name) + Keys.sensor.map(\.name)
    {
      #expect(listing.contains("\n\(key) = ") || listing.contains("\n# \(key) = "), "\(key)")
    }
    #expect(listing.contains("\nmodel = \(workshop.folder)/m.safetensors\n"))
    #expect(listing.contains("\nwindow-period = 250ms ; default\n"))
    #expect(listing.contains("\nlinger = 2s\n") && listing.contains("\nawake-power = 2.0W\n"))
    #expect(listing.contains("\n# picojoules-per-mac = \(Board.genericSBC.picojoulesPerMac) ; default\n"))
    let audio = listing.components("[sensor audio]", until: "[sensor image]")
    #expect(audio.contains("# device = default ; default") && !audio.contains("width"))
    let again = try workshop.service(listing)
    #expect(
      again.generation.loaded.configuration.canonical() == first.generation.loaded.configuration.canonical())
    #expect(again.generation.loaded.digest == first.generation.loaded.digest)
    #expect(again.printedConfiguration() == listing)
  }
}

extension String {
  /// What stands between the two, or up to the end.
  fileprivate func components(_ start: String, until end: String) -> String {
    let lines = split(separator: "\n", omittingEmptySubsequences: false)
    guard let from = lines.firstIndex(where: { $0 == start }) else { return "" }
    return lines[from...].prefix { $0 != end }.joined(separator: "\n")
  }
}

@Suite struct StandardOutputTests {
  @Test func aPipeIsReadyAsLongAsAPageGoesInAtOnce() {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
    defer { for end in ends { close(end) } }
    let page = [UInt8](repeating: 10, count: Int(PIPE_BUF))
    var pages = 0
    while StandardOutput.isReady(ends[1]) {
      #expect(write(ends[1], page, page.count) == page.count)
      pages += 1
    }
    #expect(pages > 0)
    #expect(write(ends[1], page, page.count) == -1 && errno == EAGAIN)
  }
}
