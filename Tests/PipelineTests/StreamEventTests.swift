import Configuration
import Engine
import JSON
import Ledger
import Scheduling
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Pipeline
@testable import Wire

@Suite struct StreamEventTests {
  private func events(_ outcome: Scene.Outcome) -> [StreamEvent] {
    outcome.notes.compactMap { if case .event(let event) = $0 { event } else { nil } }
  }

  /// One word that goes on is one event, told when it begins and when it ends.
  @Test func oneEventForManyWindows() throws {
    let scene = try Scene()
    var outcome = try scene.play(ScriptedModel(audio: [.sure(1), .unsure]))
    let told = events(outcome)
    #expect(told.count == 1 && told[0].end == nil && told[0].label == 1)
    #expect(told[0].modalities == ModalitySet(index: 0) && told[0].firstDecision >= 1)
    // The end is told with the accounts.
    let last = try #require(outcome.closing)
    #expect(last.start == told[0].start && last.end == .zero + .seconds(3) && last.lastDecision >= 8)
    outcome = try scene.play(ScriptedModel(audio: [.sure(0), .unsure], image: [.sure(0), .unsure]))
    #expect(events(outcome).isEmpty)
  }

  /// A camera that is woken for every window stays awake once something goes on, and sleeps again where nothing does.
  @Test func whileSomethingGoesOnWhoeverIsAwakeStaysSo() throws {
    var scene = try Scene()
    let word = ScriptedModel(audio: [.unsure, .unsure], image: [.sure(1), .unsure])
    let each = try scene.play(word).status.sensors[1].wakes
    scene.configuration.events.keepsAwake = true
    let outcome = try scene.play(word)
    #expect(each > 3 && outcome.status.sensors[1].wakes < each)
    #expect(!events(outcome).isEmpty)
    // Where nothing does, it makes no difference.
    let nothing = ScriptedModel(audio: [.sure(0), .unsure], image: [.sure(0), .unsure])
    let quiet = try scene.play(nothing).status.sensors[1]
    scene.configuration.events.keepsAwake = false
    let former = try scene.play(nothing).status.sensors[1]
    #expect(quiet.wakes == former.wakes && quiet.state == former.state)
  }

  /// One unsure window wakes nobody where the windows before have to say something too; the second one does.
  @Test func aDoubtIsConfirmedBeforeItWakes() throws {
    let scene = try Scene()
    let doubtful = ScriptedModel(audio: [.unsure, .unsure], image: [.sure(1), .unsure])
    let camera = ModalitySet(index: 1)
    let atOnce = try scene.play(doubtful).decisions
    #expect(try #require(atOnce.first).woken == camera)
    scene.configuration.gate.wakeEvidence = 0.015
    let confirmed = try scene.play(doubtful).decisions
    let first = try #require(confirmed.first)
    #expect(first.woken == [] && first.answer.reason == .gainBelowCost && first.missing == [])
    #expect(confirmed[1].woken == camera)
    scene.configuration.gate.wakeEvidence = 1
    // A full check needs no evidence.
    let checks = try scene.play(doubtful).decisions
    #expect(checks.contains { $0.look })
    #expect(checks.count { $0.woken == camera } < atOnce.count { $0.woken == camera })
  }

  /// The end of a word was heard before the window was realigned, and is not in the later one any more.
  @Test func whatWasHeardBeforeARealignmentBeginsAnEvent() throws {
    let model = try ScriptedModel(audio: [.sure(1), .unsure]).model()
    var events = try #require(StreamEvents(Scene().configuration, model))
    func enter(_ label: Int) {
      let reading = Reading(
        exit: .encoder(modality: 0, exit: 1), entropy: 0.1, label: label, certainty: 0.9, macs: 1,
        parameters: 1)
      events.enter(reading, of: ModalitySet(index: 0))
    }
    enter(1)
    events.observe(realignedFrom: .zero + .milliseconds(250), decision: 1, at: .zero + .milliseconds(300))
    #expect(events.takeEarly() == EventTracker.Changes())
    enter(1)
    events.observe(realignedFrom: .zero + .milliseconds(500), decision: 2, at: .zero + .milliseconds(600))
    let early = events.takeEarly()
    let event = try #require(early.began)
    #expect(event.label == 1 && event.start == .zero + .milliseconds(600) && event.firstDecision == 2)
    #expect(event.modalities == ModalitySet(index: 0) && events.isEvent)
    #expect(events.takeEarly() == EventTracker.Changes())
  }

  /// The first window hears a command before the camera is there; the window that is realigned to it holds none.
  @Test func anEventFromBeforeARealignmentIsToldWithTheDecision() throws {
    let scene = try Scene()
    scene.configuration.events.filter = .kOfN
    scene.configuration.events.votes = 1
    scene.configuration.events.windows = 1
    let outcome = try scene.play(
      ScriptedModel(audio: [.leaning(1), .leaning(1)], image: [.sure(0), .unsure], fusion: .sure(0)))
    let first = try #require(outcome.decisions.first)
    #expect(first.woken == ModalitySet(index: 1) && first.answer.label == 0)
    let event = try #require(events(outcome).first)
    #expect(event.label == 1 && event.modalities == ModalitySet(index: 0))
    #expect(event.firstDecision == first.number)
    #expect(event.start <= first.decided)
  }

