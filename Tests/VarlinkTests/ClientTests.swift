import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

/// A server on a thread of its own, as the daemon's control thread runs it, until the value goes.
final class RunningServer {
  let socket = SocketPath()
  private let thread: BlockingThread
  private let bell: (Int32, Int32)

  typealias Message = @Sendable (inout JSONWriter, Int) -> Void

  /// Publishes message 1, 2, 3, ... every few milliseconds while somebody listens.
  init(
    interface: InterfaceDescription = testInterface,
    answer: @escaping @Sendable (Call) -> Reply = Bench.answer,
    message: @escaping Message = { json, number in
      json.key("number")
      json.value(number)
    }
  ) {
    var pair: [Int32] = [0, 0]
    pipe(&pair)
    let (wait, ring) = (pair[0], pair[1])
    bell = (wait, ring)
    let path = socket.path
    let ready = Gate()
    thread = BlockingThread {
      do {
        let server = try Server(
          UnixListener.listen(at: path), information, interfaces: [interface], topics: 1)
        ready.set()
        try RunningServer.run(server, answer, message, until: wait)
      } catch {
        ready.set()
        Issue.record("\(error)")
      }
    }
    ready.wait()
  }

  deinit {
    write(bell.1, "x", 1)
    thread.join()
    close(bell.0)
    close(bell.1)
  }

  private static func run(
    _ server: consuming Server, _ answer: (Call) -> Reply, _ message: Message, until bell: Int32
  ) throws {
    var poll = try EventPoll()
    try poll.add(server.number, .reading, token: 1)
    try poll.add(bell, .reading, token: 2)
    var number = 0
    while true {
      let count = try poll.wait(timeout: server.hasSubscribers(0) ? .milliseconds(2) : nil)
      let now = Instant(sinceBoot: bootTimeNanoseconds())
      for index in 0..<count where poll[index].token == 2 { return }
      try server.serve(at: now, answer)
      if server.hasSubscribers(0) {
        number += 1
        server.publish(0, at: now) { json in message(&json, number) }
      }
    }
  }
}

/// Set once by one thread, waited for by another: a pipe.
final class Gate: Sendable {
  private let ends: (Int32, Int32)

  init() {
    var pair: [Int32] = [0, 0]
    pipe(&pair)
    ends = (pair[0], pair[1])
  }
  deinit {
    close(ends.0)
    close(ends.1)
  }
  func set() { _ = write(ends.1, "x", 1) }
  func wait() {
    var byte: UInt8 = 0
    _ = read(ends.0, &byte, 1)
  }
}

@Suite struct ClientTests {
  @Test func callsAreAnswered() throws {
    let running = RunningServer()
    var client = try Client(connectingTo: running.socket.path, timeout: .seconds(20))
    for index in 0..<100 {
      let text = JSONValue.string("\(index) é \n")
      #expect(try client.call("io.mmexit.Test.Echo", ["text": text]) == ["text": text])
    }
    #expect(try client.call("io.mmexit.Test.Echo", ["text": "a", "times": 3]) == ["text": "aaa"])
    // Longer than one read.
    let long = try client.call("io.mmexit.Test.Echo", ["text": "b", "times": 200_000])
    #expect(long["text"] == .string(String(repeating: "b", count: 200_000)))
  }

  @Test func errorsAreTyped() throws {
    let running = RunningServer()
    var client = try Client(connectingTo: running.socket.path, timeout: .seconds(20))
    var found: ClientError?
    do {
      _ = try client.call("io.mmexit.Test.Echo")
    } catch {
      found = error
    }
    #expect(found == .call(.invalidParameter("text")))
    #expect(
      found?.description
        == #"the daemon answered: org.varlink.service.InvalidParameter {"parameter":"text"}"#)
    #expect(found?.exitCode == .unavailable)
    #expect(ClientError.call(.permissionDenied).exitCode == .noPermission)
  }

  @Test func aStreamIsReadUntilTheCallerHasEnough() throws {
    let running = RunningServer()
    var client = try Client(connectingTo: running.socket.path, timeout: .seconds(20))
    var numbers: [Int64] = []
    try client.callMore("io.mmexit.Test.Watch") { parameters in
      if case .integer(let number)? = parameters["number"] { numbers.append(number) }
      return numbers.count < 20
    }
    #expect(numbers == [-1] + (1...19).map(Int64.init))
  }

  @Test func onewayAndPipelinedCalls() throws {
    let running = RunningServer()
    var client = try Client(connectingTo: running.socket.path, timeout: .seconds(20))
    try client.callOneway("io.mmexit.Test.Who")
    try client.send("io.mmexit.Test.Echo", ["text": "1"])
    try client.send("io.mmexit.Test.Echo", ["text": "2"])
    #expect(try client.receive().parameters == ["text": "1"])
    #expect(try client.receive().parameters == ["text": "2"])
  }

  @Test func nobodyThereIsSaid() {
    var found: ClientError?
    do {
      _ = try Client(connectingTo: "/nowhere/socket")
    } catch {
      found = error
    }
    #expect(found == .connection(.nobodyThere(path: "/nowhere/socket")))
    #expect(found?.exitCode == .unavailable)
  }

  /// What a service that is none of ours may do, played by a thread that sends `bytes` and closes.
  private func failure(_ bytes: [UInt8]) throws -> ClientError? {
    let socket = SocketPath()
    let listener = try UnixListener.listen(at: socket.path)
    var client = try Client(connectingTo: socket.path, timeout: .milliseconds(300))
    do {
      var other = try listener.accept()
      if let descriptor = other.take() {
        _ = bytes.withUnsafeBytes { write(descriptor.number, $0.baseAddress, $0.count) }
        if bytes.isEmpty { usleep(400_000) }
      }
    }
    do {
      _ = try client.call("a.b.C")
    } catch {
      return error
    }
    return nil
  }

  @Test func whatIsNoAnswerIsSaid() throws {
    #expect(try failure(Array("{\"parameters\":{}".utf8)) == .closed)
    for text in ["nonsense", "[]", "{\"parameters\":3}", "{\"error\":3}", "{\"continues\":3}"] {
      guard case .malformed? = try failure(Array(text.utf8) + [0]) else {
        Issue.record("\(text) was taken for an answer")
        continue
      }
    }
    #expect(try failure(Array("{}".utf8) + [0]) == nil)
  }

  @Test func aServiceThatDoesNotAnswerIsNotWaitedForForEver() throws {
    let socket = SocketPath()
    let listener = try UnixListener.listen(at: socket.path)
    var client = try Client(connectingTo: socket.path, timeout: .milliseconds(50))
    var found: ClientError?
    do {
      _ = try client.call("a.b.C")
    } catch {
      found = error
    }
    #expect(found == .timedOut)
    let number = listener.number
    #expect(number >= 0)
  }
}
