import Foundation
import Testing

/// What the daemon tells a journal that takes fields.
@Suite struct JournalTests {
  @Test func theJournalIsToldWithFields() throws {
    let path = NSTemporaryDirectory() + "/mmexit-journal-" + UUID().uuidString.prefix(8)
    let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer {
      close(number)
      unlink(path)
    }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
    var entries: [[Substring]] = []
    func hear() {
      var bytes = [UInt8](repeating: 0, count: 65536)
      while case let count = recv(number, &bytes, bytes.count, Int32(MSG_DONTWAIT)), count >= 0 {
        entries.append(String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n"))
      }
    }
    let daemon = try DaemonProcess(.live, journal: path)
    #expect(daemon.isUp() && holds(within: 60) { daemon.windows > 2 })
    hear()
    #expect(daemon.tell("pause").code == 0 && daemon.tell("resume").code == 0)
    #expect(daemon.tell("reload").code == 0)
    #expect(daemon.tell("pause").code == 0)
    daemon.endsInOrder()
    hear()
    #expect(
      entries.allSatisfy {
        $0.contains("SYSLOG_IDENTIFIER=mmexitd") && $0.last?.hasPrefix("MESSAGE=") == true
      })
    let paused = entries.filter { $0.last?.hasPrefix("MESSAGE=paused") == true }
    try #require(paused.count == 2, "\(entries)")
    #expect(paused.allSatisfy { $0.contains("MMEXIT_EVENT=command") && $0.contains("PRIORITY=5") })
    #expect(paused[0].contains("MMEXIT_GENERATION=1") && paused[1].contains("MMEXIT_GENERATION=2"))
    #expect(entries.contains { $0.last?.hasPrefix("MESSAGE=ledger head ") == true })
    // What the journal has stands nowhere twice.
    #expect(!daemon.run.error.contains("paused"))
  }
}
