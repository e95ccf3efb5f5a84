import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

@Suite struct ServerTests {
  @Test func describesItself() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(#"{"method":"org.varlink.service.GetInfo"}"#)
    peer.send(
      #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.mmexit.Test"}}"#
    )
    try bench.serve()
    let replies = try peer.receive()
    #expect(
      replies == [
        [
          "parameters": [
            "vendor": "mmexit", "product": "test", "version": "0.1", "url": "https://example.org",
            "interfaces": ["org.varlink.service", "io.mmexit.Connection", "io.mmexit.Test"],
          ]
        ], ["parameters": ["description": .string(testInterface.text)]],
      ])
  }

  @Test(
    arguments: [
      (
        "org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"a.b\"},\"x\":\"",
        "org.varlink.service.InterfaceNotFound", ["interface": "a.b"]
      ),
      (
        "org.varlink.service.GetInterfaceDescription", "org.varlink.service.InvalidParameter",
        ["parameter": "interface"]
      ),
      ("nobody.here.Method", "org.varlink.service.InterfaceNotFound", ["interface": "nobody.here"]),
      ("io.mmexit.Test.Nothing", "org.varlink.service.MethodNotFound", ["method": "io.mmexit.Test.Nothing"]),
      (
        "io.mmexit.Test.Later", "org.varlink.service.MethodNotImplemented",
        ["method": "io.mmexit.Test.Later"]
      ),
      ("io.mmexit.Test.Echo", "org.varlink.service.InvalidParameter", ["parameter": "text"]),
      ("io.mmexit.Test.Watch", "org.varlink.service.ExpectedMore", [:]),
      ("nodot", "org.varlink.service.InterfaceNotFound", ["interface": ""]),
      (
        "io.mmexit.Test.Who\",\"upgrade\":true,\"x\":\"", "org.varlink.service.InvalidParameter",
        ["parameter": "upgrade"]
      ),
      (
        "io.mmexit.Test.Who\",\"more\":3,\"x\":\"", "org.varlink.service.InvalidParameter",
        ["parameter": "more"]
      ),
      (
        "io.mmexit.Test.Who\",\"parameters\":[],\"x\":\"", "org.varlink.service.InvalidParameter",
        ["parameter": "parameters"]
      ),
    ] as [(String, String, JSONObject)])
  func errorsAreNamedAndTheConnectionStays(_ method: String, _ name: String, _ parameters: JSONObject) throws
  {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(#"{"method":"\#(method)"}"#)
    peer.send(echo("still here"))
    try bench.serve()
    #expect(
      try peer.receive() == [
        ["error": .string(name), "parameters": .object(parameters)], echoed("still here"),
      ])
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send((0..<500).flatMap { Array(echo("\($0)").utf8) + [0] })
    try bench.serve()
    #expect(try peer.receive() == (0..<500).map { echoed("\($0)") })
  }

  @Test func aClientThatPipelinesAndDoesNotReadWaitsAndLosesNothing() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    // Each answer is 50 kB; together far beyond what a socket and the queue take.
    for index in 0..<200 { peer.send(echo("\(index % 10)", times: 50_000)) }
    try bench.serve()
    let taken = bench.calls.count
    #expect(taken < 20)
    var answers: [JSONObject] = []
    while answers.count < 200 {
      let more = try peer.receive() ?? []
      try #require(!more.isEmpty || answers.count == 0 || answers.count < 200)
      answers += more
      try bench.serve()
    }
    #expect(answers == (0..<200).map { echoed(String(repeating: "\($0 % 10)", count: 50_000)) })
  }

  @Test func aMessageMayComeByteByByte() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    for byte in Array(echo("slow").utf8) + [0] {
      peer.send([byte])
      try bench.server.serve(at: bench.now, Bench.answer)
    }
    #expect(try peer.receive() == [echoed("slow")])
  }

  @Test func onewayCallsAreDoneAndNotAnswered() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(#"{"method":"io.mmexit.Test.Who","oneway":true}"#)
    peer.send(#"{"method":"io.mmexit.Test.Nothing","oneway":true}"#)
    peer.send(#"{"method":"io.mmexit.Test.Watch","oneway":true,"more":true}"#)
    peer.send(echo("answered"))
    try bench.serve()
    #expect(try peer.receive() == [echoed("answered")])
    let calls = bench.calls
    #expect(calls == ["Who", "Watch", "Echo"])
    let listens = bench.server.hasSubscribers(0)
    #expect(!listens)
  }

  @Test func aCallOfOneWhoHasGoneIsStillDone() throws {
    var bench = try Bench()
    do {
      let peer = try bench.connect()
      peer.send(#"{"method":"io.mmexit.Test.Who","oneway":true}"#)
    }
    try bench.serve()
    let (calls, clients) = (bench.calls, bench.server.clients)
    #expect(calls == ["Who"])
    #expect(clients == 0)
  }

  @Test func whoOnlyStopsSendingStillGetsItsAnswers() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(echo("last"))
    peer.endSending()
    try bench.serve()
    #expect(try peer.receive() == [echoed("last")])
    #expect(try peer.receive() == nil)
    let clients = bench.server.clients
    #expect(clients == 0)
  }

  @Test func thePeerIsKnown() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(#"{"method":"io.mmexit.Test.Who"}"#)
    try bench.serve()
    #expect(try peer.receive() == [["parameters": ["user": .integer(Int64(getuid()))]]])
  }

  @Test func anAnswerTooLongBecomesAnErrorAndTheConnectionStays() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(echo("x", times: 300_000))
    // An error that repeats what was sent, six bytes for each of a control character.
    peer.send(#"{"method":"a.\#(String(repeating: #"\u0001"#, count: 10_000)).B"}"#)
    peer.send(echo("y"))
    try bench.serve()
    let replies = try peer.receive() ?? []
    try #require(replies.count == 3)
    #expect(replies[0]["error"] == "io.mmexit.Connection.ReplyTooLarge")
    #expect(replies[1]["error"] == "org.varlink.service.InterfaceNotFound")
    #expect(replies[2] == echoed("y"))
  }

  /// 80 bytes that once ended the daemon: two keys that only look the same.
  @Test func keysThatOnlyLookTheSameAreAnswered() throws {
    var bench = try Bench()
    let peer = try bench.connect()
    peer.send(
      "{\"method\":\"io.mmexit.Test.Echo\",\"parameters\":{\"text\":\"a\",\"\u{e9}\":1,\"e\u{301}\":2}}")
    peer.send(
      "{\"method\":\"io.mmexit.Test.Echo\",\"\u{e9}\":1,\"e\u{301}\":2,\"parameters\":{\"text\":\"b\"}}")
    peer.send(echo("c"))
    try bench.serve()
    #expect(try peer.receive() == [echoed("a"), echoed("b"), echoed("c")])
  }
}