  @Test func withoutNoneThereAreNoEvents() throws {
    var scripted = ScriptedModel(audio: [.sure(1), .unsure])
    scripted.none = nil
    #expect(events(try Scene().play(scripted)).isEmpty)
  }

  /// A word that is no louder than what was heard before it needs more windows than one that stands out, unless told otherwise.
  @Test func whatStandsOutBeginsSooner() throws {
    func windows(_ decibels: Int, _ ratio: Double) throws -> Int {
      var configuration = try Scene().configuration
      configuration.events.prominence = decibels
      let model = try ScriptedModel(audio: [.sure(1), .unsure]).model()
      var events = try #require(StreamEvents(configuration, model))
      let reading = Reading(
        exit: .encoder(modality: 0, exit: 1), entropy: 0.5, label: 1, certainty: 0.85, macs: 1, parameters: 1)
      var count = 0
      repeat {
        count += 1
        events.enter(prominence: ratio, of: 0)
        events.enter(reading, of: ModalitySet(index: 0))
        events.observe(endingAt: .zero + .milliseconds(Int64(count) * 250))
      } while events.suspicion < 0.6 && count < 40
      return count
    }
    let (usual, prominent) = (try windows(10, 1), try windows(10, 10))
    #expect(usual > prominent, "\(usual) \(prominent)")
    #expect(try windows(10, 100) == windows(10, 10))
    #expect(try windows(0, 1) == windows(10, 10))
  }

  /// Two of three windows are two, whatever the level of probabilities is; a class may be content with fewer.
  @Test(arguments: [(0.1, nil, 2), (0.35, 0.5, 2), (0.5, nil, 6), (1, 0.5, 6)] as [(Double, Double?, Int)])
  func votesAreCounted(level: Double, own: Double?, votes: Int) throws {
    var configuration = try Scene().configuration
    configuration.events.filter = .kOfN
    (configuration.events.votes, configuration.events.windows) = (votes, votes + 1)
    configuration.events.level = level
    let model = try ScriptedModel(audio: [.sure(1), .unsure]).model()
    if let own {
      var rule = Configuration.EventClass(label: model.classes[1])
      rule.level = own
      configuration.eventClasses = [rule]
    }
    var events = try #require(StreamEvents(configuration, model))
    let reading = Reading(
      exit: .encoder(modality: 0, exit: 1), entropy: 0.5, label: 1, certainty: 0.85, macs: 1, parameters: 1)
    var count = 0
    while !events.isEvent && count < 9 {
      count += 1
      events.enter(reading, of: ModalitySet(index: 0))
      let end = Instant.zero + .milliseconds(Int64(count) * 250)
      events.observe(realignedFrom: end, decision: UInt64(count), at: end)
      // One vote is something that seems to begin: a camera stays awake for the next.
      #expect(events.isOpen)
    }
    #expect(count == (own == nil ? votes : votes / 2))
  }

  @Test func ruleOfAClass() throws {
    let text =
      "[daemon]\nmodel = m\n[events]\nfilter = k-of-n\nvotes = 2\nwindows = 4\n[event stop]\nlevel = 0.3\nhold = 0s\n"
    let configuration = try Configuration.parse(Array(text.utf8), file: "test.conf")
    #expect(configuration.events.filter == .kOfN && configuration.events.windows == 4)
    let stop = configuration.eventClass(for: "stop")
    #expect(stop.level == 0.3 && stop.hold == .zero && stop.refractory == nil)
    #expect(configuration.eventClass(for: "go").level == nil)
    let again = try Configuration.parse(Array(configuration.canonical().utf8), file: "again.conf")
    #expect(again.events == configuration.events && again.eventClasses == configuration.eventClasses)
    // What is not set is not there: digests of configurations without events stay what they were.
    #expect(!Configuration().canonical().contains("event"))
  }

