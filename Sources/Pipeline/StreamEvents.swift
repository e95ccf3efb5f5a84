import Configuration
import Engine
import Policies
import Scheduling
import Vocabulary

/// The events of a pipeline: evidence of every window it answers, and what they come to. Nothing takes from the heap
/// after `init`.
package struct StreamEvents: Sendable {
  private var filter: EvidenceFilter
  private var tracker: EventTracker
  private let period: Nanoseconds
  private let sensorCount: Int
  private var lastEnd: Instant?
  /// What the window at hand came to before it was realigned.
  private var early = EventTracker.Changes()
  /// Sensors that have told something of the window at hand.
  private var told: ModalitySet = []
  /// The chance that a command begins, long after an event and soon after one, and evidence for none from which on nothing is
  /// going on then.
  private let chances: (idle: Chance, expectant: Chance)
  private var isExpectant = false
  /// Power ratio to what was heard before at which a command begins with its whole chance; nil: at any.
  private let prominence: Double?

  /// Nil for a model without a class that means "nothing": something always is, and no event begins or ends.
  package init?(_ configuration: Configuration, _ model: Model) {
    guard let none = model.noneClass else { return nil }
    let events = configuration.events
    // `level` and `distinct` are of probabilities; an event of k of n has k votes, and with one something goes on.
    let (method, level, distinct): (EvidenceMethod, Double, Double) =
      switch events.filter {
      case .hiddenMarkov:
        (.hiddenMarkov(begin: events.begin, stay: events.stay), events.level, events.distinct)
      case .kOfN: (.kOfN(k: events.votes, n: max(events.votes, events.windows)), 1, 0)
      }
    sensorCount = model.modalities.count
    filter = EvidenceFilter(
      method, classCount: model.classes.count, noneClass: none, sensorCount: sensorCount,
      scenery: events.scenery.seconds / configuration.general.windowPeriod.seconds)
    let soon = max(events.begin, events.beginAfterEvent ?? 0)
    chances = (
      Chance(begin: events.begin, filter, sensorCount: sensorCount),
      Chance(begin: soon, filter, sensorCount: sensorCount)
    )
    tracker = EventTracker(
      model.classes.map { label in
        let own = configuration.eventClass(for: label)
        return EventRule(
          level: own.level ?? level, hold: own.hold ?? events.hold,
          refractory: own.refractory ?? events.refractory)
      }, distinct: distinct)
    period = configuration.general.windowPeriod
    prominence = events.prominence > 0 ? Double(SoundActivity.powerRatio(events.prominence)) / 256 : nil
  }

  /// Something is going on: an event, or evidence for one. Stillness answers no window then: a hand that is held up does not move;
  /// and sensors that are awake stay so: one look is seldom evidence enough.
  var isOpen: Bool { tracker.current != nil || filter.evidence(filter.noneClass) < chance.quiet }

  private var chance: Chance { isExpectant ? chances.expectant : chances.idle }

  /// What speaks for a command, 0...1, before the window at hand.
  var suspicion: Double { 1 - filter.evidence(filter.noneClass) }

  /// An event goes on.
  var isEvent: Bool { tracker.current != nil }

  /// Enters how far the sound of the window at hand stands out from what was heard before it, as a power ratio (`SoundProminence`).
  /// The chance that a command begins falls with it, to a hundredth: amid talk the networks take more for a word than after a
  /// pause, and fewer words are meant for the machine. docs/events.md has the figures.
  mutating func enter(prominence ratio: Double, of modality: Int) {
    guard let prominence else { return }
    filter.enter(sensor: modality, onset: max(0.01, min(1, ratio / prominence)))
  }

  /// Enters an exit's reading of the window at hand.
  /// - Parameter modalities: whose exit, or whom the fusion is of.
  mutating func enter(_ reading: Reading, _ engine: borrowing Engine, of modalities: ModalitySet) {
    told.formUnion(modalities)
    engine.withProbabilities { probabilities in
      switch reading.exit {
      case .encoder(let modality, _): filter.enter(sensor: modality) { probabilities[$0] }
      case .fusion: filter.enter(fusionOf: modalities) { probabilities[$0] }
      }
    }
  }

  /// Enters the answer of the activity checks: no exit has been read.
  /// - Parameter modalities: that are still.
  mutating func enter(inactive answer: Answer, _ modalities: ModalitySet) {
    guard let label = answer.label else { return }
    for modality in 0..<sensorCount where modalities.contains(index: modality) {
      filter.enter(sensor: modality, label: label, certainty: answer.certainty)
    }
  }

  /// Enters an exit's reading of which no more is known than its label and how certain it is of it.
  /// - Parameter modalities: whom a fusion is of.
  package mutating func enter(_ reading: Reading, of modalities: ModalitySet) {
    told.formUnion(modalities)
    switch reading.exit {
    case .encoder(let modality, _):
      filter.enter(sensor: modality, label: reading.label, certainty: reading.certainty)
    case .fusion:
      filter.enter(fusionOf: modalities, label: reading.label, certainty: reading.certainty)
    }
  }

  /// A window is about to be realigned to the data of a sensor that woke for it: what it has told so far may have been the
  /// end of a word that the later window does not hold. An event that this begins is given out by `takeEarly`.
  mutating func observe(
    realignedFrom end: Instant, decision: UInt64, isExpectant: Bool = false, at now: Instant
  ) {
    observe(endingAt: end, isExpectant: isExpectant)
    guard early == EventTracker.Changes() else { return }
    early = tracker.observe(filter, decision: decision, used: told, at: now)
  }

  /// What the window at hand came to before it was realigned, once.
  mutating func takeEarly() -> EventTracker.Changes {
    defer {
      early = EventTracker.Changes()
      told = []
    }
    return early
  }

  /// Makes evidence of what was entered of a window.
  /// - Parameter isExpectant: an event was told lately, or the daemon has just started: `begin-after-event` holds.
  package mutating func observe(endingAt end: Instant, isExpectant: Bool = false) {
    if self.isExpectant != isExpectant {
      self.isExpectant = isExpectant
      filter.expect(begin: chance.begin)
    }
    filter.observe(steps: steps(to: end))
  }

  /// Periods since the last window: one at least.
  private mutating func steps(to end: Instant) -> Int {
    defer { lastEnd = end }
    guard let lastEnd else { return 1 }
    let periods = (end - lastEnd).count / period.count
    return max(1, Int(min(periods, Int64(EvidenceFilter.longestGap) + 1)))
  }

  /// What the evidence comes to after a window.
  package mutating func track(_ decision: borrowing Decision) -> EventTracker.Changes {
    tracker.observe(filter, decision: decision.number, used: decision.used, at: decision.decided)
  }

  /// No further windows come.
  package mutating func end(at now: Instant) -> StreamEvent? { tracker.end(at: now) }
}

/// How likely it is that a command begins, and what chance alone leaves of the evidence for none.
private struct Chance: Sendable {
  let begin: Double
  /// Evidence for none from which on nothing is going on: by the hidden Markov filter 0.8, or a share of what is left where one
  /// sensor tells nothing, a dead microphone, and all others are sure of none: chance alone, with a large `begin`, is nothing that
  /// goes on.
  let quiet: Double

  init(begin: Double, _ filter: EvidenceFilter, sensorCount: Int) {
    self.begin = begin
    guard filter.isMarkov else {
      quiet = 1
      return
    }
    var least = 1.0
    for silent in 0..<sensorCount where sensorCount > 1 {
      var chance = filter
      chance.expect(begin: begin)
      for _ in 0..<EvidenceFilter.longestGap {
        for other in 0..<sensorCount where other != silent {
          chance.enter(sensor: other, label: filter.noneClass, certainty: 1)
        }
        chance.observe(steps: 1)
      }
      least = min(least, chance.evidence(filter.noneClass))
    }
    quiet = sensorCount > 1 ? min(0.8, 0.87 * least) : 0.8
  }
}
