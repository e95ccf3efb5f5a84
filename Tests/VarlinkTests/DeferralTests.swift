import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

/// Answers that come later, and accounts that are kept by connection.
@Suite struct DeferralTests {
  private let later = #"{"method":"io.mmexit.Test.Later"}"#

  /// Serves; `Later` is put off, and its caller given back.
  private func serve(_ bench: inout Bench) throws -> [ConnectionID] {
    var waiting: [ConnectionID] = []
    for _ in 0..<20 {
      try bench.server.serve(at: bench.now) { call in
        guard call.member == "Later" else { return Bench.answer(call) }
        waiting.append(call.connection)
        return .deferred
      }
    }
    return waiting
  }

  private func reply(_ bench: inout Bench, _ client: ConnectionID) {
    bench.server.reply(to: client, .empty, at: bench.now) { Bench.answer($0) }
  }

  @Test func laterRequestsWaitForTheAnswerThatIsOwed() throws {
    var bench = try Bench()
    let (peer, other) = (try bench.connect(), try bench.connect())
    peer.send(later)
    peer.send(echo("behind"))
    other.send(echo("other"))
    let waiting = try serve(&bench)
    #expect(waiting.count == 1)
    #expect(try peer.receive() == [])
    #expect(try other.receive() == [echoed("other")])
    reply(&bench, waiting[0])
    #expect(try peer.receive() == [["parameters": [:]], echoed("behind")])
    // It is owed no second answer.
    reply(&bench, waiting[0])
    #expect(try peer.receive() == [])
    peer.send(echo("again"))
    _ = try serve(&bench)
    #expect(try peer.receive() == [echoed("again")])
  }

  @Test func oneWhoOnlyStopsSendingStillGetsItsAnswer() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(later)
    peer.endSending()
    let waiting = try serve(&bench)
    #expect(bench.server.clients == 1)
    reply(&bench, waiting[0])
    #expect(try peer.receive() == [["parameters": [:]]])
    _ = try serve(&bench)
    #expect(try peer.receive() == nil)
    #expect(bench.server.clients == 0)
  }

  @Test func aOnewayCallIsNotAnswered() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(#"{"method":"io.mmexit.Test.Later","oneway":true}"#)
    peer.send(echo("behind"))
    let waiting = try serve(&bench)
    reply(&bench, waiting[0])
    #expect(try peer.receive() == [echoed("behind")])
  }

  @Test(arguments: [false, true])
  func theEndOfAConnectionIsToldAndItsAnswerGoesToNobodyElse(isAnswered: Bool) throws {
    var bench = try Bench()
    var peer: Peer? = try bench.connect()
    peer?.send(later)
    let client = try #require(try serve(&bench).first)
    let isThere = bench.server.tellClosing(of: client)
    #expect(isThere)
    if isAnswered { reply(&bench, client) }
    var closed = bench.server.takeClosed()
    #expect(closed == nil)
    peer = nil
    #expect(try serve(&bench).isEmpty)
    #expect(bench.server.clients == 0)
    closed = bench.server.takeClosed()
    #expect(closed == client)
    closed = bench.server.takeClosed()
    #expect(closed == nil)
    // The next client gets the same place, and nothing that was meant for the former.
    let next = try bench.connect()
    next.send(later)
    #expect(try serve(&bench).count == 1)
    reply(&bench, client)
    #expect(try next.receive() == [])
    let isStillThere = bench.server.tellClosing(of: client)
    #expect(!isStillThere)
  }
}
