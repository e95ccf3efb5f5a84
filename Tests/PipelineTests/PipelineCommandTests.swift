import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Pipeline
@testable import Startup

/// Commands to the pipeline, on a virtual clock: each is sent when a decision with a certain number is delivered.
@Suite struct PipelineCommandTests {
  private struct Outcome {
    var decisions: [Decision] = []
    var records: [CommandRecord] = []
    /// By ticket, and when (in decisions delivered).
    var answers: [UInt64: CommandOutcome] = [:]
    var rig: ScriptedRig
  }

  /// Audio is unsure and image sure, so that every window wakes the camera.
  private let model = ScriptedModel(audio: [.unsure, .unsure], image: [.sure(1), .unsure])

  /// - Parameter script: by number of the decision at which they are sent, commands with their tickets.
  private func run(
    _ script: [UInt64: [(UInt64, PipelineCommand)]], seconds: Int64 = 6, hasRoom: Bool = true,
    model scripted: ScriptedModel? = nil, linger: Nanoseconds = .zero
  ) throws -> Outcome {
    let scene = try Scene()
    scene.configuration.sensors[0].linger = linger
    let model = try (scripted ?? model).model()
    let plan = try PolicyPlan(scene.configuration, model)
    let rig = try ScriptedRig(
      Rigs.configurations(scene.configuration, model),
      [.init(), .init(wakeLatency: .milliseconds(100))], seconds: seconds)
    let channel = try CommandChannel()
    var outcome = Outcome(rig: rig)
    func takeAnswers() {
      while let answer = channel.takeAnswer() {
        #expect(outcome.answers[answer.ticket] == nil, "answered twice")
        outcome.answers[answer.ticket] = answer.outcome
      }
    }
    let pipeline = Pipeline(
      rig: rig, model: model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(scene.configuration, model),
      energy: EnergyAccounts(plan.energy, network: model),
      deliver: { decision in
        outcome.decisions.append(copy decision)
        takeAnswers()
        for (ticket, command) in script[decision.number] ?? [] {
          #expect(channel.send(CommandRequest(ticket: ticket, command: command, user: 7)))
          rig.bell.ring()
        }
      }, note: { _ in },
      commands: CommandLink(channel: channel) {
        outcome.records.append($0)
        return hasRoom
      })
    try pipeline.run()
    takeAnswers()
    return outcome
  }

  @Test func aLabelIsRecordedForADecisionThatThereWas() throws {
    let outcome = try run([
      3: [
        (1, .label(decision: 2, label: 4, generation: 1)), (2, .label(decision: 4, label: 0, generation: 1)),
        (3, .label(decision: 3, label: 1, generation: 1)),
      ]
    ])
    #expect(outcome.answers == [1: .done, 2: .noSuchDecision(newest: 3), 3: .done])
    try #require(outcome.records.count == 2)
    guard case .label(decision: 2, label: 4) = outcome.records[0].what else {
      Issue.record("\(outcome.records[0])")
      return
    }
    #expect(outcome.records[0].user == 7)
  }

