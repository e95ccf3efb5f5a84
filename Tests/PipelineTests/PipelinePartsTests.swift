import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Pipeline
@testable import Startup
@testable import Wire

@Suite struct WindowClockTests {
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  @Test func windowsFollowEachOther() {
    var clock = WindowClock(first: at(1000), period: .milliseconds(250))
    clock.answered(windowEnding: at(1000), at: at(1003))
    #expect(clock.next == at(1250))
    #expect(clock.joined == 0)
  }

  @Test func windowsDuringAWakeJoin() {
    var clock = WindowClock(first: at(1000), period: .milliseconds(250))
    // A wake took 700 ms; the pair was cut anew at 1700.
    clock.answered(windowEnding: at(1700), at: at(1710))
    #expect(clock.next == at(2000))
    #expect(clock.joined == 3)
  }

  @Test func aWindowThatWouldRepeatMostOfTheOneBeforeJoins() {
    var clock = WindowClock(first: at(1000), period: .milliseconds(250))
    clock.answered(windowEnding: at(1200), at: at(1203))
    #expect(clock.next == at(1500))
    #expect(clock.joined == 1)
    clock.answered(windowEnding: at(1500), at: at(1503))
    clock.answered(windowEnding: at(1870), at: at(1871))
    #expect(clock.next == at(2000))
  }

  @Test func aLateAnswerLeavesNoBacklog() {
    var clock = WindowClock(first: at(1000), period: .milliseconds(250))
    clock.answered(windowEnding: at(1000), at: at(9990))
    #expect(clock.next == at(9750))
    #expect(clock.next + .milliseconds(250) > at(9990))
    #expect(clock.joined == 34)
  }
}

@Suite struct WakeBudgetTests {
  @Test func isSpentWhileTheLimitLiesWithinAMinute() {
    var budget = WakeBudget(perMinute: 3)
    for second in [0, 10, 20] as [Int64] {
      #expect(!budget.isSpent(at: .zero + .seconds(second)))
      budget.note(wakeAt: .zero + .seconds(second))
    }
    #expect(budget.isSpent(at: .zero + .seconds(20)))
    #expect(budget.isSpent(at: .zero + .seconds(59)))
    #expect(!budget.isSpent(at: .zero + .seconds(60)))
    budget.note(wakeAt: .zero + .seconds(60))
    #expect(budget.isSpent(at: .zero + .seconds(60)))
    #expect(!budget.isSpent(at: .zero + .seconds(71)))
  }
}

@Suite struct DecisionLineTests {
  private func decision() -> Decision {
    var d = Decision(number: 12, start: .zero + .seconds(5), end: .zero + .seconds(6))
    let reading = Reading(
      exit: .encoder(modality: 1, exit: 1), entropy: 0.62, label: 1, certainty: 0.5, macs: 1, parameters: 1)
    d.trace.append(.init(reading: reading, threshold: 0.25))
    d.woken = ModalitySet(index: 0)
    d.answer = Answer(
      label: 1, exit: .fusion, entropy: 0.1, certainty: 0.9, threshold: nil, reason: .fused)
    d.energy.append(EnergyPosting(account: .sensing, modality: 0, energy: Nanojoules(123_400_000)))
    return d
  }

  @Test func saysWhatPeopleLookFor() {
    let text = DecisionLine(decision(), classes: ["no", "yes"], modalities: ["image", "audio"]).text
    #expect(text == "#12      6.00s  yes      fused            123.4 mJ  audio/1 .620>.250  [woke image]")
  }

  @Test func entropiesAreShort() {
    #expect(DecisionLine.short(0.0494) == ".049")
    #expect(DecisionLine.short(1) == "1.00")
    #expect(DecisionLine.short(0.9996) == "1.00")
    #expect(DecisionLine.short(0) == ".000")
  }
}

@Suite struct WindowInputsTests {
  @Test func theFrameThatWasGatheredIsTheFrameTheNetworkSees() throws {
    let model = try ScriptedModel().model()
    let scene = try Scene(seconds: 1)
    let rig = try ScriptedRig(
      Rigs.configurations(scene.configuration, model), [.init(), .init()], seconds: 10)
    var inputs = WindowInputs(model: model, activityCheck: false)
    rig.wake(1)
    while !rig.state(of: 1).isAwake { _ = rig.next(until: nil) }
    let first = rig.now
    func pixel() -> UInt8? { rig.withFrame(1) { pixels, _ in pixels.base[0] } }
    let gathered = try #require(pixel())
    guard
      case .whole = inputs.gather(1, from: rig, endingAt: first, maximumSkew: .milliseconds(60))
    else {
      Issue.record("there is a frame")
      return
    }
    // Two frames later.
    _ = rig.next(until: first + .milliseconds(250))
    #expect(try #require(pixel()) != gathered)
    #expect(inputs.picture(of: 1).base[0] == gathered)
    guard case .notYet = inputs.gather(1, from: rig, endingAt: first, maximumSkew: .milliseconds(60)) else {
      Issue.record("the newest frame lies too far from the window")
      return
    }
    #expect(inputs.picture(of: 1).base[0] == gathered)
    rig.sleep(1)
    #expect(inputs.picture(of: 1).base[0] == gathered, "whatever became of the camera")
  }
}
