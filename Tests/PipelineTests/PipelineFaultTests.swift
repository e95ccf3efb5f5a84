import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Pipeline

/// The pipeline when sensors hang, vanish, come back and lag, on a virtual clock.
@Suite struct PipelineFaultTests {
  private let audio = ModalitySet(index: 0)
  private let image = ModalitySet(index: 1)
  /// Sure at once, whoever is asked: audio says 2, image 1.
  private let sure = ScriptedModel(audio: [.sure(2), .unsure], image: [.sure(1), .unsure])

  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  private func faults(_ notes: [PipelineNote], of sensor: Int) -> [SensorFault] {
    notes.compactMap {
      guard case .state(let change) = $0, change.sensor == sensor, case .failed(let fault, _) = change.to
      else { return nil }
      return fault
    }
  }

  private func sentinels(_ notes: [PipelineNote]) -> [Int] {
    notes.compactMap { if case .sentinel(let sensor, _) = $0 { sensor } else { nil } }
  }

  /// No two windows lie further apart than `period`.
  private func longestGap(_ decisions: [Decision]) -> Nanoseconds {
    zip(decisions, decisions.dropFirst()).map { $1.decided - $0.decided }.max() ?? .zero
  }

  @Test func aMicrophoneThatHangsAtTheStartLeavesTheCameraToAnswer() throws {
    let scene = try Scene()
    let outcome = try scene.play(
      sure, audio: .init(hangs: [.zero..<at(60_000)]), image: .init(wakeLatency: .milliseconds(150)),
      seconds: 30)
    // It is waited for once, for its deadline of 1.5 s and a window; then the camera answers.
    let first = try #require(outcome.decisions.first { $0.answer.label == 1 })
    #expect(first.end <= at(2_100))
    let later = outcome.decisions.filter { $0.end >= at(2_500) }
    #expect(later.count > 100)
    #expect(later.allSatisfy { $0.answer.label == 1 && $0.missing == audio })
    #expect(longestGap(later) <= .milliseconds(260), "no window waits for what hangs")
    #expect(faults(outcome.notes, of: 0) == [.openHung], "reported once, although it is tried again")
    #expect(sentinels(outcome.notes) == [1])
    #expect(outcome.status.sentinel == 1)
  }

  @Test func aMicrophoneThatIsSlowAtTheStartListensWhenItIsThere() throws {
    let scene = try Scene()
    scene.configuration.gate.maximumBlind = .seconds(60)
    let outcome = try scene.play(
      sure, audio: .init(wakeLatency: .seconds(3)), image: .init(wakeLatency: .milliseconds(150)), seconds: 10
    )
    #expect(outcome.decisions.contains { $0.answer.label == 1 && $0.end < at(3_000) })
    let later = outcome.decisions.filter { $0.end >= at(3_600) }
    #expect(later.count > 20 && later.allSatisfy { $0.answer.label == 2 })
    #expect(faults(outcome.notes, of: 0) == [])
    #expect(outcome.status.sentinel == 0 && outcome.status.sensors[1].state == .asleep)
  }

  @Test func aFailedSensorIsTriedAgainAndTakesOverWhenItDelivers() throws {
    let scene = try Scene()
    scene.configuration.gate.maximumBlind = .seconds(60)
    let outcome = try scene.play(
      sure, audio: .init(wakeLatency: .milliseconds(400), outages: [at(2_000)..<at(9_000)]),
      image: .init(wakeLatency: .milliseconds(150)), seconds: 20)
    let without = outcome.decisions.filter { $0.end >= at(3_000) && $0.end < at(9_000) }
    #expect(without.count == 24 && without.allSatisfy { $0.answer.label == 1 && $0.missing == audio })
    #expect(longestGap(without) <= .milliseconds(260), "a try costs no window")
    let after = outcome.decisions.filter { $0.end >= at(11_500) }
    #expect(after.count > 30 && after.allSatisfy { $0.answer.label == 2 && $0.missing == [] })
    #expect(sentinels(outcome.notes) == [1, 0])
    #expect(faults(outcome.notes, of: 0) == [.unplugged, .absent], "each fault once")
    #expect(outcome.status.sensors[1].state == .asleep, "the camera sleeps again")
  }