  @Test func aLabelThatFindsNoRoomIsRefused() throws {
    #expect(
      try run([3: [(1, .label(decision: 2, label: 4, generation: 1))]], hasRoom: false).answers == [
        1: .notRecorded
      ])
  }

  @Test func labelsAreTakenForTheLastDecisionsOnly() {
    let limit = CommandChannel.labelledDecisions
    #expect(CommandIntake.refusal(of: 1, newest: limit) == nil)
    #expect(CommandIntake.refusal(of: 1, newest: limit + 1) == .decisionTooOld(oldest: 2))
    #expect(CommandIntake.refusal(of: 0, newest: 5) == .noSuchDecision(newest: 5))
    #expect(CommandIntake.refusal(of: 1, newest: 0) == .noSuchDecision(newest: 0))
    #expect(CommandIntake.refusal(of: 6, newest: 5) == .noSuchDecision(newest: 5))
  }

  @Test func aSensorThatAnotherProgramHasIsMissingAndTheOtherGoesOn() throws {
    let outcome = try run([
      5: [(1, .withhold(sensor: 1))], 10: [(2, .giveBack(sensor: 1))],
    ])
    #expect(outcome.answers == [1: .done, 2: .done])
    let image = ModalitySet(index: 1)
    for decision in outcome.decisions {
      let isTheirs = (6...10).contains(decision.number)
      #expect(decision.missing.contains(image) == isTheirs, "\(decision.number)")
      #expect(decision.used.contains(image) == !isTheirs, "\(decision.number)")
      #expect(decision.used.contains(index: 0), "\(decision.number): the microphone is interrupted")
    }
    #expect(outcome.rig.counters(of: 0).wakes == 1)
  }

  @Test func aSentinelThatIsTakenLeavesTheOtherToAnswerAndListensAgain() throws {
    let outcome = try run([5: [(1, .withhold(sensor: 0))], 10: [(2, .giveBack(sensor: 0))]])
    #expect(outcome.answers == [1: .done, 2: .done])
    let (audio, image) = (ModalitySet(index: 0), ModalitySet(index: 1))
    for decision in outcome.decisions where (6...10).contains(decision.number) {
      #expect(decision.missing.contains(audio) && !decision.used.contains(audio))
    }
    #expect(outcome.decisions.contains { $0.number > 6 && $0.number <= 10 && $0.used == image })
    #expect(outcome.decisions.last.map { $0.used.contains(audio) } == true)
  }

  /// An open camera is asked whether it says `stop` before a voice's `go` stands. That alone keeps it open no longer; where it
  /// says so, it was needed.
  @Test(arguments: [(nil, false), (0.9, false), (0.3, true)] as [(Double?, Bool)])
  func anOpenCameraIsAskedForTheClassThatOverrides(_ threshold: Double?, _ isOverridden: Bool) throws {
    var scripted = ScriptedModel(audio: [.sure(1), .unsure], fusion: .sure(2))
    scripted.overriding = "stop"
    scripted.overrides["image"] = threshold
    let outcome = try run([5: [(1, .ask(full: true))]], model: scripted, linger: .seconds(1))
    let asked = try #require(outcome.decisions.first { $0.answer.exit == .fusion })
    let later = outcome.decisions.drop { $0.number <= asked.number }
    let open = later.prefix { $0.end - asked.end < .seconds(1) }
    #expect(open.count > 2 && later.count > open.count + 6)
    for decision in open.dropLast() {
      #expect(decision.used.contains(index: 1) == (threshold != nil))
      #expect(decision.answer.label == (isOverridden ? 2 : 1) && decision.woken == [])
      #expect(decision.answer.reason == (isOverridden ? .fused : .sure))
      #expect(decision.trace.count == (isOverridden ? 5 : threshold == nil ? 1 : 2))
    }
    #expect(later.dropFirst(open.count + 2).allSatisfy { $0.used.contains(index: 1) == isOverridden })
  }

  @Test func whoAsksIsAnsweredAtOnceAndTheClockGoesOnAsBefore() throws {
    let plain = try run([:])
    let outcome = try run([5: [(1, .ask(full: true)), (2, .ask(full: false))]])
    let asked = try #require(outcome.decisions.dropFirst(5).first)
    #expect(outcome.answers == [1: .asked(decision: asked.number), 2: .asked(decision: asked.number)])
    #expect(asked.answer.exit == .fusion && asked.used == .all(2))
    let ends = outcome.decisions.map(\.end)
    #expect(zip(ends, ends.dropFirst()).allSatisfy { $0 < $1 }, "a window is answered twice")
    // No window is answered in another way for it, from the next but one on.
    #expect(plain.decisions.last?.end == outcome.decisions.last?.end)
    #expect(outcome.decisions.dropFirst(6).allSatisfy { $0.answer.exit != .fusion })
  }

  @Test func nobodyIsAnsweredWhilePaused() throws {
    let outcome = try run([5: [(1, .pause), (2, .ask(full: false)), (3, .resume)]])
    #expect(outcome.answers == [1: .done, 2: .paused, 3: .done])
  }

  /// The rig stands still while nothing is asked of it, so the resume is sent with the pause: nothing lies between.
  @Test func aPauseClosesAllAndAResumeGoesOnWithTheNextWindow() throws {
    let outcome = try run([5: [(1, .pause), (2, .pause), (3, .resume), (4, .resume)]])
    #expect(outcome.answers == [1: .done, 2: .done, 3: .done, 4: .done])
    #expect(outcome.rig.counters(of: 0).wakes == 2)
    let ends = outcome.decisions.map(\.end)
    #expect(zip(ends, ends.dropFirst()).allSatisfy { $0 < $1 })
    #expect(outcome.decisions.map(\.number) == (1...UInt64(outcome.decisions.count)).map { $0 })
    #expect(outcome.decisions.count > 10)
    let kinds = outcome.records.map { record in
      switch record.what {
      case .pause: "pause"
      case .resume: "resume"
      default: "other"
      }
    }
    #expect(kinds == ["pause", "resume"])
  }
}
