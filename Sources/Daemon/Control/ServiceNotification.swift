import CSystemd

/// What systemd is told (sd_notify); nothing where it did not start us.
enum ServiceNotification {
  static func ready(_ status: String) { sd_notify(0, "READY=1\nSTATUS=\(status)") }
  static func stopping() { sd_notify(0, "STOPPING=1") }
}
