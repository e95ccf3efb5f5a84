import JSON
import Testing
import Vocabulary

@testable import Ledger
@testable import Wire

@Suite struct DecisionRecordTests {
  private func text(_ decision: Decision, _ names: Names = names) -> String {
    var json = JSONWriter(capacity: LedgerOptions.maximumRecordBytes)
    DecisionRecord.write(decision, names, into: &json)
    let overflowed = json.overflowed
    #expect(!overflowed)
    return json.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  private func full() -> Decision {
    var decision = Decision(number: 7, start: Instant(sinceBoot: 100), end: Instant(sinceBoot: 350))
    decision.decided = Instant(sinceBoot: 400)
    decision.answer = Answer(
      label: 2, exit: .fusion, entropy: 0.5, certainty: 0.75, threshold: nil, reason: .fused)
    decision.look = true
    decision.woken = ModalitySet(index: 1)
    decision.used = .all(2)
    decision.skew = Nanoseconds(-1_500_000)
    let first = Reading(
      exit: .encoder(modality: 0, exit: 1), entropy: 0.875, label: 1, certainty: 0.25, macs: 10, parameters: 5
    )
    decision.trace.append(Decision.AskedExit(reading: first, threshold: 0.3))
    let last = Reading(exit: .fusion, entropy: 0.5, label: 2, certainty: 0.75, macs: 20, parameters: 5)
    decision.trace.append(Decision.AskedExit(reading: last, threshold: nil))
    decision.macs = 30
    decision.energy.append(
      EnergyPosting(account: .segment, modality: 0, exit: 1, energy: Nanojoules(1_300)))
    decision.energy.append(
      EnergyPosting(account: .fusion, energy: Nanojoules(2_600), scope: .package, kind: .measured))
    decision.alwaysOn = Nanojoules(9_007_199_254_740_993)
    return decision
  }

  @Test func goldenBytes() {
    #expect(
      text(full()) == #"{"number":7,"window":[100,350],"decided_ns":400,"label":"go","exit":{"fusion":true},"#
        + #""entropy":0.5,"certainty":0.75,"reason":"fused","provisional":false,"look":true,"woken":["image"],"#
        + #""used":["audio","image"],"missing":[],"skew_ms":-1.5,"hops":[{"modality":"audio","exit":1,"#
        + #""entropy":0.875,"threshold":0.3,"label":"stop","certainty":0.25},{"fusion":true,"entropy":0.5,"#
        + #""label":"go","certainty":0.75}],"macs":30,"energy":[{"account":"segment","modality":"audio","exit":1,"#
        + #""nanojoules":1300,"scope":"modelled","source":"model:raspberry-pi-4","kind":"estimated"},"#
        + #"{"account":"fusion","nanojoules":2600,"scope":"package","source":"model:raspberry-pi-4","#
        + #""kind":"measured"}],"total_nanojoules":3900,"always_on_nanojoules":9007199254740993}"#)
  }

  @Test func aQuestionForTheClassThatOverrides() throws {
    var decision = full()
    var asked = decision.trace[0]
    asked.threshold = nil
    asked.reading.overriding = 0.0625
    decision.trace.append(asked)
    asked.overrideThreshold = 0.125
    decision.trace.append(asked)
    var overriding = names
    overriding.overriding = 1
    let hops = try JSONPlace(JSONValue.parse(text(decision, overriding))).member("hops").elements()
    #expect(try hops[0].optional("override") == nil)
    // A probability that nothing was held against is not told.
    #expect(try hops[2].optional("override") == nil)
    let override = try hops[3].member("override")
    #expect(try override.member("label").string() == overriding.classes[1])
    #expect(try override.member("probability").real() == 0.0625)
    #expect(try override.member("threshold").real() == 0.125)
    #expect(try hops[3].optional("threshold") == nil)
    let line = try DecisionLine(JSONPlace(JSONValue.parse(text(decision, overriding))))
    let direct = DecisionLine(
      decision, classes: overriding.classes, modalities: overriding.modalities, overriding: 1)
    #expect(line.text == direct.text && line.trace[3].override == direct.trace[3].override)
    let told = "audio/1 .875  audio/1 \(overriding.classes[1]) .062<.125  [woke image]"
    #expect(line.text.hasSuffix(told), "\(line.text)")
  }

  @Test func whatACommandWasHeldAgainstBesideANone() throws {
    var decision = full()
    var asked = decision.trace[0]
    asked.thresholdBesideNone = 0.0625
    decision.trace.append(asked)
    let record = try JSONPlace(JSONValue.parse(text(decision)))
    let hops = try record.member("hops").elements()
    #expect(try hops[0].optional("threshold_beside_none") == nil)
    #expect(try hops[2].member("threshold_beside_none").real() == 0.0625)
    let line = try DecisionLine(record)
    #expect(line.text == DecisionLine(decision, classes: names.classes, modalities: names.modalities).text)
    // That is what it had to meet, not its own.
    #expect(line.text.contains("audio/1 .875>.300  ") && line.text.contains("audio/1 .875>.062  "))
    var quiet = Decision(number: 1, start: .zero, end: .zero)
    quiet.answer.label = 0
    quiet.trace.append(asked)
    #expect(!SteadyWindows.isSteady(quiet, none: 0))
  }

  @Test func aCommandThatWasOverriddenIsNoSteadyWindow() {
    var decision = Decision(number: 1, start: .zero, end: .zero)
    decision.answer.label = 0
    decision.trace.append(full().trace[0])
    #expect(SteadyWindows.isSteady(decision, none: 0))
    decision.trace.append(.init(reading: full().trace[0].reading, threshold: nil, overrideThreshold: 0.5))
    #expect(!SteadyWindows.isSteady(decision, none: 0))
  }

  @Test func whatIsNotThereIsNullOrAbsent() throws {
    let decision = Decision(number: 1, start: .zero, end: .zero)
    let object = try JSONPlace(JSONValue.parse(text(decision))).object()
    #expect(object["label"] == .null)
    #expect(object["exit"] == .null)
    #expect(object["threshold"] == nil)
    #expect(object["skew_ms"] == nil)
    #expect(object["energy"] == .array([]))
    #expect(object["total_nanojoules"] == 0)
  }

  @Test func namesOfAnotherModelNeverTrapAndNeverLie() throws {
    let object = try JSONPlace(
      JSONValue.parse(text(full(), Names(classes: [], modalities: [], energySource: "")))
    ).object()
    #expect(object["label"] == .null)
    #expect(object["used"] == .array([]))
  }

  @Test func postingsThatFoundNoRoomAreCounted() throws {
    var decision = full()
    for _ in 0..<Decision.maximumPostings {
      decision.energy.append(EnergyPosting(account: .idle, energy: Nanojoules(1)))
    }
    let object = try JSONPlace(JSONValue.parse(text(decision))).object()
    #expect(object["postings_dropped"] == 2)
    #expect(object["total_nanojoules"] == .integer(3900 + Int64(Decision.maximumPostings) - 2))
  }

  @Test func theLongestDecisionFitsARecord() {
    let long = String(repeating: "n", count: 60)
    let names = Names(classes: [long], modalities: [long, long], energySource: long)
    var decision = full()
    let reading = Reading(
      exit: .encoder(modality: 1, exit: 24), entropy: 0.123_456_79, label: 0, certainty: 0.123_456_79,
      macs: .max, parameters: .max)
    for _ in 0..<Decision.maximumExits {
      decision.trace.append(Decision.AskedExit(reading: reading, threshold: 0.123_456_79))
    }
    for _ in 0..<Decision.maximumPostings {
      decision.energy.append(
        EnergyPosting(account: .settling, modality: 1, exit: 24, energy: Nanojoules(.max / 64)))
    }
    #expect(text(decision, names).utf8.count < LedgerOptions.maximumRecordBytes - 2048)
  }
}
