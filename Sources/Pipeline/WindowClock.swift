import Vocabulary

/// When windows end. Windows are never queued: one that came due while another was being answered (a wake takes
/// longer than a period) has joined it, and is counted.
struct WindowClock: Sendable {
  private(set) var period: Nanoseconds
  private var halfPeriod: Nanoseconds
  /// When the next window ends.
  private(set) var next: Instant
  /// When the window that was answered last ended; nil before the first.
  private(set) var last: Instant?
  /// Windows that joined the one before them.
  private(set) var joined: UInt64 = 0

  init(first: Instant, period: Nanoseconds) {
    precondition(period > .zero)
    next = first
    self.period = period
    halfPeriod = Nanoseconds(period.count / 2)
  }

  /// When the window to be answered ends: now where somebody asks, as soon as that is a window of its own.
  func end(isAsked: Bool, at now: Instant) -> Instant {
    guard isAsked, now > last ?? .zero else { return next }
    return min(now, next)
  }

  /// From now on by another period. The next window comes no later than that after the last one.
  mutating func adopt(period: Nanoseconds, now: Instant) {
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
    last = end
    while next <= end {
      next = next + period
      joined += 1
    }
  }

  /// The window that ended at `end` has been answered at `now`.
  mutating func answered(windowEnding end: Instant, at now: Instant) {
    last = end
    next = next + period
    // One that has come due within this very period may still be answered in time; older ones have joined, and so
    // has one that would repeat most of a realigned window.
    while next - end < halfPeriod || next + period <= now {
      next = next + period
      joined += 1
    }
  }
}
