import Vocabulary

/// What one window starts from: which sensors have its data, and what else the gate must know of it.
package struct WindowConditions: Hashable, Sendable {
  /// When the walk starts; wake deadlines count from the time of the wake, this one unless a later is passed in.
  package var now: Instant
  /// Awake, with data for this window.
  package var present: ModalitySet
  /// Asleep, and may be woken now. What is neither present nor wakeable cannot be had for this window.
  package var wakeable: ModalitySet
  /// Samples or frames were lost: not to be trusted, so not asked. Only what is present counts.
  package var invalid: ModalitySet
  /// The activity check found nothing going on. Only what is present counts.
  package var inactive: ModalitySet
  /// `max_blind` has run out: a `none` needs every live sensor.
  package var lookDue: Bool

  package init(
    now: Instant = .zero, present: ModalitySet, wakeable: ModalitySet = [], invalid: ModalitySet = [],
    inactive: ModalitySet = [], lookDue: Bool = false
  ) {
    self.now = now
    self.present = present
    self.wakeable = wakeable
    self.invalid = invalid
    self.inactive = inactive
    self.lookDue = lookDue
  }
}

/// What became of a wake.
package enum WakeOutcome: Hashable, Sendable, CaseIterable {
  /// The sensor has data that belongs to this window.
  case delivered
  /// It is under way, and this window does not wait for it.
  case pending
  /// Nothing usable by the deadline.
  case deadlineMissed
  /// The sensor cannot be had (unplugged, broken).
  case failed
  /// What is known before the wake makes it worth less than it costs.
  case refused
}
