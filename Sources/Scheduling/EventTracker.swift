import Vocabulary

/// When evidence for a class is an event of it.
package struct EventRule: Hashable, Sendable {
  /// An event begins at this much evidence, 0...1.
  package var level: Double
  /// How long an event goes on without evidence: what bridges a gap between two syllables, or a blink of the camera.
  package var hold: Nanoseconds
  /// After an event's end, how long none of its class begins.
  package var refractory: Nanoseconds

  package init(level: Double, hold: Nanoseconds, refractory: Nanoseconds) {
    self.level = level
    self.hold = hold
    self.refractory = refractory
  }

  /// Evidence that keeps an event up once it is there: the share of `level` it may fall to.
  package static let keep = 0.5
}

/// From evidence to events: a class whose evidence reaches its level is one event, until its evidence has been gone for its
/// hold time or another class's event begins. Pure, without heap after `init`.
package struct EventTracker: Sendable {
  /// What became of a window: at most one event ends and one begins, in this order.
  package struct Changes: Equatable, Sendable {
    package var ended: StreamEvent?
    package var began: StreamEvent?

    package init() {}
  }

  private let rules: [EventRule]
  private let distinct: Double
  /// By class: when its last event ended.
  private var ends: [Instant?]
  /// The event that goes on.
  package private(set) var current: StreamEvent?
  private var lastSupport = Instant.zero

  /// - Parameters:
  ///   - rules: by class; that of the class that means "nothing" is not used.
  ///   - distinct: of the evidence for all commands, what its own must be for an event to begin, 0...1.
  package init(_ rules: [EventRule], distinct: Double = 0) {
    self.rules = rules
    self.distinct = distinct
    ends = Array(repeating: nil, count: rules.count)
  }

  /// Enters the evidence after a window.
  /// - Parameters:
  ///   - decision: the window's number.
  ///   - used: modalities that took part in it.
  ///   - now: when it was decided; does not go back.
  package mutating func observe(
    _ filter: borrowing EvidenceFilter, decision: UInt64, used: ModalitySet, at now: Instant
  ) -> Changes {
    var changes = Changes()
    let (label, evidence) = filter.leading
    if var event = current {
      let own = filter.evidence(event.label)
      if own >= rules[event.label].level * EventRule.keep {
        event.certainty = max(event.certainty, own)
        event.modalities.formUnion(used)
        event.lastDecision = decision
        current = event
        lastSupport = now
      } else if now - lastSupport >= rules[event.label].hold {
        changes.ended = end(at: now)
      }
    }
    guard evidence >= rules[label].level, label != current?.label, isReady(label, at: now) else {
      return changes
    }
    // That something was said is sooner sure than what: a wrong word is worse than a late one.
    guard evidence >= distinct * filter.evidenceForCommands else { return changes }
    if let ended = end(at: now) { changes.ended = ended }
    let event = StreamEvent(
      label: label, start: now, certainty: evidence, modalities: used, decision: decision)
    current = event
    lastSupport = now
    changes.began = event
    return changes
  }

  /// Ends the event that goes on: no further windows come.
  package mutating func end(at now: Instant) -> StreamEvent? {
    guard var event = current else { return nil }
    event.end = now
    ends[event.label] = now
    current = nil
    return event
  }

  private func isReady(_ label: Int, at now: Instant) -> Bool {
    ends[label].map { now - $0 >= rules[label].refractory } ?? true
  }
}