  @Test func aFailedSensorIsTriedAgainForEver() throws {
    let scene = try Scene()
    let outcome = try scene.play(
      sure, audio: .init(outages: [at(0)..<at(600_000)]), seconds: 640)
    #expect(outcome.status.sentinel == 0)
    #expect(try #require(outcome.decisions.last).answer.label == 2)
  }

  @Test func anOutageOfAllSensorsEndsToo() throws {
    let scene = try Scene()
    let out = [at(2_000)..<at(5_000)]
    let outcome = try scene.play(sure, audio: .init(outages: out), image: .init(outages: out), seconds: 12)
    let during = outcome.decisions.filter { $0.end >= at(2_600) && $0.end < at(5_000) }
    #expect(during.count == 10 && during.allSatisfy { $0.answer.label == nil && $0.answer.reason == .noData })
    #expect(try #require(outcome.decisions.last).answer.label == 2)
    let none = outcome.notes.filter { if case .noSensor = $0 { true } else { false } }
    #expect(none.count == 1)
  }

  /// Until its deadline it is on its way, then it is missing; no window waits for it beyond the next one's turn.
  @Test func aCameraThatHangsCostsNoWindow() throws {
    let scene = try Scene()
    scene.configuration.gate.maximumBlind = .seconds(60)
    let outcome = try scene.play(
      ScriptedModel(fusion: .sure(1)), image: .init(hangs: [.zero..<at(60_000)]), seconds: 30)
    #expect(outcome.decisions.allSatisfy { $0.decided - $0.end <= .milliseconds(250) })
    #expect(faults(outcome.notes, of: 1) == [.openHung])
    #expect(longestGap(outcome.decisions) <= .milliseconds(500))
    let missed = outcome.decisions.filter { $0.end > at(1_500) }
    #expect(missed.count > 100 && missed.allSatisfy { $0.missing == image && $0.used == audio })
  }

  @Test func aSensorHeldAwakeSleepsAgainWhenTheMinuteIsOver() throws {
    let scene = try Scene()
    scene.configuration.gate.wakesPerMinute = 3
    var held: [Bool] = []
    let outcome = try scene.play(
      ScriptedModel(fusion: .sure(1)), image: .init(wakeLatency: .milliseconds(150)), seconds: 200,
      check: { _, status in held.append(status.sensors[1].heldAwake) })
    #expect(outcome.status.sensors[1].wakes >= 9, "three a minute")
    #expect(outcome.status.sensors[1].wakes <= 12)
    let ends = zip(held, held.dropFirst()).filter { $0 && !$1 }.count
    #expect(ends >= 2)
  }

  @Test func aRealignedPairWaitsForItsSound() throws {
    let scene = try Scene()
    let outcome = try scene.play(
      ScriptedModel(fusion: .sure(1)), audio: .init(delay: .milliseconds(40)),
      image: .init(wakeLatency: .milliseconds(150)), seconds: 10)
    let paired = outcome.decisions.dropLast()
    #expect(paired.count > 5)
    // Sound up to the frame comes 40 ms after it; without the wait the pair would have lost samples.
    #expect(paired.allSatisfy { $0.used == [audio, image] && $0.answer.reason == .fused })
    #expect(paired.allSatisfy { $0.decided - $0.end >= .milliseconds(40) })
  }

  @Test func stillnessDoesNotAnswerAWindowThatWasDoubted() throws {
    let scene = try Scene()
    scene.configuration.gate.activityCheck = true
    scene.configuration.gate.maximumBlind = .seconds(60)
    scene.configuration.gate.wakesPerMinute = 600
    let outcome = try scene.play(
      ScriptedModel(fusion: .sure(0)), image: .init(wakeLatency: .milliseconds(150)), seconds: 60,
      prepare: { rig in
        // A bang of 100 ms every second, then silence; a picture that never changes.
        rig.sample = { $0 % 8_000 < 800 ? Int16(($0 % 80 - 40) * 200) : 0 }
        rig.pixel = { _ in 100 }
      })
    let quiet = outcome.decisions.filter { $0.answer.reason == .inactive }
    #expect(quiet.count > 20 && quiet.allSatisfy { $0.trace.count == 0 })
    // Heard, doubted, and cut anew where it is silent: by then both checks see nothing, and fusion answers.
    let doubted = outcome.decisions.filter { $0.woken == image && $0.end > at(30_000) }
    #expect(doubted.count > 10 && doubted.allSatisfy { $0.answer.reason == .fused && $0.answer.label == 0 })
  }
}
