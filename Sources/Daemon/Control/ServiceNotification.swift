import Linux
import Vocabulary

/// What systemd is told (sd_notify); nothing where it did not start us.
enum ServiceNotification {
  private static let manager = ServiceManager()

  // A status names the model: a newline in that would be a variable of its own.
  static func ready(_ status: String) { manager.notify("READY=1\nSTATUS=\(status.printable)") }
  static func status(_ status: String) { manager.notify("STATUS=\(status.printable)") }
  static func stopping() { manager.notify("STOPPING=1") }
  static func alive() { manager.notify("WATCHDOG=1") }

  /// How long systemd waits for a sign of life; nil where it waits for none.
  static var watchdogTime: Nanoseconds? { manager.watchdogTime }

  /// The first of the sockets that socket activation passed; nil where it passed none.
  static var socket: Int32? { manager.sockets > 0 ? ServiceManager.firstSocket : nil }
}
