import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline

/// A pipeline that goes over to other generations between two windows, on a virtual clock.
@Suite struct PipelineReloadTests {
  private struct Outcome {
    var decisions: [Decision] = []
    var records: [CommandRecord] = []
    /// Decisions and generations in the order in which they were handed to the recorder.
    var trace: [String] = []
    var answers: [UInt64: CommandOutcome] = [:]
  }

  /// Audio is unsure and image sure of class 1, so that every window wakes the camera.
  private static let first = ScriptedModel(audio: [.unsure, .unsure], image: [.sure(1), .unsure])

  /// - Parameters:
  ///   - changes: by number of the decision behind which it is read, what the next generation's files have.
  ///   - commands: the same for what else is asked, with tickets from 100 on.
  private func run(
    _ changes: [UInt64: (GenerationFiles) throws -> Void],
    commands: [UInt64: [(UInt64, PipelineCommand)]] = [:], seconds: Int64 = 6, hasRoom: Bool = true,
    model: ScriptedModel = first
  ) throws -> Outcome {
    let files = try GenerationFiles(model)
    let start = try files.generation()
    let rig = try ScriptedRig(
      start.sensors, [.init(), .init(wakeLatency: .milliseconds(100))], seconds: seconds)
    let channel = try CommandChannel()
    let reloader = Reloader(start: start, bell: channel.bell)
    var former = start
    var outcome = Outcome()
    func takeAnswers() {
      while let answer = channel.takeAnswer() {
        #expect(outcome.answers[answer.ticket] == nil, "answered twice")
        outcome.answers[answer.ticket] = answer.outcome
        channel.propose(nil)
      }
    }
    func reload(_ change: (GenerationFiles) throws -> Void, _ ticket: UInt64) {
      do {
        try change(files)
        try files.write()
        let next = try reloader.prepare(.reload, former).get()
        channel.propose(next)
        former = next.generation
      } catch {
        Issue.record("\(error)")
      }
      #expect(channel.send(CommandRequest(ticket: ticket, command: .adopt, user: 7)))
    }
    let plan = start.plan
    let pipeline = Pipeline(
      rig: rig, model: start.model.model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(start.configuration, start.model.model),
      energy: EnergyAccounts(plan.energy, network: start.model.model),
      deliver: { decision in
        outcome.decisions.append(copy decision)
        outcome.trace.append("\(decision.number)")
        takeAnswers()
        if let change = changes[decision.number] { reload(change, decision.number) }
        for (ticket, command) in commands[decision.number] ?? [] {
          #expect(channel.send(CommandRequest(ticket: ticket, command: command, user: 7)))
        }
        rig.bell.ring()
      }, note: { _ in },
      commands: CommandLink(channel: channel) {
        outcome.records.append($0)
        if case .adopt(let generation) = $0.what { outcome.trace.append("generation \(generation.number)") }
        return hasRoom
      })
    try pipeline.run()
    takeAnswers()
    let numbers = outcome.decisions.map(\.number)
    #expect(numbers == Array(1...UInt64(max(1, numbers.count))), "a window is lost or answered twice")
    let ends = outcome.decisions.map(\.end)
    #expect(zip(ends, ends.dropFirst()).allSatisfy { $0 < $1 }, "a window is answered twice")
    return outcome
  }

  @Test func anotherModelAnswersFromTheNextWindowOn() throws {
    let outcome = try run([
      5: { $0.model = ScriptedModel(audio: [.sure(2), .unsure], image: [.sure(0), .unsure]) }
    ])
    #expect(outcome.answers == [5: .done])
    #expect(outcome.trace[4...6] == ["5", "generation 2", "6"], "\(outcome.trace)")
    #expect(outcome.decisions.prefix(5).allSatisfy { $0.answer.label == 1 })
    #expect(outcome.decisions.dropFirst(5).allSatisfy { $0.answer.label == 2 })
    #expect(outcome.decisions.count > 10)
  }

  @Test func anotherPeriodHoldsFromTheLastWindowOn() throws {
    for period in [Nanoseconds.milliseconds(100), .milliseconds(500)] {
      let outcome = try run(
        [5: { $0.configuration.general.windowPeriod = period }],
        model: ScriptedModel(audio: [.sure(1), .unsure]))
      let ends = outcome.decisions.dropFirst(4).map(\.end)
      // The first after the change may still be the old clock's.
      #expect(ends[1] - ends[0] <= .milliseconds(250))
      for (end, next) in zip(ends.dropFirst(), ends.dropFirst(2)) {
        #expect(abs((next - end).count - period.count) <= 1_000_000)
      }
    }
  }

