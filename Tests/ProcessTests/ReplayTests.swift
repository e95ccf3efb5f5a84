import Foundation
import Testing

/// The daemon on the recording that ships with it.
@Suite struct ReplayTests {
  @Test func aReplayEndsByItselfWithTheSameBytesEachTime() throws {
    var ledgers: [Data] = []
    for _ in 0..<2 {
      let output = Pipe()
      let daemon = try DaemonProcess(.replay(pace: "fast", loop: false), output: output)
      let printed = Drain(output)
      #expect(daemon.run.wait(60) == 0)
      #expect(printed.text.split(separator: "\n").count { $0.hasPrefix("#") } == 30)
      #expect(daemon.records("decision").count == 30)
      #expect(daemon.ledger().last?["type"] as? String == "stop")
      let head = try #require(daemon.onlyHead, "\(daemon.run.error)")
      let held = daemon.audit(anchor: head)
      #expect(held.code == 0 && held.output.contains(": holds"), "\(held)")
      let forged = daemon.audit(anchor: "1:" + String(repeating: "0", count: 64))
      #expect(forged.code == 65 && forged.error.contains("does not add up"), "\(forged)")
      ledgers.append(
        try Data(
          contentsOf: URL(fileURLWithPath: daemon.ledgerFolder + "/" + #require(daemon.segments.first))))
    }
    #expect(ledgers[0] == ledgers[1] && !ledgers[0].isEmpty)
  }

  @Test func anEndIsAnsweredThoughNobodyAsked() throws {
    // The bell at the recording's end: the control thread must not sleep on.
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: false))
    #expect(daemon.run.wait(60) == 0)
  }

  @Test func statusAndWatchAnswerWhileItRuns() throws {
    let daemon = try DaemonProcess(
      .replay(pace: "real-time", loop: true), changes: ["window-period": "250ms"])
    #expect(daemon.isUp())
    let seen = daemon.watch(seconds: 4).compactMap { $0.decision["number"] as? Int }
    #expect(seen.count >= 4)
    #expect(zip(seen, seen.dropFirst()).allSatisfy { $1 == $0 + 1 }, "\(seen)")
    let status = try #require(daemon.status())
    #expect(status["state"] as? String == "running")
    // The sensor that listens has been awake all the time, up to this very moment.
    let first = try #require((status["order"] as? [String])?.first)
    #expect((daemon.sensor(first)["awake_ns"] as? Int ?? 0) > 3_000_000_000)
    let stop = try #require(daemon.stop())
    #expect(stop.code == 0 && stop.seconds < 5)
    #expect(daemon.audit().code == 0)
    // Nothing that Watch told is missing from the ledger.
    let kept = Set(daemon.records("decision").compactMap { $0["number"] as? Int })
    #expect(kept.isSuperset(of: seen))
  }

  @Test func everyReaderOfAFastReplayIsToldWhatItMissed() throws {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: true))
    #expect(daemon.isUp())
    let watchers = try (0..<8).map { _ in try SlowWatcher(daemon.folder + "/socket") }
    // They read nothing for so long that every buffer between is full, and then slowly.
    #expect(holds(within: 60) { daemon.windows > 500 })
    for _ in 0..<40 {
      for watcher in watchers { watcher.read(atMost: 4096) }
      usleep(20_000)
    }
    #expect(try #require(daemon.stop()).code == 0)
    for watcher in watchers {
      watcher.readToEnd()
      let (numbers, dropped) = watcher.messages()
      let first = try #require(numbers.first)
      let last = try #require(numbers.last)
      // What came and what was said to be lost before each message: all of them, each once.
      #expect(
        numbers.count + dropped == last - first + 1, "\(numbers.count) + \(dropped) of \(last - first + 1)")
      #expect(dropped > 0, "nothing was lost, so nothing was tried")
    }
  }
}

/// Takes what comes through a pipe until its end.
final class Drain: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)
  private var data = Data()
  init(_ pipe: Pipe) {
    try? pipe.fileHandleForWriting.close()
    let file = pipe.fileHandleForReading
    Foundation.Thread.detachNewThread { [self] in
      while case let some = file.availableData, !some.isEmpty { data.append(some) }
      done.signal()
    }
  }
  /// What came, once the other side is closed; at most 10 s.
  var text: String {
    _ = done.wait(timeout: .now() + 10)
    done.signal()
    return String(decoding: data, as: UTF8.self)
  }
}

/// A client, of `Watch` unless told otherwise, that reads when it is told to.
final class SlowWatcher {
  private let socket: Int32
  private var bytes = Data()

  init(_ path: String, _ calls: String = #"{"method":"io.mmexit.Daemon.Watch","more":true}"# + "\0") throws {
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
    var size: Int32 = 4096
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, 4)
    let bytes = Array(calls.utf8)
    _ = send(socket, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
  }
  deinit { close(socket) }

  func read(atMost count: Int) {
    var buffer = [UInt8](repeating: 0, count: count)
    let got = recv(socket, &buffer, count, Int32(MSG_DONTWAIT))
    if got > 0 { bytes.append(contentsOf: buffer[..<got]) }
  }

  func readToEnd() {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let got = recv(socket, &buffer, buffer.count, 0), got > 0 {
      bytes.append(contentsOf: buffer[..<got])
    }
  }

  /// Numbers of the whole messages that came, and the sum of what they say was dropped since the first.
  func messages() -> (numbers: [Int], dropped: Int) {
    var numbers: [Int] = []
    var dropped = 0
    for line in bytes.split(separator: 0, omittingEmptySubsequences: true) {
      guard let message = (try? JSONSerialization.jsonObject(with: line)) as? [String: Any],
        let parameters = message["parameters"] as? [String: Any],
        let number = (parameters["decision"] as? [String: Any])?["number"] as? Int
      else { continue }
      if !numbers.isEmpty { dropped += parameters["dropped"] as? Int ?? 0 }
      numbers.append(number)
    }
    return (numbers, dropped)
  }
}
