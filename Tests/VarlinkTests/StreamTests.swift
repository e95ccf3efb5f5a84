import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

@Suite struct StreamTests {
  @Test func subscribersGetEverythingInOrder() throws {
    var bench = try Bench()
    bench.publish(0)
    let peers = try (0..<3).map { _ in try bench.connect() }
    for peer in peers { peer.send(watch) }
    try bench.serve()
    for number in 1...100 { bench.publish(number) }
    for peer in peers {
      let messages = try peer.receive()
      #expect(messages?.first == ["parameters": ["number": -1], "continues": true])
      #expect(messages?.last == ["parameters": ["number": 100], "continues": true])
      let (numbers, dropped) = stream(messages)
      // What was published before is not for those who came later.
      #expect(numbers == [-1] + (1...100).map(Int64.init))
      #expect(dropped == 0)
    }
  }

  @Test func aSlowSubscriberLosesTheOldestAndIsToldHowManyAndNobodyElseIsTouched() throws {
    var limits = VarlinkLimits()
    limits.streamMessages = 8
    var bench = try Bench(limits: limits)
    let slow = try bench.connect()
    let quick = try bench.connect()
    slow.send(watch)
    quick.send(watch)
    try bench.serve()
    var seen: [Int64] = []
    for number in 1...300 {
      bench.publish(number, padding: 8000)
      seen += stream(try quick.receive()).numbers
      try bench.serve()
    }
    #expect(seen == [-1] + (1...300).map(Int64.init))
    // The slow one reads at last, and keeps up from then on.
    var messages: [JSONObject] = []
    for _ in 0..<20 {
      messages += try slow.receive() ?? []
      try bench.serve()
    }
    let (numbers, dropped) = stream(messages)
    #expect(numbers == numbers.sorted())
    #expect(numbers.suffix(8) == (293...300).map(Int64.init))
    #expect(dropped > 100)
    // Every one is either there or counted, and the count stands in the message behind the hole.
    #expect(Int64(numbers.count - 1) + dropped == 300)
    var expected: Int64 = 1
    for message in messages.dropFirst() {
      guard case .object(let parameters)? = message["parameters"],
        case .integer(let number)? = parameters["number"]
      else { continue }
      if case .integer(let lost)? = parameters["dropped"] { expected += lost }
      #expect(number == expected)
      expected = number + 1
    }
    let counted = bench.server.dropped
    #expect(counted == UInt64(dropped))
    bench.publish(301)
    #expect(stream(try slow.receive()).numbers == [301])
  }

  @Test func oneWhoLeavesInMidStreamIsForgotten() throws {
    var bench = try Bench()
    let stays = try bench.connect()
    stays.send(watch)
    do {
      let leaves = try bench.connect()
      leaves.send(watch)
      try bench.serve()
      bench.publish(1)
    }
    // Both orders: the server learns it from the send, or from the kernel's event.
    bench.publish(2)
    try bench.serve()
    bench.publish(3)
    #expect(stream(try stays.receive()).numbers == [-1, 1, 2, 3])
    let clients = bench.server.clients
    #expect(clients == 1)
  }

  @Test func allMayLeaveAtOnceInMidStream() throws {
    var bench = try Bench()
    do {
      let peers = try (0..<50).map { _ in try bench.connect() }
      for peer in peers { peer.send(watch) }
      try bench.serve()
      bench.publish(1)
      withExtendedLifetime(peers) {}
    }
    bench.publish(2)
    let (clients, listens) = (bench.server.clients, bench.server.hasSubscribers(0))
    #expect(clients == 0)
    #expect(!listens)
  }

  @Test func furtherRequestsWaitForTheStreamAndCostNoMemory() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(watch)
    peer.send(echo("later"))
    try bench.serve()
    bench.publish(1)
    for _ in 0..<1000 { peer.send([UInt8](repeating: 65, count: 1000)) }
    try bench.serve()
    bench.publish(2)
    let messages = try peer.receive()
    #expect(stream(messages).numbers == [-1, 1, 2])
    #expect(messages?.count == 3)
    let calls = bench.calls
    #expect(calls == ["Watch"])
  }

  @Test func oneWhoOnlyStopsSendingKeepsItsStream() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(watch)
    peer.endSending()
    try bench.serve()
    bench.publish(1)
    try bench.serve()
    bench.publish(2)
    #expect(stream(try peer.receive()).numbers == [-1, 1, 2])
  }

  @Test func aMessageTooLongGoesToNobody() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(watch)
    try bench.serve()
    let went = bench.server.publish(0, at: bench.now) { json in
      json.key("text")
      json.value(String(repeating: "x", count: 300_000))
    }
    #expect(!went)
    bench.publish(1)
    #expect(stream(try peer.receive()).numbers == [-1, 1])
  }

  @Test func droppedStandsBesideNoOtherMemberToo() throws {
    let bench = try Bench()
    let connection = Connection(
      try UnixSocket.connect(to: bench.socket.path), PeerCredentials(process: 0, user: 0, group: 0), token: 0)
    for message in [#"{"parameters":{},"continues":true}"#, #"{"parameters":{"a":1},"continues":true}"#] {
      Array(message.utf8).withUnsafeBytes { connection.queue($0, dropped: 7) }
    }
    #expect(
      String(decoding: connection.output, as: UTF8.self)
        == #"{"parameters":{"dropped":7},"continues":true}{"parameters":{"dropped":7,"a":1},"continues":true}"#
    )
  }
}
