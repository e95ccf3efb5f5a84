import Vocabulary

/// When the next full check, a look by every live sensor, has to begin, so that no more than `max-blind` lies between
/// two of them.
///
/// A full check is of the time at which its last sensor delivered, and a sensor that sleeps delivers a wake later. So a
/// window is the last one that may still be the check in time if the window after it, and the wake, would be too late.
struct FullCheckClock: Sendable {
  private(set) var period: Nanoseconds
  private var maximumBlind: Nanoseconds
  /// The time the last one was of.
  private(set) var last: Instant

  init(period: Nanoseconds, maximumBlind: Nanoseconds, start: Instant) {
    self.period = period
    self.maximumBlind = maximumBlind
    last = start
  }

  /// From now on by other settings; the last full check remains.
  mutating func adopt(period: Nanoseconds, maximumBlind: Nanoseconds) {
    self.period = period
    self.maximumBlind = maximumBlind
  }

  /// Every live sensor has looked at a window that ended at `instant`.
  mutating func completed(at instant: Instant) { last = max(last, instant) }

  /// Whether the window that ends at `end` has to be a full check.
  /// - Parameter wake: the longest expected wake among the live sensors that sleep; zero where none does.
  func isDue(at end: Instant, wake: Nanoseconds) -> Bool { end + period + wake - last > maximumBlind }

  /// When a sensor that is put to sleep now has to be woken for the next one.
  /// - Parameter wake: how long its wake is expected to take.
  func nextWake(taking wake: Nanoseconds) -> Instant { last + maximumBlind - period - wake }

  /// Whether putting a sensor to sleep at `now` leaves it more sleep than its wake takes.
  func leavesSleep(from now: Instant, wake: Nanoseconds) -> Bool {
    nextWake(taking: wake) - now >= max(period, wake)
  }
}
