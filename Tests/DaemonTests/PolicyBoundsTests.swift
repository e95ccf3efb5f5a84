import Adaptation
import Configuration
import Engine
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Startup

/// A budget and a bound on the risk choose thresholds, order and sensors; what cannot be kept is told.
@Suite struct PolicyBoundsTests {
  private func planner(_ change: (inout Configuration) -> Void) throws -> OrderPlanner {
    let scene = try Scene(seconds: 1)
    scene.configuration.adaptation.audits = true
    scene.configuration.adaptation.reorder = true
    scene.configuration.gate.order = .exact
    change(&scene.configuration)
    let model = try ScriptedModel().model()
    let plan = try PolicyPlan(scene.configuration, model)
    return OrderPlanner(PlannerSetup(scene.configuration, model, plan, fingerprint: 7))
  }

  /// Every third window is a command that the camera is sure of. The microphone is unsure of it and wrong a
  /// third of the time, or is sure of nothing.
  private func feed(_ planner: inout OrderPlanner, _ numbers: ClosedRange<UInt64>, audio entropy: Float)
    -> [PlannedOrder]
  {
    var plans: [PlannedOrder] = []
    for number in numbers {
      let label = number % 3 == 0 ? 1 + Int(number / 3 % 2) : 0
      var window = AuditedWindow(
        decision: number, end: Instant(sinceBoot: Int64(number) * 100_000_000_000), available: .all(2),
        inactive: [], label: label, cost: Nanojoules(1000))
      for (modality, said) in [0, label].enumerated() {
        let said = modality == 0 && entropy > 0.5 && number % 9 > 0 ? label : said
        for exit in 1...2 {
          let unsure = modality == 0 && label > 0
          window.readings.append(
            Reading(
              exit: .encoder(modality: modality, exit: exit), entropy: unsure ? entropy : 0.05, label: said,
              certainty: unsure ? 0.4 : 0.95, macs: 1, parameters: 1))
        }
      }
      window.readings.append(
        Reading(exit: .fusion, entropy: 0.05, label: label, certainty: 0.95, macs: 1, parameters: 1))
      planner.take(window)
      if let plan = planner.review(at: window.end) { plans.append(plan) }
    }
    return plans
  }

  /// Told once, and once that it is kept again; where nothing that costs as little is safe, the budget gives way.
  @Test func aBrokenBoundIsTold() throws {
    var planner = try planner {
      $0.adaptation.riskBound = 0.01
      $0.adaptation.budget = 0.25
    }
    #expect(planner.boundsNews() == BoundsNews())
    // The microphone is sure of nothing where a hand is shown: a setting that lets the camera sleep is wrong in a third.
    _ = feed(&planner, 1...60, audio: 0.05)
    let news = planner.boundsNews()
    #expect(news.isBudgetOutranked == (planner.report.bounds.breach == .limit))
    #expect(news.news?.isKept == (planner.report.bounds.isRiskKept ? nil : false))
    #expect(planner.boundsNews().news == nil, "told once")
    #expect(!planner.report.bounds.isRiskKept || news.isBudgetOutranked)
  }

  @Test func aBudgetLetsTheCameraSleep() throws {
    // The microphone is unsure of every command, so that the camera is woken for a third of the windows.
    var free = try planner { _ in }
    #expect(feed(&free, 1...60, audio: 0.9).allSatisfy { $0.leftOut == [] })
    #expect(free.report.bounds == BoundsReport())
    var poor = try planner { $0.adaptation.budget = 0.3 }
    let plans = feed(&poor, 1...60, audio: 0.9)
    let bounds = poor.report.bounds
    #expect(try #require(bounds.expectedWatts) <= 0.3 * 1.03 && bounds.budgetWatts == 0.3)
    #expect(try #require(bounds.accuracyCost) > 0.05 && bounds.breach == nil && bounds.announcement == nil)
    let last = try #require(plans.last)
    #expect(last.leftOut == ModalitySet(index: 1) || last.change.worthShare < 1)
    // A setting that was chosen stays.
    #expect(plans.count <= 2, "\(plans.count)")
  }

  @Test func aBoundOutranksABudgetAndThatIsTold() throws {
    var planner = try planner {
      $0.adaptation.budget = 0.3
      $0.adaptation.riskBound = 0.03
    }
    _ = feed(&planner, 1...60, audio: 0.9)
    #expect(planner.report.bounds.breach == .limit)
    #expect(planner.report.bounds.announcement?.hasPrefix("budget: ") == true)
    var other = try self.planner {
      $0.adaptation.budget = 0.3
      $0.adaptation.riskBound = 0.03
      $0.adaptation.riskOutranks = false
    }
    _ = feed(&other, 1...60, audio: 0.9)
    #expect(other.report.bounds.breach == .risk && other.report.bounds.risk != nil)
  }

  @Test func aRiskBeyondItsBoundTightensTheThresholds() throws {
    // The microphone is sure of nothing in every command: a third of the answers are others than fusion's.
    var planner = try planner { $0.adaptation.riskBound = 0.03 }
    let plans = feed(&planner, 1...120, audio: 0.05)
    let scales = plans.map(\.change.thresholdScale)
    #expect(scales.contains { $0 < 1 }, "\(scales)")
    #expect(planner.report.bounds.riskBound == 0.03 && planner.report.bounds.risk != nil)
    #expect(try self.planner { $0.adaptation.budget = 1 }.report.bounds.budgetWatts == 1)
  }
}
