import Adaptation
import Configuration
import Engine
import Glibc
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Startup

/// What follows from audits: another order, sensors that are left out, labels that count.
@Suite struct OrderPlannerTests {
  /// How an exit of both sensors speaks: the class, and whether it is sure.
  struct Says {
    var audio: (label: Int, entropy: Float)
    var image: (label: Int, entropy: Float)
  }

  private func setup(
    fingerprint: UInt64 = 7, _ change: (inout Configuration) -> Void = { _ in }
  ) throws -> PlannerSetup? {
    let scene = try Scene(seconds: 1)
    scene.configuration.adaptation.audits = true
    scene.configuration.adaptation.reorder = true
    scene.configuration.gate.order = .exact
    change(&scene.configuration)
    let model = try ScriptedModel().model()
    let plan = try PolicyPlan(scene.configuration, model)
    return PlannerSetup(scene.configuration, model, plan, fingerprint: fingerprint)
  }

  /// A window that was class 1 or 2 for fusion, by turns, so that each audit is of another event; 1 stands for either.
  private func audit(_ number: UInt64, _ says: Says) -> AuditedWindow {
    let label = 1 + Int(number % 2)
    var window = AuditedWindow(
      decision: number, end: Instant(sinceBoot: Int64(number) * 100_000_000_000), available: .all(2),
      inactive: [], label: label, cost: Nanojoules(1000))
    for (modality, said) in [says.audio, says.image].enumerated() {
      for exit in 1...2 {
        window.readings.append(
          Reading(
            exit: .encoder(modality: modality, exit: exit), entropy: said.entropy,
            label: said.label == 0 ? 0 : label,
            certainty: 0.5, macs: 1, parameters: 1))
      }
    }
    window.readings.append(
      Reading(exit: .fusion, entropy: 0.1, label: label, certainty: 0.9, macs: 1, parameters: 1))
    return window
  }

  /// The plans that so many audits lead to, and the number of the audit each came with.
  private func feed(
    _ planner: inout OrderPlanner, _ numbers: ClosedRange<UInt64>, _ says: Says
  ) -> [(at: UInt64, plan: PlannedOrder)] {
    var plans: [(at: UInt64, plan: PlannedOrder)] = []
    for number in numbers {
      let window = audit(number, says)
      planner.take(window)
      if let plan = planner.review(at: window.end) { plans.append((number, plan)) }
    }
    return plans
  }

  private let day = Says(audio: (1, 0.1), image: (1, 0.1))
  private let night = Says(audio: (1, 0.1), image: (0, 0.1))

