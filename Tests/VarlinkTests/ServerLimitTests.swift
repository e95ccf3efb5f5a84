import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

@Suite struct ServerLimitTests {
  private func limits(clients: Int = 4, refusals: Int = 2) -> VarlinkLimits {
    var limits = VarlinkLimits()
    limits.clients = clients
    limits.refusals = refusals
    limits.messageBytes = 1000
    return limits
  }

  @Test(arguments: [true, false]) func aMessageTooLongIsRefusedAndTheConnectionClosed(_ ended: Bool) throws {
    var bench = try Bench(limits: limits())
    let peer = try bench.connect()
    peer.send(echo("before"))
    let long = Array(echo(String(repeating: "x", count: 1000)).utf8)
    peer.send(long + (ended ? [0] : []) + Array(echo("after").utf8) + [0])
    try bench.serve()
    let replies = try peer.receive()
    #expect(
      replies == [
        echoed("before"),
        ["error": "io.mmexit.Connection.MessageTooLarge", "parameters": ["limit_bytes": 1000]],
      ])
    #expect(try peer.receive() == nil)
    let calls = bench.calls
    #expect(calls == ["Echo"])
  }

  @Test func whoIsToldWhyMayGoOnSendingUntilHeHasReadIt() throws {
    var bench = try Bench(limits: limits())
    let peer = try bench.connect()
    for _ in 0..<50 {
      // A careless client sends all of it before it reads.
      let sent = peer.send([UInt8](repeating: 65, count: 10_000))
      #expect(sent)
      try bench.serve()
    }
    #expect(try peer.errors() == ["io.mmexit.Connection.MessageTooLarge"])
    bench.now = bench.now + .seconds(3)
    try bench.serve()
    let clients = bench.server.clients
    #expect(clients == 0)
  }

  @Test(arguments: [
    "not json", "", "3", "[]", "{\"method\":\"a\",\"method\":\"b\"}", "\u{1}", "{\"a\":", "nul",
  ])
  func whatIsNoObjectIsRefused(_ text: String) throws {
    var bench = try Bench(limits: limits())
    let peer = try bench.connect()
    peer.send(text)
    try bench.serve()
    #expect(try peer.errors() == ["io.mmexit.Connection.InvalidMessage"])
    #expect(try peer.receive() == nil)
  }

  @Test func anObjectWithoutAMethodIsAnInvalidParameter() throws {
    var bench = try Bench(limits: limits())
    let peer = try bench.connect()
    peer.send("{}")
    try bench.serve()
    #expect(try peer.errors() == ["org.varlink.service.InvalidParameter"])
  }

  @Test func nestingIsBounded() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(String(repeating: "[", count: 60_000))
    try bench.serve()
    #expect(try peer.errors() == ["io.mmexit.Connection.InvalidMessage"])
  }

  @Test func halfAMessageForTooLongIsRefused() throws {
    var bench = try Bench(limits: limits())
    let slow = try bench.connect()
    let idle = try bench.connect()
    try bench.serve()
    let before = bench.server.nextDeadline
    #expect(before == nil)
    slow.send(Array("{\"method\":".utf8))
    try bench.serve()
    // A byte now and then does not help: the time runs from the first.
    for _ in 0..<9 {
      bench.now = bench.now + .seconds(1)
      slow.send([32])
      try bench.serve()
    }
    #expect(try slow.receive() == [])
    let deadline = bench.server.nextDeadline
    #expect(deadline != nil)
    bench.now = bench.now + .milliseconds(1001)
    try bench.serve()
    #expect(
      try slow.receive() == [
        ["error": "io.mmexit.Connection.MessageTimeout", "parameters": ["limit_ms": 10_000]]
      ])
    #expect(try slow.receive() == nil)
    #expect(try idle.receive() == [])
    // It does not close by itself: it is closed.
    let lingering = bench.server.clients
    #expect(lingering == 2)
    bench.now = bench.now + .seconds(3)
    try bench.serve()
    let (clients, after) = (bench.server.clients, bench.server.nextDeadline)
    #expect(clients == 1)
    #expect(after == nil)
  }

  @Test func clientsBeyondTheLimitAreToldAndClosed() throws {
    var bench = try Bench(limits: limits(clients: 4, refusals: 2))
    let peers = try (0..<8).map { _ in try bench.connect() }
    for peer in peers { peer.send(echo("hello")) }
    try bench.serve()
    for peer in peers[..<4] { #expect(try peer.receive() == [echoed("hello")]) }
    for peer in peers[4..<6] {
      #expect(
        try peer.receive() == [
          ["error": "io.mmexit.Connection.TooManyClients", "parameters": ["limit": 4]]
        ])
    }
    for peer in peers[6...] { #expect(try peer.receive() == nil) }
    let refused = bench.server.refused
    #expect(refused == 4)
    bench.now = bench.now + .seconds(3)
    try bench.serve()
    bench.now = bench.now + .seconds(3)
    try bench.serve()
    let clients = bench.server.clients
    #expect(clients == 4)
  }

  @Test func placesOfThoseWhoLeaveAreTakenAgain() throws {
    var bench = try Bench(limits: limits(clients: 4))
    for round in 0..<20 {
      let peers = try (0..<4).map { _ in try bench.connect() }
      for peer in peers { peer.send(echo("\(round)")) }
      try bench.serve()
      for peer in peers { #expect(try peer.receive() == [echoed("\(round)")]) }
      withExtendedLifetime(peers) {}
      // Those who left are gone once the kernel says so: a process that another test starts at this moment has their
      // sockets too until its exec.
      var tries = 0
      while bench.server.clients > 0, tries < 2_000 {
        try bench.serve()
        usleep(1_000)
        tries += 1
      }
    }
    try bench.serve()
    let (clients, refused) = (bench.server.clients, bench.server.refused)
    #expect(clients == 0)
    #expect(refused == 0)
  }

  @Test func manyClientsAtATime() throws {
    var bench = try Bench()
    let peers = try (0..<400).map { index in
      // The kernel's queue of those who wait is short.
      if index % 100 == 99 { try bench.serve() }
      return try bench.connect()
    }
    for (index, peer) in peers.enumerated() { peer.send(echo("\(index)")) }
    for _ in 0..<4 { try bench.serve() }
    for (index, peer) in peers.enumerated() { #expect(try peer.receive() == [echoed("\(index)")]) }
    let clients = bench.server.clients
    #expect(clients == 400)
  }

  @Test func randomBytesNeverTrap() throws {
    var bench = try Bench(limits: limits())
    var state: UInt64 = 88
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let seed =
      Array(#"{"method":"io.mmexit.Test.Echo","parameters":{"text":"é","times":3},"more":true}"#.utf8) + [0]
    for _ in 0..<400 {
      let peer = try bench.connect()
      var bytes = seed + seed
      for _ in 0...(next() % 4) { bytes[Int(next()) % bytes.count] = UInt8(truncatingIfNeeded: next()) }
      peer.send(bytes)
      try bench.server.serve(at: bench.now, Bench.answer)
      _ = try? peer.receive()
    }
    let peer = try bench.connect()
    for _ in 0..<10 {
      bench.now = bench.now + .seconds(5)
      try bench.serve()
    }
    peer.send(echo("alive"))
    try bench.serve()
    #expect(try peer.receive() == [echoed("alive")])
  }
}
