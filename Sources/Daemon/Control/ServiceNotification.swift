import Glibc
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
  static var socket: Int32? { passed.first { $0.isSocket }?.number }

  /// What was passed beside sockets: files that this user may not open itself.
  static var files: [Int32] { passed.filter { !$0.isSocket }.map(\.number) }

  private static var passed: [(number: Int32, isSocket: Bool)] {
    (0..<Int32(clamping: min(manager.descriptors, 1024))).map { place in
      let number = ServiceManager.firstSocket + place
      var status = stat()
      // One that is not there is for `adopt` to refuse.
      let isFile = fstat(number, &status) == 0 && status.st_mode & UInt32(S_IFMT) != UInt32(S_IFSOCK)
      return (number, !isFile)
    }
  }
}
