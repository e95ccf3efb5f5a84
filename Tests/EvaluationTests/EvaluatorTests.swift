import ScriptedModels
import Sensing
import Testing
import Vocabulary

@testable import Evaluation

@Suite struct EvaluatorTests {
  private let sound = WindowData.sound([Int16](repeating: 100, count: 800))
  private let picture: WindowData

  init() throws {
    let pgm = Array("P5 4 4 255\n".utf8) + Array(repeating: 7, count: 16)
    picture = .picture(try PNMReader.decode(pgm, path: "test"))
  }

  private func evaluator(
    _ scripted: ScriptedModel, _ policy: Evaluator.Policy = .planned(.exact), threshold: Float? = nil
  ) throws -> Evaluator {
    try Evaluator(scripted.model(), policy: policy, threshold: threshold)
  }

  @Test func aSureExitEndsTheWindow() throws {
    var e = try evaluator(ScriptedModel(audio: [.unsure, .sure(2)]), .first("audio"))
    let result = e.answer([sound, picture])
    #expect(result.answer.label == 2)
    #expect(result.asked.map(\.exit) == [.encoder(modality: 0, exit: 1), .encoder(modality: 0, exit: 2)])
    let everything = e.everything([sound, picture])
    #expect(result.macs < everything.macs)
  }

  @Test func policyAllRunsEverythingAndFusionAnswers() throws {
    var e = try evaluator(ScriptedModel(audio: [.sure(2), .sure(2)], fusion: .sure(1)), .all)
    let result = e.answer([sound, picture])
    #expect(result.answer.exit == .fusion && result.answer.label == 1)
    let everything = e.everything([sound, picture])
    #expect(result.macs == everything.macs && result.parameters == everything.parameters)
  }

  @Test func aModalityFirst() throws {
    var e = try evaluator(
      ScriptedModel(audio: [.sure(1), .unsure], image: [.sure(2), .unsure]), .first("image"))
    #expect(e.order == [1, 0])
    #expect(e.answer([sound, picture]).answer.label == 2)
    // What is missing is passed over.
    #expect(e.answer([sound, nil]).answer.label == 1)
    #expect(throws: EvaluationError.self) {
      _ = try Evaluator(ScriptedModel().model(), policy: .first("smell"), threshold: nil)
    }
  }

  @Test func thresholdReplacesTheModels() throws {
    // Entropy 1 leaves at threshold 1, and a sure exit does not leave where its threshold is below.
    var uniform = ScriptedModel()
    uniform.none = nil
    var everywhere = try evaluator(uniform, .first("audio"), threshold: 1)
    #expect(everywhere.answer([sound, picture]).asked.count == 1)
    var scripted = ScriptedModel()
    scripted.threshold = 1
    var nowhere = try evaluator(scripted, .first("audio"), threshold: 0.5)
    #expect(nowhere.answer([sound, picture]).answer.exit == .fusion)
  }

  @Test func aSureNothingNeedsEveryModality() throws {
    var lone = try evaluator(
      ScriptedModel(audio: [.sure(0), .sure(0)], image: [.sure(1), .unsure]), .first("audio"))
    #expect(lone.answer([sound, picture]).answer.exit == .fusion)
    var both = try evaluator(
      ScriptedModel(audio: [.sure(0), .sure(0)], image: [.sure(0), .unsure]), .first("audio"))
    let result = both.answer([sound, picture])
    #expect(result.answer.label == 0 && result.answer.reason == .sure)
    #expect(result.asked.count == 2)
    #expect(both.answer([sound, nil]).answer.label == 0)
  }

  @Test func aSureCommandStandsBesideASureNothingAsInTheDaemon() throws {
    var scripted = ScriptedModel(audio: [.sure(0), .sure(0)], image: [.sure(1), .unsure])
    scripted.besideNone = ["image": 0.25]
    for threshold in [nil, 0.4] as [Float?] {
      var e = try evaluator(scripted, .first("audio"), threshold: threshold)
      let result = e.answer([sound, picture])
      #expect(result.answer.label == 1 && result.answer.reason == .sure && result.asked.count == 2)
    }
    var other = try evaluator(scripted, .first("image"))
    scripted.image = [.sure(0), .unsure]
    scripted.audio = [.sure(1), .sure(1)]
    #expect(other.answer([sound, picture]).asked.count == 1)
    var turned = try evaluator(scripted, .first("image"))
    #expect(turned.answer([sound, picture]).answer.exit == .fusion)
  }

  @Test func aClassOverridesAsInTheDaemon() throws {
    var scripted = ScriptedModel(audio: [.sure(1), .sure(1)], image: [.sure(2), .unsure], fusion: .sure(2))
    var plain = try evaluator(scripted, .first("audio"))
    #expect(plain.answer([sound, picture]).asked.count == 1)
    scripted.overriding = "stop"
    scripted.overrides = ["image": 0.5]
    for threshold in [nil, 0.4] as [Float?] {
      var e = try evaluator(scripted, .first("audio"), threshold: threshold)
      let result = e.answer([sound, picture])
      #expect(result.answer.label == 2 && result.answer.exit == .fusion && result.asked.count == 5)
      #expect(e.answer([sound, nil]).answer.label == 1)
    }
    scripted.image = [.sure(0), .unsure]
    var e = try evaluator(scripted, .first("audio"))
    let result = e.answer([sound, picture])
    #expect(result.answer.label == 1 && result.answer.reason == .sure && result.asked.count == 2)
  }

  @Test func anAuditReadsEveryExit() throws {
    var e = try evaluator(ScriptedModel())
    #expect(e.readAll([sound, picture]).count == 5)
    #expect(
      e.readAll([nil, picture]).map(\.exit) == [
        .encoder(modality: 1, exit: 1), .encoder(modality: 1, exit: 2), .fusion,
      ])
  }

  @Test func theSummaryAddsUp() throws {
    var e = try evaluator(ScriptedModel(audio: [.sure(2), .unsure]), .first("audio"))
    let model = try ScriptedModel().model()
    var summary = Summary(model)
    for label in [2, 2, 1] {
      summary.add(e.answer([sound, picture]), label: label, everything: e.everything([sound, picture]))
    }
    #expect(abs(summary.accuracy - 2.0 / 3) < 1e-12)
    let row = try #require(summary.rows().first)
    #expect(row.asked == 3 && row.answers == 3 && row.share == 1)
    #expect(summary.rows().reduce(0) { $0 + $1.answers } == 3)
    #expect(summary.macsSaved > 0 && summary.macsSaved < 1)
  }
}

@Suite struct WindowDataTests {
  @Test func shortSoundIsCentredAndLongSoundIsCut() {
    #expect(WindowData.centred([1, 2], to: 5) == [0, 1, 2, 0, 0])
    #expect(WindowData.centred([1, 2, 3, 4, 5], to: 2) == [2, 3])
    #expect(WindowData.centred([1, 2], to: 2) == [1, 2])
    #expect(WindowData.centred([], to: 2) == [0, 0])
  }
}
