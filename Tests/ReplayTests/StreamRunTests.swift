import Configuration
import Glibc
import Linux
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Replay
@testable import Startup

@Suite struct StreamRunTests {
  private func write(_ bytes: [UInt8], _ path: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    try file.writeAll(bytes, path)
  }

  /// The scene's recording and configuration in files, as the command finds them.
  private func stream(_ scene: Scene, _ scripted: ScriptedModel) throws -> StreamRun {
    var configuration = scene.configuration
    configuration.general.model = scene.directory + "/model.safetensors"
    configuration.replay = Configuration.Replay()
    // Sorted by name, the microphone's section is the first; a camera's keys may not stand there.
    let parts = configuration.canonical().split(separator: "[sensor image]", maxSplits: 1)
    let text =
      parts[0].split(separator: "\n").filter { line in !Keys.camera.contains { line.hasPrefix($0 + " ") } }
      .joined(separator: "\n") + "\n[sensor image]" + parts[1]
    let description =
      #"{"format": 1, "name": "scene", "sensors": [{"name": "audio", "kind": "sound", "file": "audio.wav"}, "#
      + #"{"name": "image", "kind": "image", "file": "image.y4m"}]}"#
    let files = ["model.safetensors", "test.conf", "recording.json"].map { scene.directory + "/" + $0 }
    defer { for file in files { unlink(file) } }
    try write(scripted.bytes(), files[0])
    try write(Array(text.utf8), files[1])
    try write(Array(description.utf8), files[2])
    return try StreamRun(
      try LoadedConfiguration(path: files[1]), recording: scene.directory, at: "--stream")
  }

  /// The pipeline's own decisions: what a daemon that replays the recording comes to.
  @Test func answersAsTheDaemonDoes() throws {
    let scripted = ScriptedModel(audio: [.unsure, .unsure], image: [.unsure, .sure(2)])
    let scene = try Scene()
    let expected = try scene.play(scripted)
    var answers: [Answer] = []
    let energy = try stream(scene, scripted).run(
      report: { Issue.record("\($0)") }, deliver: { answers.append($0.answer) }, event: { _ in })
    #expect(answers.count > 5 && answers == expected.decisions.map(\.answer))
    #expect(energy.time == .seconds(3))
    // What comes after the last decision is counted too.
    #expect(energy.spent >= expected.status.energy && energy.alwaysOn >= expected.status.alwaysOn)
    #expect(energy.unavoidable > .zero && energy.unavoidable < energy.alwaysOn)
    #expect(energy.saved < energy.avoidableSaved ?? 0)
  }

  @Test func namesWhichSensorsSee() throws {
    let stream = try stream(try Scene(), ScriptedModel())
    #expect(stream.isPicture("image") == true && stream.isPicture("audio") == false)
    #expect(stream.isPicture("smell") == nil)
  }
}
