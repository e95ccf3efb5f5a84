import Configuration
import JSON
import Linux
import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Startup
@testable import Varlink

/// What goes on and what ends with a generation, and requests for another that come together.
@Suite struct GenerationChangeTests {
  private struct Outcome {
    var decisions: [Decision] = []
    var events: [StreamEvent] = []
  }

  /// - Parameter at: behind the decision with that number `change` is read, or where there is none a window is asked for,
  ///   `delay` later.
  private func run(
    _ model: ScriptedModel, at number: UInt64, delay: Nanoseconds = .zero, seconds: Int64 = 10,
    prepare: (inout Configuration) -> Void = { _ in }, change: ((inout Configuration) -> Void)?
  ) throws -> Outcome {
    let files = try GenerationFiles(model)
    prepare(&files.configuration)
    try files.write()
    let start = try files.generation()
    let rig = try ScriptedRig(
      start.sensors, [.init(), .init(wakeLatency: .milliseconds(100))], seconds: seconds)
    let channel = try CommandChannel()
    let reloader = Reloader(start: start, bell: channel.bell)
    var outcome = Outcome()
    let pipeline = Pipeline(
      rig: rig, model: start.model.model, policy: start.plan.policy, order: start.plan.order,
      settings: PipelineSettings(start.configuration, start.model.model),
      energy: EnergyAccounts(start.plan.energy, network: start.model.model),
      deliver: { decision in
        outcome.decisions.append(copy decision)
        guard decision.number == number else { return }
        rig.cost = { delay }
        rig.work()
        rig.cost = nil
        var command = PipelineCommand.ask(full: false)
        if let change {
          do {
            change(&files.configuration)
            try files.write()
            channel.propose(try reloader.prepare(.reload, start).get())
            command = .adopt
          } catch {
            Issue.record("\(error)")
          }
        }
        #expect(channel.send(CommandRequest(ticket: 1, command: command, user: 7)))
        rig.bell.ring()
      }, note: { if case .event(let event) = $0 { outcome.events.append(event) } },
      commands: CommandLink(channel: channel) { _ in true })
    try pipeline.run()
    #expect(channel.takeAnswer() != nil)
    return outcome
  }

  @Test func whoAsksDoesNotWaitForTheClock() throws {
    let outcome = try run(
      ScriptedModel(audio: [.sure(1), .unsure]), at: 5, delay: .milliseconds(100), change: nil)
    let ends = outcome.decisions.map(\.end)
    #expect(
      ends[5] - ends[4] >= .milliseconds(90) && ends[5] - ends[4] <= .milliseconds(150),
      "\(ends[5] - ends[4])")
    #expect(ends[6] - ends[4] <= .milliseconds(500), "the clock goes on as before")
  }

  @Test func anEventEndsWithTheGenerationThatGatheredIt() throws {
    let outcome = try run(ScriptedModel(audio: [.sure(1), .unsure]), at: 8) {
      $0.general.windowPeriod = .milliseconds(500)
    }
    let changed = outcome.decisions[7].decided
    let ended = outcome.events.first { $0.end != nil }
    #expect(
      ended?.end.map { $0 >= changed && $0 <= changed + .milliseconds(20) } == true, "\(outcome.events)")
    #expect(outcome.events.filter { $0.end == nil }.count == 2, "the next begins anew")
  }

  @Test func maxBlindIsTheNextGenerations() throws {
    let none = ScriptedModel(audio: [.sure(0), .unsure], image: [.sure(0), .unsure], fusion: .sure(0))
    let outcome = try run(
      none, at: 8, prepare: { $0.gate.maximumBlind = .seconds(60) },
      change: { $0.gate.maximumBlind = .seconds(2) }
    )
    #expect(outcome.decisions.prefix(8).allSatisfy { !$0.look })
    #expect(outcome.decisions.filter(\.look).count >= 2)
  }

  @Test func aPreferenceLeavesWhatTheActivityCheckHasLearnt() throws {
    let start = try GenerationFiles().generation()
    #expect(NextGeneration(try Generation(start, lambda: 2), after: start).inputs == nil)
  }

  @Test func anotherPeriodDrawsItsAuditsAnew() throws {
    let files = try GenerationFiles()
    let start = try files.generation()
    #expect(!NextGeneration(try Generation(start, lambda: 2), after: start).hasOtherAudits)
    files.configuration.general.windowPeriod = .milliseconds(500)
    try files.write()
    #expect(NextGeneration(try files.generation(), after: start).hasOtherAudits)
  }

  // MARK: At the desk

  private final class Desk {
    let files: GenerationFiles
    let channel: CommandChannel
    var desk: ReloadDesk
    var replies: [(client: ConnectionID, reply: Reply)] = []
    private var seconds: Int64 = 0

    init() throws {
      files = try GenerationFiles()
      channel = try CommandChannel()
      let output = try OutputThread(decisions: -1, journal: -1) {}
      desk = ReloadDesk(try files.generation(), channel: channel, journal: Journal(queue: output.journal))
    }

    /// Waits for a generation to be ready, and adopts it.
    func adopt() -> Bool {
      let limit = bootTimeNanoseconds() + 20_000_000_000
      while bootTimeNanoseconds() < limit {
        if desk.takeReady(at: .zero, &replies) != nil {
          desk.answered(isAdopted: true, at: .zero, &replies)
          return true
        }
        channel.bell.wait(until: bootTimeNanoseconds() + 20_000_000)
        channel.bell.clear()
      }
      return false
    }
  }

  @Test func whoHasWaitedLongEnoughIsToldOnce() throws {
    let desk = try Desk()
    let call = try Call(
      .object(["method": .string("io.mmexit.Daemon.Reload")]),
      from: PeerCredentials(process: 1, user: 0, group: 0), on: ConnectionID(testing: 7))
    guard case .deferred = desk.desk.begin(.reload, call, at: .zero) else {
      Issue.record("it was not begun")
      return
    }
    let limit = Instant.zero + ReloadDesk.patience
    #expect(desk.desk.nextDeadline == limit)
    for second in [-1, 0, 0, 1] as [Int64] {
      desk.desk.turn(at: limit + .seconds(second), &desk.replies)
      #expect(desk.replies.count == (second < 0 ? 0 : 1))
    }
    #expect(desk.desk.nextDeadline == nil && desk.replies[0].client == ConnectionID(testing: 7))
    #expect(desk.adopt() && desk.replies.count == 1, "what was asked for goes on")
  }

  @Test func aSignalThatComesDuringAReloadIsNotLost() throws {
    let desk = try Desk()
    desk.desk.hangUp(at: .zero)
    desk.desk.hangUp(at: .zero)
    desk.desk.hangUp(at: .zero)
    #expect(desk.adopt() && desk.desk.generation.number == 2)
    #expect(desk.adopt() && desk.desk.generation.number == 3, "once more, for all that came meanwhile")
  }
}
