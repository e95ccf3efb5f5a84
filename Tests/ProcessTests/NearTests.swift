import Foundation
import Testing

/// `mmexitctl record --near` and `--erase`, with a daemon that replays.
@Suite struct NearTests {
  /// With one threshold for all exits: many a window is near it.
  private func daemon(_ more: String = "") throws -> DaemonProcess {
    try DaemonProcess(
      .replay(pace: "real-time", loop: true),
      changes: ["max-skew": "500ms\nthreshold = 0.9", "window-period": "250ms" + more])
  }

  private func mode(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.posixPermissions] as? NSNumber)?.intValue ?? -1
  }

  private func record(_ daemon: DaemonProcess, _ arguments: String...) -> (code: Int32?, error: String) {
    let run = Run(
      DaemonProcess.binaries + "/mmexitctl", ["record", "--socket", daemon.folder + "/socket"] + arguments)
    let code = run.wait(90)
    if code == nil { run.kill() }
    return (code, run.error)
  }

  @Test func windowsNearAThresholdAreKeptEvaluatedAndErased() throws {
    let daemon = try daemon()
    #expect(daemon.isUp())
    let folder = daemon.folder + "/near"
    let made = record(daemon, "--near", "--windows", "2", folder)
    #expect(made.code == 0, "\(made)")
    #expect(mode(folder) == 0o700 && mode(folder + "/manifest.csv") == 0o600)
    // It goes on where it was.
    let again = record(daemon, "--near", "--windows", "3", folder)
    #expect(again.code == 0, "\(again)")
    let text = try String(contentsOfFile: folder + "/manifest.csv", encoding: .utf8)
    let rows = text.split(separator: "\n")
    #expect(rows.count == 4)
    #expect(rows.first.map { $0.split(separator: ",").sorted() } == ["audio", "image", "label"])
    for row in rows.dropFirst() {
      let files = row.split(separator: ",").dropFirst()
      #expect(!files.isEmpty && files.allSatisfy { mode(folder + "/" + $0) == 0o600 }, "\(row)")
    }
    let lines = try String(contentsOfFile: folder + "/near.jsonl", encoding: .utf8).split(separator: "\n")
    for line in lines {
      let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let exits = (entry?["reply"] as? [String: Any])?["exits"] as? [[String: Any]] ?? []
      #expect(
        exits.contains { abs(($0["doubt"] as? Double ?? 9) - 0.9) <= 0.1801 }, "none of \(exits) is near")
    }
    let evaluated = daemon.ctl(
      ["evaluate", "--model", DaemonProcess.shippedDigits, "--manifest", folder + "/manifest.csv"],
      seconds: 60)
    #expect(evaluated.code == 0, "\(evaluated)")
    // A window is larger than what this folder may have.
    let small = daemon.folder + "/small"
    let bytes = record(daemon, "--near", "--bytes", "64", small)
    let manifest = try String(contentsOfFile: small + "/manifest.csv", encoding: .utf8)
    #expect(bytes.code == 0 && manifest.split(separator: "\n").count == 1)
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/notes.txt"))
    let refused = daemon.ctl(["record", "--erase", folder])
    #expect(refused.code == 65 && refused.error.contains("notes.txt"), "\(refused)")
    try FileManager.default.removeItem(atPath: folder + "/notes.txt")
    #expect(daemon.ctl(["record", "--erase", folder]).code == 0)
    #expect(!FileManager.default.fileExists(atPath: folder))
    #expect(daemon.ctl(["record", "--erase", daemon.ledgerFolder]).code == 66)
    daemon.endsInOrder()
    #expect(daemon.run.error.contains("has windows near a threshold kept"))
    #expect(daemon.run.error.contains("are kept no longer"))
  }

  /// A reload that forbids recordings ends the one that goes on, too.
  @Test func itIsForOneAtATimeAndEndsWhereAReloadForbidsIt() throws {
    let daemon = try daemon()
    #expect(daemon.isUp())
    let first = Run(
      DaemonProcess.binaries + "/mmexitctl",
      ["record", "--socket", daemon.folder + "/socket", "--near", daemon.folder + "/near"])
    defer { first.kill() }
    #expect(holds(within: 60) { mode(daemon.folder + "/near") == 0o700 })
    let second = record(daemon, "--near", daemon.folder + "/other")
    #expect(second.code == 69 && second.error.contains("end it first"), "\(second)")
    #expect(!FileManager.default.fileExists(atPath: daemon.folder + "/other"))
    try daemon.change(["window-period": "250ms\nrecordings = no"])
    #expect(daemon.tell("reload").code == 0)
    #expect(first.wait(60) == 77 && first.error.contains("recordings = no"), "\(first.error)")
    daemon.endsInOrder()
    #expect(daemon.run.error.contains("are kept no longer"))
  }

  @Test func itIsNotWhereRecordingsAreForbidden() throws {
    let daemon = try daemon("\nrecordings = no")
    #expect(daemon.isUp())
    let refused = record(daemon, "--near", daemon.folder + "/near")
    #expect(refused.code == 77 && refused.error.contains("recordings = no"), "\(refused)")
    #expect(!FileManager.default.fileExists(atPath: daemon.folder + "/near"))
    daemon.endsInOrder()
    #expect(!daemon.run.error.contains("near a threshold"))
  }
}
