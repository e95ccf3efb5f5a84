import Glibc
import Linux
import Synchronization
import Vocabulary

/// Entries with fields to the journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram each, without
/// libsystemd. It is used where standard error goes to the journal anyway. Nobody waits for the journal: what it does not take
/// at once is counted, and the line goes the way of standard error.
package final class JournalSocket: Sendable {
  package static let path = "/run/systemd/journal/socket"
  /// Names another place of the journal's socket, for tests.
  package static let variable = "MMEXIT_JOURNAL_SOCKET"
  /// An entry is no longer: some hundred bytes are usual.
  private static let maximumBytes = 16 << 10

  private let socket: Descriptor
  private let address: [UInt8]
  private let refused = Atomic<Int>(0)

  /// Nil where standard error does not go to the journal (systemd says which stream does by JOURNAL_STREAM), or there is
  /// none.
  package init?(
    errors: Int32 = STDERR_FILENO,
    variable: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
  ) {
    let path = Array((variable(Self.variable) ?? Self.path).utf8)
    guard Self.isJournal(errors, variable("JOURNAL_STREAM")), path.count < 108, !path.isEmpty,
      case let number = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0),
      number >= 0
    else { return nil }
    socket = Descriptor(owning: number)
    address = path
  }

  /// Whether `DEVICE:INODE` are that descriptor's.
  static func isJournal(_ number: Int32, _ stream: String?) -> Bool {
    var status = stat()
    guard let stream, fstat(number, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
  }

  /// Entries that the journal did not take.
  package var lost: Int { refused.load(ordering: .relaxed) }

  /// From any thread; returns at once.
  /// - Parameter message: one line.
  /// - Returns: whether the journal has it.
  func send(_ level: Log.Level, _ message: String, _ fields: JournalFields) -> Bool {
    var entry = "PRIORITY=\(level.rawValue)\nSYSLOG_IDENTIFIER=mmexitd\n"
    for sensor in fields.sensors { entry += "MMEXIT_SENSOR=\(sensor.printable)\n" }
    if let event = fields.event { entry += "MMEXIT_EVENT=\(event)\n" }
    if let label = fields.label { entry += "MMEXIT_LABEL=\(label.printable)\n" }
    if let decision = fields.decision { entry += "MMEXIT_DECISION=\(decision)\n" }
    if let generation = fields.generation { entry += "MMEXIT_GENERATION=\(generation)\n" }
    entry += "MESSAGE=\(message)\n"
    guard entry.utf8.count <= Self.maximumBytes, send(&entry) else {
      refused.add(1, ordering: .relaxed)
      return false
    }
    return true
  }

  private func send(_ entry: inout String) -> Bool {
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: address) }
    return entry.withUTF8 { bytes in
      withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(
            socket.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0,
            socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    } >= 0
  }
}
