import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

/// What clients cost the daemon, however they behave.
@Suite struct MemoryTests {
  /// Requests whose answers the client does not read: more than the kernel keeps for it and the server lets wait.
  private func pipeline(_ peer: Peer, _ bench: inout Bench) throws {
    let request = Array(echo("0123456789", times: 1000).utf8) + [0]
    for _ in 0..<40 { peer.send(request) }
    try bench.server.serve(at: bench.now, Bench.answer)
  }

  @Test func whoeverHoldsMostIsToldAndClosedAndNobodyElseIsTouched() throws {
    var limits = VarlinkLimits()
    limits.clientBytes = 400 << 10
    var bench = try Bench(limits: limits)
    let honest = try bench.connect()
    let subscriber = try bench.connect()
    subscriber.send(watch)
    var greedy: [Peer] = []
    var most = 0
    for number in 0..<20 {
      let peer = try bench.connect()
      try bench.serve()
      try pipeline(peer, &bench)
      greedy.append(peer)
      for _ in 0..<4 { try bench.server.serve(at: bench.now, Bench.answer) }
      most = max(most, bench.server.heldBytes)
      honest.send(echo("\(number)"))
      bench.publish(number)
      try bench.server.serve(at: bench.now, Bench.answer)
      #expect(try honest.receive() == [echoed("\(number)")])
    }
    let (evicted, clients) = (bench.server.evicted, bench.server.clients)
    #expect(most <= limits.clientBytes)
    #expect(evicted > 10 && evicted < 20)
    #expect(clients == 22)
    #expect(stream(try subscriber.receive()).numbers == [-1] + (0..<20).map(Int64.init))
    // They get what was begun, and then why it was all.
    var told = 0
    for peer in greedy {
      var errors: [String] = []
      for _ in 0..<200 {
        guard let replies = try peer.receive() else { break }
        errors += replies.compactMap { if case .string(let name)? = $0["error"] { name } else { nil } }
        try bench.server.serve(at: bench.now, Bench.answer)
      }
      if errors == ["io.mmexit.Connection.TooMuchWaiting"] { told += 1 } else { #expect(errors == []) }
    }
    #expect(told == evicted)
    for _ in 0..<3 {
      bench.now = bench.now + .seconds(3)
      try bench.serve()
    }
    let held = bench.server.heldBytes
    #expect(held == 0)
  }

  @Test func requestsThatAreNotWholeCountToo() throws {
    var limits = VarlinkLimits()
    limits.clientBytes = 200 << 10
    var bench = try Bench(limits: limits)
    let peers = try (0..<8).map { _ in try bench.connect() }
    for peer in peers {
      peer.send([UInt8](repeating: 32, count: 60_000))
      try bench.serve()
      let held = bench.server.heldBytes
      #expect(held <= limits.clientBytes)
    }
    let evicted = bench.server.evicted
    #expect(evicted >= 4)
    // The last one is as good as the first: it may end its request.
    peers[7].send(echo("whole"))
    try bench.serve()
    #expect(try peers[7].receive() == [echoed("whole")])
  }

  /// 1,000 clients that pipeline and read nothing took 76 MB. ProcessTests looks at a daemon's resident memory.
  @Test func aThousandWhoNeverReadTakeABoundedPart() throws {
    raiseOpenFileLimit(to: 4096)
    var bench = try Bench()
    var peers: [Peer] = []
    for _ in 0..<1000 {
      peers.append(try bench.connect())
      try bench.server.serve(at: bench.now, Bench.answer)
    }
    let clients = bench.server.clients
    try #require(clients == 1000)
    for peer in peers { try pipeline(peer, &bench) }
    for _ in 0..<40 { try bench.server.serve(at: bench.now, Bench.answer) }
    let (held, evicted) = (bench.server.heldBytes, bench.server.evicted)
    #expect(held <= VarlinkLimits().clientBytes)
    #expect(evicted > 900)
    let late = try bench.connect()
    try bench.serve()
    bench.now = bench.now + .seconds(3)
    try bench.serve()
    late.send(echo("still here"))
    try bench.serve()
    _ = try late.receive()
    withExtendedLifetime(peers) {}
  }

  @Test func aFewPlacesAreLeftForOtherUsers() throws {
    var limits = VarlinkLimits()
    limits.clients = 16
    limits.refusals = 2
    var bench = try Bench(limits: limits)
    let peers = try (0..<18).map { _ in try bench.connect() }
    for peer in peers { peer.send(echo("hello")) }
    try bench.serve()
    for peer in peers[..<14] { #expect(try peer.receive() == [echoed("hello")]) }
    for peer in peers[14..<16] {
      #expect(
        try peer.receive() == [
          ["error": "io.mmexit.Connection.TooManyClients", "parameters": ["limit": 14]]
        ])
    }
    for peer in peers[16...] { #expect(try peer.receive() == nil) }
    let refused = bench.server.refused
    #expect(refused == 4)
  }

  /// The kernel's event for a connection that is gone is not taken for one of the next in its place.
  @Test func anEventOfAClosedConnectionDoesNotReachTheNextInItsPlace() throws {
    var bench = try Bench()
    let known = Self.sockets()
    var former: Peer? = try bench.connect()
    try bench.serve()
    let ours = former?.descriptor.number ?? -1
    let theirs = Self.sockets().subtracting(known).subtracting([ours])
    // Another name for the server's end keeps its events coming after the server has closed it.
    let copies = theirs.map { dup($0) }
    defer { for copy in copies { close(copy) } }
    former = nil
    try bench.serve()
    let none = bench.server.clients
    #expect(none == 0)
    let next = try bench.connect()
    next.send(watch)
    try bench.serve()
    bench.publish(1)
    try bench.serve()
    #expect(stream(try next.receive()).numbers == [-1, 1])
    let (clients, listens) = (bench.server.clients, bench.server.hasSubscribers(0))
    #expect(clients == 1 && listens)
  }

  /// Open sockets of this process.
  private static func sockets() -> Set<Int32> {
    Set(
      (0..<4096 as Range<Int32>).filter { number in
        var status = stat()
        return fstat(number, &status) == 0 && status.st_mode & UInt32(S_IFMT) == UInt32(S_IFSOCK)
      })
  }
}
