import CSystemd
import Vocabulary

/// What systemd is told (sd_notify); nothing where it did not start us.
enum ServiceNotification {
  static func ready(_ status: String) { sd_notify(0, "READY=1\nSTATUS=\(status)") }
  static func stopping() { sd_notify(0, "STOPPING=1") }
  static func alive() { sd_notify(0, "WATCHDOG=1") }

  /// How long systemd waits for a sign of life; nil where it waits for none.
  static var watchdogTime: Nanoseconds? {
    var microseconds: UInt64 = 0
    guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
    return Nanoseconds(Int64(clamping: microseconds) * 1000)
  }
}
