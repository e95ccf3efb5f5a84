import Vocabulary

/// When the next look by every live sensor has to begin, so that no more than `max_blind` lies between two of them.
///
/// A look is of the time at which its last sensor delivered, and a sensor that sleeps delivers a wake later. So a
/// window is the last one that may still be the look in time if the window after it, and the wake, would be too late.
struct LookClock: Sendable {
  private let period: Nanoseconds
  private let maximumBlind: Nanoseconds
  /// By sensor: how long a wake is expected to take. Begins at the deadline, follows a slower wake at once and a
  /// faster one by an eighth.
  private var wakes: [Nanoseconds]
  /// The time the last look was of.
  private(set) var last: Instant

  init(period: Nanoseconds, maximumBlind: Nanoseconds, wakeDeadlines: [Nanoseconds], start: Instant) {
    self.period = period
    self.maximumBlind = maximumBlind
    wakes = wakeDeadlines
    last = start
  }

  /// A woken sensor delivered, `latency` after the window's end.
  mutating func note(wakeOf sensor: Int, took latency: Nanoseconds) {
    wakes[sensor] = max(latency, wakes[sensor] - Nanoseconds(wakes[sensor].count / 8))
  }

  mutating func note(lookOf instant: Instant) { last = max(last, instant) }

  func expectedWake(of sensor: Int) -> Nanoseconds { wakes[sensor] }

  /// Whether the window that ends at `end` has to be a look.
  /// - Parameter asleep: the longest expected wake among the live sensors that sleep; zero where none does.
  func isDue(at end: Instant, asleep wake: Nanoseconds) -> Bool { end + period + wake - last > maximumBlind }

  /// When a sensor that is put to sleep now has to be woken for the next look.
  func nextWake(of sensor: Int) -> Instant { last + maximumBlind - period - wakes[sensor] }
}
