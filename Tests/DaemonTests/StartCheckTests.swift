import Glibc
import Linux
import ScriptedModels
import Testing
import Vocabulary

@testable import Daemon
@testable import Startup

/// `--check-config` sees what a start would fall over.
@Suite struct StartCheckTests {
  private let folder: String

  init() throws {
    var template = Array("/tmp/mmexit-check.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LinuxError("mkdtemp", errno: errnoNow()) }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try write("m.safetensors", try ScriptedModel().bytes())
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    let path = folder + "/" + name
    try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC).writeAll(bytes, path)
  }

  /// - Returns: the remarks; nil where it is refused, `error` having why.
  private func check(
    socket: String = "s.sock", ledger: String = "ledger", _ more: String = "", error: inout StartupError?
  ) throws -> [String]? {
    defer { cleanUp() }
    let text = "[daemon]\nmodel = m.safetensors\nsocket = \(socket)\n[ledger]\ndirectory = \(ledger)\n\(more)"
    try write("x.conf", Array(text.utf8))
    do throws(StartupError) {
      return try Service(try LoadedConfiguration(path: folder + "/x.conf")).checkStart()
    } catch let refusal {
      error = refusal
      return nil
    }
  }

  private func cleanUp() {
    for name in ["m.safetensors", "x.conf", "recording.json", "a.wav", "file"] { unlink(folder + "/" + name) }
    rmdir(folder)
  }

  @Test func whatAStartNeedsIsThere() throws {
    var error: StartupError?
    #expect(try check(error: &error) == [], "\(String(describing: error))")
    #expect(access(folder + "/ledger", F_OK) != 0, "nothing is made")
  }

  @Test func aLedgerThatCannotBeMadeIsNamed() throws {
    var error: StartupError?
    #expect(try check(ledger: "no/such/ledger", error: &error) == nil)
    #expect(
      error?.description.contains("x.conf:5: directory: \(folder)/no/such: ") == true,
      "\(String(describing: error))")
  }

  @Test func aLedgerThatIsAFileIsNamed() throws {
    try write("file", [1])
    var error: StartupError?
    #expect(try check(ledger: "file", error: &error) == nil)
    #expect(error?.description.contains("Not a directory") == true, "\(String(describing: error))")
  }

  @Test func aSocketThatCannotBeMadeIsNamed() throws {
    var error: StartupError?
    #expect(try check(socket: "\(folder)/no/s.sock", error: &error) == nil)
    #expect(error?.description.contains("x.conf:3: socket: ") == true, "\(String(describing: error))")
  }

  @Test func aFileInTheSocketsPlaceIsNamed() throws {
    try write("file", [1])
    var error: StartupError?
    #expect(try check(socket: "\(folder)/file", error: &error) == nil)
    #expect(error?.description.contains("is no socket") == true, "\(String(describing: error))")
  }

  @Test func foldersThatSystemdMakesAreARemark() throws {
    var error: StartupError?
    let remarks = try check(
      socket: "/run/mmexit-test-none/s.sock", ledger: "/var/lib/mmexit-test-none/ledger", error: &error)
    #expect(
      remarks?.count == 2 && remarks?.allSatisfy { $0.contains("systemd makes it") } == true,
      "\(String(describing: error))")
  }

  @Test func aRecordingsFilesAreLookedAt() throws {
    try write(
      "recording.json",
      Array(
        #"{"format": 1, "name": "r", "sensors": [{"name": "audio", "kind": "sound", "file": "a.wav"}]}"#.utf8)
    )
    try write("a.wav", Array("no wave".utf8))
    var error: StartupError?
    #expect(try check("[replay]\nrecording = .\n", error: &error) == nil)
    #expect(error?.description.contains("a.wav") == true, "\(String(describing: error))")
  }
}
