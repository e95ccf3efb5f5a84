import Glibc
import Linux
import Vocabulary

/// Device nodes that were made a moment ago. The kernel makes a node for root alone; udev gives it its group some time later,
/// which takes longer while a machine starts. Until then a refusal tells nothing of who may use the device.
enum NewNode {
  /// What udev is given, from when the node's owner or mode last changed.
  static let grace = Nanoseconds.seconds(2)

  /// How long to leave these nodes alone after `error` before it is believed; zero where it is believed at once.
  /// - Parameter age: a node's; nil where there is none.
  static func patience(
    after error: SensingError, of nodes: [String], age: (String) -> Nanoseconds?
  ) -> Nanoseconds {
    guard case .device(.permissionDenied, _) = error.kind else { return .zero }
    return nodes.reduce(.zero) { max($0, age($1).map(left) ?? .zero) }
  }

  /// What is left of the grace at that age. A clock that was set back makes an age that is none.
  static func left(at age: Nanoseconds) -> Nanoseconds { age < .zero || age >= grace ? .zero : grace - age }

  /// The nodes of all sound cards: which of them a name of ALSA's leads to, its configuration knows.
  static var soundCards: [String] { ((try? directoryNames("/dev/snd")) ?? []).map { "/dev/snd/" + $0 } }

  /// Since its owner or mode was last changed; nil where there is no such file. Not by the coarse clock: since Linux 6.13 a file's
  /// stamp may be up to a tick later than that.
  static func age(of path: String) -> Nanoseconds? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let seconds = now.tv_sec - status.st_ctim.tv_sec
    return Nanoseconds(Int64(seconds) * 1_000_000_000 + Int64(now.tv_nsec - status.st_ctim.tv_nsec))
  }
}