  @Test func aThresholdAndAnOrderOfTheirOwn() throws {
    let outcome = try run([
      5: { $0.configuration.gate.first = "image" },
      10: {
        $0.configuration.gate.first = ""
        $0.configuration.gate.threshold = 0
      },
    ])
    #expect(outcome.answers == [5: .done, 10: .done])
    let image = ModalitySet(index: 1)
    #expect(outcome.decisions[6...9].allSatisfy { $0.used == image && $0.answer.label == 1 })
    // An exit with no threshold but 0 is sure of what it is wholly sure of only, and the scripted ones are.
    #expect(outcome.decisions.dropFirst(11).allSatisfy { $0.used == .all(2) })
  }

  @Test func whoAsksForEverySensorIsAnsweredInTheOrderInForce() throws {
    let outcome = try run(
      [5: { $0.configuration.gate.first = "image" }], commands: [9: [(100, .ask(full: true))]],
      model: ScriptedModel(audio: [.sure(1), .unsure], image: [.sure(1), .unsure], fusion: .sure(1)))
    guard case .asked(let number) = outcome.answers[100] else {
      Issue.record("\(outcome.answers)")
      return
    }
    let decision = try #require(outcome.decisions.first { $0.number == number })
    #expect(decision.used == .all(2))
    let exits = decision.trace.indices.map { decision.trace[$0].reading.exit }
    #expect(exits.first == .encoder(modality: 1, exit: 1), "\(exits)")
  }

  @Test func whatFindsNoRoomChangesNothing() throws {
    let outcome = try run([5: { $0.model.image = [.sure(0), .unsure] }], hasRoom: false)
    #expect(outcome.answers == [5: .notRecorded])
    #expect(outcome.decisions.allSatisfy { $0.answer.label == 1 })
  }

  @Test func labelsAreOfTheClassesInForce() throws {
    let outcome = try run(
      [
        5: { $0.model.classes = ["none", "left", "right"] }, 7: { $0.configuration.gate.wakesPerMinute = 3 },
      ],
      commands: [
        // Of the old classes, sent before the reload was known; of a decision of theirs; of one of the new.
        5: [(100, .label(decision: 4, label: 1, generation: 1))],
        6: [
          (101, .label(decision: 5, label: 1, generation: 2)),
          (102, .label(decision: 6, label: 1, generation: 2)),
          (103, .label(decision: 6, label: 1, generation: 1)),
        ],
        // The same classes as before: what was made by them takes labels still.
        8: [(104, .label(decision: 6, label: 1, generation: 3))],
      ])
    let tooOld = CommandOutcome.decisionTooOld(oldest: 6)
    #expect(
      outcome.answers == [5: .done, 7: .done, 100: tooOld, 101: tooOld, 102: .done, 103: tooOld, 104: .done])
  }

  @Test func aPausedPipelineGoesOverToo() throws {
    let outcome = try run(
      [5: { $0.model.image = [.sure(2), .unsure] }], commands: [5: [(100, .pause), (101, .resume)]])
    #expect(outcome.answers == [5: .done, 100: .done, 101: .done])
    #expect(outcome.decisions.dropFirst(5).allSatisfy { $0.answer.label == 2 })
  }

  @Test func wakesOfTheLastMinuteAreCountedOn() {
    var budget = WakeBudget(perMinute: 5)
    for second in 1...3 as ClosedRange<Int64> { budget.note(wakeAt: .zero + .seconds(second)) }
    #expect(!budget.isSpent(at: .zero + .seconds(4)))
    #expect(budget.with(perMinute: 3).isSpent(at: .zero + .seconds(4)))
    #expect(budget.with(perMinute: 2).isSpent(at: .zero + .seconds(4)))
    #expect(!budget.with(perMinute: 4).isSpent(at: .zero + .seconds(4)))
    // The oldest of three lies more than a minute back then.
    #expect(!budget.with(perMinute: 3).isSpent(at: .zero + .seconds(61) + .milliseconds(500)))
  }

  @Test func aGenerationThatIsLeftIsFreed() throws {
    let files = try GenerationFiles()
    let start = try files.generation()
    files.model.image = [.sure(2), .unsure]
    try files.write()
    weak var left: NextGeneration?
    let channel = try CommandChannel()
    do {
      let next = try Reloader(start: start, bell: channel.bell).prepare(.reload, start).get()
      left = next
      channel.propose(next)
    }
    #expect(left != nil)
    channel.propose(nil)
    #expect(left == nil)
  }
}