  @Test func aSensorThatTellsNothingIsLeftOutAndTakenBack() throws {
    var planner = OrderPlanner(try setup())
    #expect(feed(&planner, 1...30, day).isEmpty)
    let dark = feed(&planner, 31...60, night)
    // The newest fourteen events have to be wrong, all of them.
    #expect(dark.map(\.at) == [44])
    let change = try #require(dark.first?.plan.change)
    #expect(change.askedBefore == .all(2) && change.asked == ModalitySet(index: 0))
    #expect(
      change.sensors == [OrderChange.Sensor(modality: 1, isAsked: false, right: 0, events: 14)])
    #expect(dark.first?.plan.leftOut == ModalitySet(index: 1))
    let light = feed(&planner, 61...80, day)
    #expect(light.count == 1)
    #expect(light.first?.plan.leftOut == [] && light.first?.plan.change.asked == .all(2))
  }

  @Test func theOrderFollowsWhoAnswers() throws {
    var planner = OrderPlanner(try setup())
    // The microphone is right and never sure; the camera is both.
    let wind = Says(audio: (1, 0.9), image: (1, 0.1))
    let plans = feed(&planner, 1...40, wind)
    let plan = try #require(plans.first)
    #expect(plans.count == 1 && plan.at == 24, "a change takes 24 audits")
    #expect(plan.plan.change.from == [0, 1] && plan.plan.change.to == [1, 0])
    #expect(plan.plan.change.gain > 0 && plan.plan.change.value > plan.plan.change.formerValue)
    #expect(plan.plan.change.moved.contains { $0.quantity == "hazard" && $0.modality == 0 })
    var order = [0, 1]
    plan.plan.exchange(order: &order)
    #expect(order == [1, 0])
    #expect(planner.report.review?.present.order == [1, 0])
  }

  @Test func aConfiguredOrderStays() throws {
    var planner = OrderPlanner(try setup { $0.gate.first = "audio" })
    #expect(feed(&planner, 1...40, Says(audio: (1, 0.9), image: (1, 0.1))).isEmpty)
    #expect(planner.report.isOn && !planner.report.isOrderFree)
    #expect(try setup { $0.adaptation.reorder = false } == nil)
    #expect(try setup { $0.adaptation.audits = false } == nil)
  }

  @Test func labelsOfPeopleCountUpToTheirShare() throws {
    var planner = OrderPlanner(try setup { $0.adaptation.labelShare = 0.5 })
    _ = feed(&planner, 1...4, day)
    for number in 1...4 as ClosedRange<UInt64> { planner.label(number, as: 2) }
    planner.label(99, as: 2)
    #expect(planner.report.clientLabels == 2)
    #expect(planner.buffer?[0].reference?.label == 2 && planner.buffer?[3].reference?.label == 1)
  }

  @Test func anotherGenerationKeepsTheAuditsOfItsModel() throws {
    var planner = OrderPlanner(try setup())
    _ = feed(&planner, 1...20, night)
    #expect(planner.report.asked == ModalitySet(index: 0))
    planner.adopt(try setup { $0.adaptation.buffer = 16 })
    #expect(planner.report.audits == 16 && planner.report.asked == .all(2))
    // They still say the same.
    #expect(planner.review(at: Instant(sinceBoot: 100_000_000_000))?.leftOut == ModalitySet(index: 1))
    planner.adopt(try setup(fingerprint: 8))
    #expect(planner.report.audits == 0)
    planner.adopt(nil)
    planner.take(audit(1, day))
    #expect(planner.review(at: .zero) == nil && !planner.report.isOn)
  }

  @Test func theBufferIsBackAfterARestart() throws {
    let setup = try #require(try setup())
    let scratch = try LedgerScratch()
    let file = BufferFile(directory: scratch.directory)
    let now = Instant(sinceBoot: 10_000_000_000_000)
    #expect(file.load(setup, at: now).outcome == .missing)
    var planner = OrderPlanner(setup)
    _ = feed(&planner, 1...12, night)
    let buffer = try #require(planner.buffer)
    try file.save(buffer, setup, at: now)
    let (loaded, outcome) = file.load(setup, at: now)
    #expect(outcome == .restored(12) && loaded?.count == 12)
    #expect(loaded?[11].fusion == buffer[11].fusion && loaded?[11].end == buffer[11].end)
    // A half of it is damage: it is set aside, and the next start finds none.
    let path = scratch.directory + "/" + BufferFile.name
    #expect(truncate(path, 200) == 0)
    guard case .quarantined(let aside, let reason) = file.load(setup, at: now).outcome else {
      Issue.record("a damaged buffer was taken")
      return
    }
    #expect(aside == path + ".set-aside" && !reason.isEmpty)
    #expect(file.load(setup, at: now).outcome == .missing)
  }

  // MARK: In the pipeline

  @Test func aBlackPictureIsNotAskedEightWindowsAfterItWasSeen() throws {
    let scene = try Scene(seconds: 60, blackFrom: 20)
    scene.configuration.adaptation.audits = true
    scene.configuration.adaptation.reorder = true
    scene.configuration.adaptation.probability = 0.2
    scene.configuration.adaptation.energyShare = 1
    scene.configuration.gate.wakesPerMinute = 600
    scene.configuration.gate.activityCheck = true
    // The microphone is unsure, so that the camera is woken for each window.
    let scripted = ScriptedModel(
      audio: [.unsure, .unsure], image: [.sure(0), .sure(0)], fusion: .sure(1))
    let outcome = try scene.play(scripted)
    let changes = outcome.notes.compactMap { if case .reorder(let change, _) = $0 { change } else { nil } }
    #expect(changes.count == 1 && changes.first?.asked == ModalitySet(index: 0))
    #expect(changes.first?.sensors == [OrderChange.Sensor(modality: 1, isAsked: false, right: 0, events: 0)])
    func asksCamera(_ decision: Decision) -> Bool {
      decision.trace.indices.contains {
        if case .encoder(1, _) = decision.trace[$0].reading.exit { true } else { false }
      }
    }
    // The fourth window of a black picture; eight windows later it is asked no more, or, where an audit has asked just before,
    // when that answer has taken effect and eight more are over.
    let black = try #require(outcome.decisions.first { $0.end >= .zero + .seconds(20) }).number
    let effect = try #require(outcome.decisions.last { asksCamera($0) }).number + 1
    #expect((black + 3 + 8...black + 3 + 16).contains(effect), "\(black), \(effect)")
    for decision in outcome.decisions {
      #expect(asksCamera(decision) == (decision.number < effect), "\(decision.number), \(effect)")
      if decision.number >= effect { #expect(decision.woken == []) }
    }
    // Its audits go on.
    let audits = outcome.notes.compactMap { if case .audit(let window) = $0 { window } else { nil } }
    let later = audits.filter { $0.decision >= effect + 8 }
    #expect(later.count > 5 && later.allSatisfy { $0.available == .all(2) })
    #expect(outcome.status.leftOut == ModalitySet(index: 1))
  }

  @Test func oneEventIsNoReasonToLeaveASensorOut() throws {
    let scene = try Scene(seconds: 60)
    scene.configuration.adaptation.audits = true
    scene.configuration.adaptation.reorder = true
    scene.configuration.adaptation.probability = 0.4
    scene.configuration.adaptation.energyShare = 1
    // Fusion holds all of it to be one command, of which the camera tells nothing.
    let outcome = try scene.play(
      ScriptedModel(audio: [.unsure, .unsure], image: [.sure(0), .sure(0)], fusion: .sure(1)))
    #expect(!outcome.notes.contains { if case .reorder = $0 { true } else { false } })
  }

  @Test func whoListensAndTellsNothingIsTakenAsQuiet() throws {
    let scene = try Scene(seconds: 60, silentFrom: 10)
    scene.configuration.adaptation.audits = true
    scene.configuration.adaptation.reorder = true
    scene.configuration.adaptation.probability = 0.1
    scene.configuration.adaptation.energyShare = 1
    scene.configuration.gate.activityCheck = true
    scene.configuration.gate.maximumBlind = .seconds(4)
    let outcome = try scene.play(
      ScriptedModel(audio: [.sure(0), .sure(0)], image: [.sure(0), .sure(0)], fusion: .sure(0)))
    #expect(outcome.status.leftOut == ModalitySet(index: 0) && outcome.status.sentinel == 0)
    let late = outcome.decisions.filter { $0.end > .zero + .seconds(25) }
    #expect(late.count > 100 && late.allSatisfy { !$0.used.contains(index: 0) })
    #expect(late.contains { $0.answer.reason == .inactive } && late.contains(where: \.look))
    // Full checks go on, by the camera alone; an audit is one too.
    let audited = outcome.notes.compactMap {
      if case .audit(let window) = $0 { window.decision } else { nil as UInt64? }
    }
    var last = Instant.zero + .seconds(25)
    for decision in late where decision.used.contains(index: 1) || audited.contains(decision.number) {
      #expect(decision.end - last <= .seconds(4))
      last = decision.end
    }
  }
}
