import CLinux
import Glibc
import Vocabulary

/// What systemd tells a service by its environment and hears from it, by the protocols that sd_notify(3),
/// sd_listen_fds(3) and sd_watchdog_enabled(3) document for programs without libsystemd. That library brings six
/// more (ldd), compression and cryptography among them, for one datagram.
package struct ServiceManager: Sendable {
  /// Where to send notifications: a path, or a name behind a NUL; nil where nobody listens.
  private let address: [UInt8]?
  /// Descriptors passed, from descriptor 3 on: sockets (socket activation) and files (`OpenFile=`).
  package let descriptors: Int
  /// How long systemd waits for a sign of life; nil where it waits for none.
  package let watchdogTime: Nanoseconds?

  /// The first descriptor passed (SD_LISTEN_FDS_START).
  package static let firstSocket: Int32 = 3
  /// Of sockaddr_un's path.
  private static let longestAddress = 107

  /// - Parameters:
  ///   - variable: an environment variable's value; nil where it is not set.
  ///   - process: our process id: what is meant for another process is not for us.
  package init(
    variable: (String) -> String? = { name in getenv(name).map { String(cString: $0) } },
    process: Int32 = getpid()
  ) {
    address = Self.address(variable("NOTIFY_SOCKET"))
    let isOurs = variable("LISTEN_PID").flatMap { Int32($0) } == process
    descriptors = isOurs ? max(0, variable("LISTEN_FDS").flatMap { Int($0) } ?? 0) : 0
    let isWatched = variable("WATCHDOG_PID").map { Int32($0) == process } ?? true
    let microseconds = isWatched ? variable("WATCHDOG_USEC").flatMap { UInt64($0) } ?? 0 : 0
    let nanoseconds = Int64(clamping: microseconds).multipliedReportingOverflow(by: 1000)
    watchdogTime =
      microseconds == 0 ? nil : Nanoseconds(nanoseconds.overflow ? .max : nanoseconds.partialValue)
  }

  private static func address(_ text: String?) -> [UInt8]? {
    guard let text, text.utf8.count > 1, text.utf8.count <= longestAddress else { return nil }
    var bytes = Array(text.utf8)
    switch bytes[0] {
    case UInt8(ascii: "/"): return bytes
    case UInt8(ascii: "@"):
      // The abstract namespace.
      bytes[0] = 0
      return bytes
    default: return nil
    }
  }

  /// Sends `VARIABLE=VALUE` lines; never waits, and does nothing where nobody listens.
  /// - Returns: whether it was sent.
  @discardableResult
  package func notify(_ lines: String) -> Bool {
    guard let address else { return false }
    let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { return false }
    defer { close(number) }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: address) }
    let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path)! + address.count)
    var text = lines
    return text.withUTF8 { bytes in
      withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(
            number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0, length)
        }
      }
    } == text.utf8.count
  }
}
