import Linux
import Vocabulary

/// How long a device and its thread may take. What takes longer has failed; nothing is waited for without one of these.
package struct DeviceLimits: Sendable {
  /// An open device that gives nothing for this long (a slow camera: for two intervals) is wedged.
  package var patience = Nanoseconds.seconds(2)
  /// From being told to close a device to being back: stopping a USB stream takes a few hundred milliseconds.
  package var close = Nanoseconds.seconds(2)
  /// What `stop` waits for all threads together.
  package var stop = Nanoseconds.milliseconds(500)
  /// Threads of one sensor that hang in its driver and have been replaced. Each costs a stack and a descriptor until
  /// it comes back. One hang can pass with what is plugged in anew; a driver that took three threads takes a fourth.
  package var abandonedThreads = 3
  /// Between the first fault and the next try; doubled by each further fault, up to `longestBackoff`.
  package var firstBackoff = Nanoseconds.seconds(1)
  package var longestBackoff = Nanoseconds.seconds(60)
  /// A driver that hangs is tried again no sooner: it seldom recovers within seconds, and each try may cost a thread.
  package var hungBackoff = Nanoseconds.seconds(15)
  /// How long ago a device node's owner or mode last changed; nil where there is no such node.
  package var nodeAge: @Sendable (String) -> Nanoseconds? = { NewNode.age(of: $0) }

  package init() {}
}

/// Now, on the two clocks that supervision needs.
struct Moment: Hashable, Sendable {
  /// CLOCK_BOOTTIME: what states and events are stamped with, and what backoffs count on.
  var boot: Instant
  /// CLOCK_MONOTONIC: what silence and hanging are judged by, so that a suspended machine is not a silent device.
  var steady: Instant

  static var current: Moment {
    Moment(
      boot: Instant(sinceBoot: bootTimeNanoseconds()), steady: Instant(sinceBoot: monotonicNanoseconds()))
  }
}

/// How a device's thread bears a device that is silent: until when, and with what pauses where it polls ready and gives
/// nothing (a wedged driver that leaves POLLIN or POLLERR set must not take a core).
struct Patience: Sendable {
  /// The first poll that ends in nothing is repeated at once, as plugins with timers of their own need it; then the
  /// pauses double. The longest costs 16 wakes a second, and is what data that comes after all may be late by.
  static let firstPause = Nanoseconds.milliseconds(1)
  static let longestPause = Nanoseconds.milliseconds(64)

  let limit: Nanoseconds
  /// On the monotonic clock.
  private(set) var end: Instant
  private var emptyTurns = 0
  private var hasOverrun = false

  init(_ limit: Nanoseconds, from now: Instant) {
    self.limit = limit
    end = now + limit
  }

  /// Data came at `now`.
  mutating func renew(at now: Instant) {
    end = now + limit
    emptyTurns = 0
    hasOverrun = false
  }

  /// The device gave more at `now` than was taken, and begins anew: it lives, and is given its time again. Once for all
  /// overruns until data comes.
  mutating func overran(at now: Instant) {
    if !hasOverrun { end = now + limit }
    hasOverrun = true
  }

  func isOver(at now: Instant) -> Bool { now >= end }

  /// The device was ready and gave nothing.
  /// - Returns: how long to leave it alone.
  mutating func pauseAfterNothing() -> Nanoseconds {
    emptyTurns = min(emptyTurns + 1, 16)
    if emptyTurns == 1 { return .zero }
    return min(Nanoseconds(Self.firstPause.count << Int64(emptyTurns - 2)), Self.longestPause)
  }
}
