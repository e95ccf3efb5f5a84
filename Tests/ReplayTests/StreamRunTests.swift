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

  /// The sound says nothing, the picture is sure: who takes turns answers with whom it has, and pays for the time awake.
  @Test func turnsAreReplayedFromWhatExitsSaid() throws {
    let scripted = ScriptedModel(audio: [.unsure, .unsure], image: [.unsure, .sure(2)])
    let scene = try Scene()
    let run = try stream(scene, scripted)
    var answered = run.answered
    var ends: [Instant] = []
    _ = try run.run(
      report: { Issue.record("\($0)") },
      deliver: {
        answered.take($0)
        ends.append($0.end)
      }, event: { _ in })
    #expect(answered.ends.count == ends.count && ends.count > 5)

    func play(_ choice: WindowChoice) -> (used: [ModalitySet], joules: Double) {
      var used: [ModalitySet] = []
      var joules = 0.0
      answered.play(
        choice,
        deliver: {
          used.append($0.used)
          joules += $0.totalEnergy.joules
        }, event: { _ in })
      return (used, joules)
    }
    func turns(_ share: Double, _ listening: ModalitySet) -> WindowChoice {
      .turns(SensorTurns(.duty, stretch: 1, share: share, listening: listening))
    }
    let everything = play(.everything)
    let nothing = play(turns(0, []))
    let listening = play(turns(0, ModalitySet(index: 0)))
    #expect(everything.used.allSatisfy { $0 == .all(2) } && everything.used.count == ends.count)
    #expect(nothing.used.allSatisfy { $0.isEmpty })
    #expect(listening.used.allSatisfy { $0 == ModalitySet(index: 0) })
    #expect(nothing.joules < listening.joules && listening.joules < everything.joules)
    // Who knows that it is class 2 asks the picture alone; who knows that it is another asks the cheapest.
    let seen = play(.oracle(expected: ends.map { _ in 2 }))
    #expect(seen.used.allSatisfy { $0.contains(index: 1) } && seen.joules <= everything.joules)
    withExtendedLifetime(scene) {}
  }

  @Test func turnsTakeTheirShare() {
    for kind in [SensorTurns.Kind.random, .duty] {
      let turns = SensorTurns(kind, stretch: 2, share: 0.25, listening: [])
      let on = (0..<40_000).count { turns.isOn(at: Double($0) * 0.25) }
      #expect((8_800...11_200).contains(on))
      #expect(turns.isOn(at: 4) == turns.isOn(at: 4.1))
    }
  }

  @Test func namesWhichSensorsSee() throws {
    let stream = try stream(try Scene(), ScriptedModel())
    #expect(stream.isPicture("image") == true && stream.isPicture("audio") == false)
    #expect(stream.isPicture("smell") == nil)
  }
}
