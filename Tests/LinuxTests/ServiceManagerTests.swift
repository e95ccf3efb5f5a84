import Glibc
import Testing
import Vocabulary

@testable import Linux

/// Against a socket that listens as systemd does.
@Suite struct ServiceManagerTests {
  private func manager(_ environment: [String: String], process: Int32 = 77) -> ServiceManager {
    ServiceManager(variable: { environment[$0] }, process: process)
  }

  /// A datagram socket bound to a path or to an abstract name ("@..."), and what comes in on it.
  private func listener(_ name: String) -> Int32 {
    let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path)! + bytes.count)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
    }
    #expect(bound == 0)
    return number
  }

  @Test(arguments: ["/tmp/mmexit-notify-\(getpid())", "@mmexit-notify-\(getpid())"])
  func linesArriveAsOneDatagram(_ name: String) {
    let number = listener(name)
    defer {
      close(number)
      unlink(name)
    }
    #expect(manager(["NOTIFY_SOCKET": name]).notify("READY=1\nSTATUS=digits, 2 sensors"))
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = recv(number, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    #expect(count > 0)
    #expect(
      String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1\nSTATUS=digits, 2 sensors")
  }

  @Test func whereNobodyListensNothingIsSentAndNothingWaits() {
    #expect(!manager([:]).notify("READY=1"))
    #expect(!manager(["NOTIFY_SOCKET": ""]).notify("READY=1"))
    #expect(!manager(["NOTIFY_SOCKET": "/nowhere/notify"]).notify("READY=1"))
    #expect(!manager(["NOTIFY_SOCKET": "vsock:2:1"]).notify("READY=1"))
    #expect(!manager(["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)]).notify("READY=1"))
    // One that does not read: its queue fills, and the sender goes on.
    let name = "@mmexit-full-\(getpid())"
    let number = listener(name)
    defer { close(number) }
    let told = (0..<10_000).prefix { _ in manager(["NOTIFY_SOCKET": name]).notify("WATCHDOG=1") }
    #expect(told.count > 0 && told.count < 10_000)
  }

  @Test func socketsForAnotherProcessAreNotOurs() {
    #expect(manager(["LISTEN_PID": "77", "LISTEN_FDS": "2"]).descriptors == 2)
    #expect(manager(["LISTEN_PID": "78", "LISTEN_FDS": "2"]).descriptors == 0)
    #expect(manager(["LISTEN_FDS": "2"]).descriptors == 0)
    #expect(manager(["LISTEN_PID": "77", "LISTEN_FDS": "-1"]).descriptors == 0)
    #expect(manager(["LISTEN_PID": "77", "LISTEN_FDS": "two"]).descriptors == 0)
  }

  @Test func theWatchdogsTimeIsForUsAndBounded() {
    #expect(manager(["WATCHDOG_USEC": "10000000"]).watchdogTime == .seconds(10))
    #expect(manager(["WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "77"]).watchdogTime == .seconds(10))
    #expect(manager(["WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "78"]).watchdogTime == nil)
    #expect(manager(["WATCHDOG_USEC": "0"]).watchdogTime == nil)
    #expect(manager(["WATCHDOG_USEC": "-5"]).watchdogTime == nil)
    #expect(manager([:]).watchdogTime == nil)
    #expect(manager(["WATCHDOG_USEC": "18446744073709551615"]).watchdogTime == Nanoseconds(.max))
  }
}
