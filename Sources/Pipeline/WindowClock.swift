import Vocabulary

/// When windows end. Windows are never queued: one that came due while another was being answered (a wake takes
/// longer than a period) has joined it, and is counted.
struct WindowClock: Sendable {
  private(set) var period: Nanoseconds
  private var halfPeriod: Nanoseconds
  /// When the next window ends.
  private(set) var next: Instant
  /// Windows that joined the one before them.
  private(set) var joined: UInt64 = 0

  init(first: Instant, period: Nanoseconds) {
    precondition(period > .zero)
    next = first
    self.period = period
    halfPeriod = Nanoseconds(period.count / 2)
  }

  /// From now on by another period. The next window comes no later than that after the last one.
  /// - Parameter last: when the last window ended; nil before the first.
  mutating func adopt(period: Nanoseconds, last: Instant?, now: Instant) {
    precondition(period > .zero)
    guard period != self.period else { return }
    self.period = period
    halfPeriod = Nanoseconds(period.count / 2)
    if let last { next = min(next, max(last + period, now)) }
  }

  /// Begins anew after a time without windows; the one that ends at `first` is the next.
  mutating func restart(first: Instant) { next = max(next, first) }

  /// A window that ended at `end`, between two of the clock's, has been answered.
  mutating func answeredBetween(windowEnding end: Instant) {
    while next <= end {
      next = next + period
      joined += 1
    }
  }

  /// The window that ended at `end` has been answered at `now`.
  mutating func answered(windowEnding end: Instant, at now: Instant) {
    next = next + period
    // One that has come due within this very period may still be answered in time; older ones have joined, and so
    // has one that would repeat most of a realigned window.
    while next - end < halfPeriod || next + period <= now {
      next = next + period
      joined += 1
    }
  }
}
