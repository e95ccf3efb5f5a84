import Vocabulary

/// When the next full check, a look by every live sensor, has to begin, so that no more than `max-blind` lies between
/// two of them.
///
/// A full check is of the time at which its last sensor delivered, and a sensor that sleeps delivers a wake later. So a
/// window is the last one that may still be the check in time if the window after it, and the wake, would be too late.
///
/// Who tells a robot one thing soon tells it another, and who has just started it is there to: after an event and after the start
/// the checks may come closer together for a while, as long as what they find is worth what they cost (`WakeWorth`).
struct FullCheckClock: Sendable {
  /// How long after an event's last window something more is expected.
  static let expectant = Nanoseconds.seconds(60)
  /// How long after the start something is.
  static let expectantAfterStart = Nanoseconds.seconds(30)

  private(set) var period: Nanoseconds
  private var maximumBlind: Nanoseconds
  /// The same while something more is expected; at most `maximumBlind`.
  private var afterEvent: Nanoseconds
  /// The time the last one was of.
  private(set) var last: Instant
  /// Something is expected until then.
  private var expectantUntil: Instant
  /// Checks find enough to come closer together.
  var areWorthMore = true

  init(period: Nanoseconds, maximumBlind: Nanoseconds, afterEvent: Nanoseconds? = nil, start: Instant) {
    self.period = period
    self.maximumBlind = maximumBlind
    self.afterEvent = min(afterEvent ?? maximumBlind, maximumBlind)
    last = start
    expectantUntil = start + Self.expectantAfterStart
  }

  /// From now on by other settings; the last full check and event remain.
  mutating func adopt(period: Nanoseconds, maximumBlind: Nanoseconds, afterEvent: Nanoseconds? = nil) {
    self.period = period
    self.maximumBlind = maximumBlind
    self.afterEvent = min(afterEvent ?? maximumBlind, maximumBlind)
  }

  /// An event goes on in a window that ended at `instant`.
  mutating func event(at instant: Instant) { expectantUntil = instant + Self.expectant }

  /// Whether something is expected at `instant`.
  func isExpectant(at instant: Instant) -> Bool { instant < expectantUntil }

  /// How far the next one may lie from the last.
  private var limit: Nanoseconds {
    areWorthMore && isExpectant(at: last) ? afterEvent : maximumBlind
  }

  /// Every live sensor has looked at a window that ended at `instant`.
  mutating func completed(at instant: Instant) { last = max(last, instant) }

  /// Whether the window that ends at `end` has to be a full check.
  /// - Parameter wake: the longest expected wake among the live sensors that sleep; zero where none does.
  func isDue(at end: Instant, wake: Nanoseconds) -> Bool { end + period + wake - last > limit }

  /// When a sensor that is put to sleep now has to be woken for the next one.
  /// - Parameter wake: how long its wake is expected to take.
  func nextWake(taking wake: Nanoseconds) -> Instant { last + limit - period - wake }

  /// Whether putting a sensor to sleep at `now` leaves it more sleep than its wake takes.
  func leavesSleep(from now: Instant, wake: Nanoseconds) -> Bool {
    nextWake(taking: wake) - now >= max(period, wake)
  }
}
