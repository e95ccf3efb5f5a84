import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Pipeline

/// Windows on which every exit is run: the decision is the gate's, as it would be without.
@Suite struct AuditTests {
  private func scene(_ probability: Double = 0.2, share: Double = 1) throws -> Scene {
    let scene = try Scene(seconds: 30)
    scene.configuration.adaptation.audits = true
    scene.configuration.adaptation.probability = probability
    scene.configuration.adaptation.energyShare = share
    return scene
  }

  private func audits(_ outcome: Scene.Outcome) -> [AuditedWindow] {
    outcome.notes.compactMap { if case .audit(let audited) = $0 { audited } else { nil } }
  }

  @Test func theDecisionIsTheGatesAndEveryExitIsRecorded() throws {
    let scripted = ScriptedModel(audio: [.sure(2), .unsure], image: [.sure(1), .unsure], fusion: .sure(1))
    let with = try scene().play(scripted)
    let without = try Scene(seconds: 30).play(scripted)
    let audits = audits(with)
    #expect(audits.count > 5 && with.status.audits == UInt64(audits.count))
    #expect(with.decisions.count == without.decisions.count)
    for (decision, other) in zip(with.decisions, without.decisions) {
      #expect(decision.answer == other.answer && decision.end == other.end)
      #expect(decision.decided == other.decided && decision.trace.count == other.trace.count)
      #expect(decision.woken == other.woken && decision.used == other.used && decision.macs == other.macs)
    }
    for audit in audits {
      let decision = with.decisions[Int(audit.decision) - 1]
      #expect(audit.end == decision.end && audit.label == 2)
      #expect(audit.available == [ModalitySet(index: 0), ModalitySet(index: 1)])
      let exits = audit.readings.indices.map { audit.readings[$0].exit }
      #expect(
        exits == [
          .encoder(modality: 0, exit: 1), .encoder(modality: 0, exit: 2), .encoder(modality: 1, exit: 1),
          .encoder(modality: 1, exit: 2), .fusion,
        ])
      #expect(audit.readings[2].label == 1 && audit.readings[4].label == 1)
      #expect(audit.cost == decision.energy(of: .audit) && audit.cost > .zero)
    }
    let audited = Set(audits.map(\.decision))
    for decision in with.decisions where !audited.contains(decision.number) {
      #expect(decision.energy(of: .audit) == .zero)
    }
  }

  @Test func aSensorThatTheGateAsksForIsThereAtOnce() throws {
    // The gate wants the camera in each window, which is woken and put to sleep again.
    let scene = try scene()
    scene.configuration.gate.wakesPerMinute = 600
    let outcome = try scene.play(ScriptedModel(fusion: .sure(1)))
    let audits = audits(outcome)
    #expect(audits.count > 5)
    for audit in audits {
      let decision = outcome.decisions[Int(audit.decision) - 1]
      #expect(decision.woken == ModalitySet(index: 1) && decision.answer.reason == .fused)
      #expect(decision.trace.count == 5 && decision.decided <= decision.end + .milliseconds(60))
      // From then on it is the gate's sensor: no exit is left for the audit, and the time awake is not its own.
      #expect(audit.cost == .zero)
    }
  }

  @Test func auditsRestartTheClockOfFullChecks() throws {
    let scripted = ScriptedModel(
      audio: [.sure(0), .unsure], image: [.sure(0), .unsure], fusion: .sure(0))
    let scene = try scene(0.1)
    let with = try scene.play(scripted)
    let without = try Scene(seconds: 30).play(scripted)
    #expect(audits(with).count > 5)
    #expect(with.status.looks < without.status.looks)
    // A full check comes when its time after the last audit is over, or nearly so (a wake before).
    let half = Nanoseconds(scene.configuration.gate.maximumBlind.count / 2)
    for look in with.decisions where look.look {
      guard let last = audits(with).last(where: { $0.decision < look.number }) else { continue }
      #expect(look.end - last.end > half)
    }
  }

  @Test func auditsStayWithinTheirShareOfTheEnergy() throws {
    let outcome = try scene(1, share: 0.3).play(ScriptedModel(audio: [.sure(2), .unsure]))
    let spent = outcome.decisions.reduce(Nanojoules.zero) { $0 + $1.totalEnergy }
    let audits = outcome.decisions.reduce(Nanojoules.zero) { $0 + $1.energy(of: .audit) }
    #expect(audits > .zero)
    #expect(audits.joules <= 0.3 * spent.joules)
  }

  @Test func theSameSeedAuditsTheSameWindows() throws {
    let scripted = ScriptedModel(audio: [.sure(2), .unsure], fusion: .sure(1))
    let first = try audits(scene().play(scripted)).map(\.decision)
    #expect(try audits(scene().play(scripted)).map(\.decision) == first)
    let other = try scene()
    other.configuration.adaptation.seed = 2
    #expect(try audits(other.play(scripted)).map(\.decision) != first)
  }
}