  @Test func asARecord() throws {
    var event = StreamEvent(
      label: 1, start: .zero + .milliseconds(250), certainty: 0.5, modalities: [.init(index: 1)], decision: 3)
    let names = Names(classes: ["none", "go"], modalities: ["audio", "image"], energySource: "")
    var json = JSONWriter(capacity: 4096)
    EventRecord.write(event, names, into: &json)
    let begun = json.withBytes { String(decoding: $0, as: UTF8.self) }
    #expect(
      begun
        == #"{"start_ns":250000000,"end_ns":null,"label":"go","certainty":0.5,"modalities":["image"],"decisions":[3,3]}"#
    )
    event.end = .zero + .seconds(1)
    event.lastDecision = 5
    json.reset()
    EventRecord.write(event, names, into: &json)
    #expect(json.withBytes { String(decoding: $0, as: UTF8.self) }.contains(#""end_ns":1000000000"#))
  }

  /// However likely a command is taken to be, a microphone that tells nothing keeps no camera awake that sees nothing.
  @Test(arguments: [0.05, 0.12, 0.2, 0.3, 0.5], [0.3, 0.55, 0.8])
  func chanceAloneIsNothingThatGoesOn(begin: Double, stay: Double) throws {
    let model = try ScriptedModel(audio: [.sure(1), .unsure]).model()
    var configuration = try Scene().configuration
    configuration.events.stay = stay
    for (silent, isExpectant) in [(0, false), (1, false), (0, true), (1, true)] {
      configuration.events.begin = isExpectant ? 0.01 : begin
      configuration.events.beginAfterEvent = isExpectant ? begin : nil
      var events = try #require(StreamEvents(configuration, model))
      let nothing = Answer(
        label: 0, exit: nil, entropy: 0, certainty: 0.97, threshold: nil, reason: .inactive)
      for window in 1...200 as ClosedRange<Int64> {
        events.enter(inactive: nothing, [ModalitySet(index: 1 - silent)])
        events.observe(endingAt: .zero + .milliseconds(window * 250), isExpectant: isExpectant)
        #expect(!events.isOpen, "window \(window)")
      }
      let word = Answer(label: 1, exit: nil, entropy: 0, certainty: 0.97, threshold: nil, reason: .inactive)
      for window in 201...203 as ClosedRange<Int64> {
        events.enter(inactive: word, [ModalitySet(index: 1 - silent)])
        events.observe(endingAt: .zero + .milliseconds(window * 250), isExpectant: isExpectant)
      }
      #expect(events.isOpen)
    }
  }

  /// For a minute after an event a command is likelier than long after it: a word that is not enough then is enough now.
  @Test func soonAfterAnEventLessIsEnough() throws {
    let model = try ScriptedModel(audio: [.sure(1), .unsure]).model()
    var configuration = try Scene().configuration
    configuration.events.begin = 0.02
    let maybe = Answer(label: 1, exit: nil, entropy: 0, certainty: 0.5, threshold: nil, reason: .inactive)
    func suspicion(_ isExpectant: Bool) throws -> Double {
      var events = try #require(StreamEvents(configuration, model))
      events.enter(inactive: maybe, [ModalitySet(index: 0)])
      events.observe(endingAt: .zero + .seconds(1), isExpectant: isExpectant)
      return events.suspicion
    }
    let usual = try suspicion(false)
    #expect(try suspicion(true) == usual, "no other chance is set")
    configuration.events.beginAfterEvent = 0.01
    #expect(try suspicion(true) == usual, "a smaller one")
    configuration.events.beginAfterEvent = 0.5
    #expect(try suspicion(true) > 5 * usual && suspicion(false) == usual)
  }

  /// In the pipeline: for half a minute after the start, and for a minute after an event.
  @Test func aCommandIsLikelierSoonAfterTheStartAndAfterAnEvent() throws {
    var checks = FullCheckClock(period: .milliseconds(250), maximumBlind: .seconds(2), start: .zero)
    func expectant(_ seconds: Int64) -> Bool { checks.isExpectant(at: .zero + .seconds(seconds)) }
    #expect(expectant(29) && !expectant(30))
    checks.event(at: .zero + .seconds(100))
    #expect(expectant(159) && !expectant(160))
    var scene = try Scene()
    let faint = ScriptedModel(audio: [.unsure, .unsure], image: [.unsure, .unsure])
    func begun(_ begin: Double, afterEvent: Double? = nil) throws -> Instant {
      scene.configuration.events.begin = begin
      scene.configuration.events.beginAfterEvent = afterEvent
      return try #require(events(scene.play(faint)).first).start
    }
    let (rare, often) = try (begun(1e-9), begun(0.5))
    #expect(often < rare)
    #expect(try begun(1e-9, afterEvent: 0.5) == often)
  }

  @Test func aWindowWithoutDataForgetsNoEvidence() throws {
    let model = try ScriptedModel(audio: [.sure(1), .unsure]).model()
    var events = try #require(StreamEvents(Scene().configuration, model))
    let answer = Answer(label: 1, exit: nil, entropy: 0, certainty: 0.97, threshold: nil, reason: .inactive)
    for window in 1...6 as ClosedRange<Int64> {
      events.enter(inactive: answer, [ModalitySet(index: 0)])
      events.observe(endingAt: .zero + .milliseconds(window * 250))
    }
    #expect(events.isOpen)
    events.observe(endingAt: .zero + .milliseconds(1_750))
    #expect(events.isOpen)
    events.observe(endingAt: .zero + .seconds(60))
    #expect(!events.isOpen)
  }
}
