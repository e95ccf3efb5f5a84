import Configuration
import Engine
import Policies
import Scheduling
import Vocabulary

/// The events of a pipeline: evidence of every window it answers, and what they come to. Nothing takes from the heap
/// after `init`.
struct StreamEvents: Sendable {
  private var filter: EvidenceFilter
  private var tracker: EventTracker
  private let period: Nanoseconds
  private var lastEnd: Instant?

  /// Nil for a model without a class that means "nothing": something always is, and no event begins or ends.
  init?(_ configuration: Configuration, _ model: Model) {
    guard let none = model.noneClass else { return nil }
    let events = configuration.events
    let method: EvidenceMethod =
      switch events.filter {
      case .hiddenMarkov: .hiddenMarkov(begin: events.begin, stay: events.stay)
      case .kOfN: .kOfN(k: events.votes, n: max(events.votes, events.windows))
      }
    filter = EvidenceFilter(method, classCount: model.classes.count, noneClass: none)
    tracker = EventTracker(
      model.classes.map { label in
        let own = configuration.eventClass(for: label)
        return EventRule(
          level: own.level ?? events.level, hold: own.hold ?? events.hold,
          refractory: own.refractory ?? events.refractory)
      })
    period = configuration.general.windowPeriod
  }

  /// Something is going on: an event, or evidence for one. Stillness answers no window then: a hand that is held up does not move;
  /// and sensors that are awake stay so: one look is seldom evidence enough.
  var isOpen: Bool { tracker.current != nil || filter.evidence(filter.noneClass) < Self.quiet }

  /// Evidence for none from which on nothing is going on.
  private static let quiet = 0.8

  /// Enters what was read of a window that is about to be realigned, or of one that has its answer.
  /// - Parameters:
  ///   - engine: that has the last reading still.
  ///   - last: that reading; nil where none was made.
  ///   - answer: the window's, where it has one.
  mutating func observe(_ engine: borrowing Engine, last: Reading?, answer: Answer?, endingAt end: Instant) {
    let steps = steps(to: end)
    if let last, answer.map({ $0.label == last.label && $0.reason != .inactive }) ?? true {
      engine.withProbabilities { probabilities in
        filter.observe(steps: steps) { probabilities[$0] }
      }
    } else if let answer, let label = answer.label {
      filter.observe(steps: steps, label: label, certainty: answer.certainty)
    } else {
      filter.pass(steps)
    }
  }

  /// Periods since the last window: one at least.
  private mutating func steps(to end: Instant) -> Int {
    defer { lastEnd = end }
    guard let lastEnd else { return 1 }
    let periods = (end - lastEnd).count / period.count
    return max(1, Int(min(periods, Int64(EvidenceFilter.longestGap) + 1)))
  }

  /// What the evidence comes to after a window.
  mutating func track(_ decision: borrowing Decision) -> EventTracker.Changes {
    tracker.observe(filter, decision: decision.number, used: decision.used, at: decision.decided)
  }

  /// No further windows come.
  mutating func end(at now: Instant) -> StreamEvent? { tracker.end(at: now) }
}
