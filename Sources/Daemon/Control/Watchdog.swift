import Linux
import Vocabulary

/// Tells systemd that the daemon lives, twice in each time that systemd waits (sd_watchdog_enabled(3)), and only where
/// pipeline, recorder and control thread have all moved since the last time.
struct Watchdog {
  private let beats: Heartbeats
  private let ping: @Sendable () -> Void
  private let interval: Nanoseconds
  private let tell: () -> Void
  private var former: Heartbeats.Pulse
  /// When `turn` has something to do.
  private(set) var next: Instant

  /// Nil where systemd waits for nothing.
  /// - Parameter ping: has those take a turn that may have nothing to do, so that they can be seen to move.
  init?(
    _ beats: Heartbeats, time: Nanoseconds? = ServiceNotification.watchdogTime,
    now: Instant = Instant(sinceBoot: bootTimeNanoseconds()), ping: @escaping @Sendable () -> Void,
    tell: @escaping () -> Void = ServiceNotification.alive
  ) {
    guard let time, time > .zero else { return nil }
    self.beats = beats
    self.ping = ping
    self.tell = tell
    interval = Nanoseconds(max(1, time.count / 2))
    former = beats.pulse
    next = now + interval
    ping()
  }

  mutating func turn(at now: Instant) {
    guard now >= next else { return }
    let pulse = beats.pulse
    if pulse.moved(since: former) { tell() }
    former = pulse
    next = now + interval
    ping()
  }
}
