import Foundation
import Testing

/// `mmexitctl record`, with a daemon that has the devices.
@Suite struct RecordTests {
  private func record(
    _ daemon: DaemonProcess, _ folder: String, _ more: [String] = []
  ) -> (code: Int32?, output: String, error: String) {
    let run = Run(
      DaemonProcess.binaries + "/mmexitctl",
      ["record", "--config", daemon.folder + "/mmexitd.conf", "--socket", daemon.folder + "/socket"] + more
        + ["--seconds", "2", folder],
      environment: ["LD_PRELOAD": daemon.world.library, "MMEXIT_WORLD": daemon.world.path])
    let code = run.wait(40)
    return (code, run.output, run.error)
  }

  private func size(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.intValue ?? -1
  }

  @Test func aRecordingIsMadeWithTheDaemonsDevicesWhichItHasBackAfterwards() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.state(of: "audio") == "awake" })
    let folder = daemon.folder + "/recording"
    let made = record(daemon, folder, ["--json"])
    #expect(made.code == 0, "\(made)")
    #expect(size(folder + "/audio.wav") == 44 + 2 * 2 * 16_000)
    let head = FileManager.default.contents(atPath: folder + "/image.y4m").map { $0.prefix(9) }
    #expect(head == Data("YUV4MPEG2".utf8))
    let text = try String(contentsOfFile: folder + "/recording.json", encoding: .utf8)
    #expect(text.contains(#""file":"audio.wav""#) && text.contains(#""file":"image.y4m""#))
    #expect(holds(within: 60) { daemon.state(of: "audio") == "awake" }, "it has them back")
    let again = record(daemon, folder)
    #expect(again.code == 73 && again.error.contains("not there yet"), "\(again)")
    daemon.endsInOrder()
    #expect(daemon.records("command").contains { $0["command"] as? String == "acquire" })
  }

  @Test func aConfigurationThatForbidsItIsObeyed() throws {
    let daemon = try DaemonProcess(.live, changes: ["window-period": "250ms\nrecordings = no"])
    let folder = daemon.folder + "/recording"
    let refused = record(daemon, folder)
    #expect(refused.code == 77 && refused.error.contains("recordings = no"), "\(refused)")
    #expect(!FileManager.default.fileExists(atPath: folder))
  }
}
