import JSON
import Linux
import ScriptedScenes
import Testing
import Varlink
import Vocabulary

@testable import Daemon
@testable import Pipeline

/// The control thread's loop, with a client on its socket and decisions put into its ring by hand.
@Suite struct ControlPlaneTests {
  /// Numbers that never reached the ring are told before the next that did: of decisions, and of events.
  @Test(arguments: [false, true]) func whatIsMissingOnTheWayHereIsToldToThoseWhoWatch(events: Bool) throws {
    let files = try GenerationFiles()
    let generation = try files.generation()
    let watch = try WatchRing()
    let status = PipelineStatusBoard(sensors: 2, order: [0, 1], start: .zero)
    let journal = Journal(queue: OutputQueue(capacity: 4096, bell: try Bell()))
    let ledger = LedgerStatusBoard(path: "")
    let facts = DaemonFacts(
      start: generation, status: status, order: OrderBoard(), ledger: ledger,
      metrics: MetricsSource(
        start: generation, status: status, ledger: ledger, board: MetricsBoard(), journal: journal),
      watch: watch, journal: journal,
      beats: Heartbeats(), commands: try CommandChannel(), nudge: {}, ping: {})
    var control = try ControlPlane(facts: facts, signals: try SignalDescriptor())
    var client = try Client(
      connectingTo: generation.configuration.general.socket, timeout: .seconds(10))
    try client.send("io.mmexit.Daemon.Watch", events ? ["events": true] : [:], flag: "more")
    func put(_ number: UInt64) {
      let object = Array(#"{"number":\#(number)}"#.utf8)
      #expect(object.withUnsafeBytes { watch.put(events ? WatchRing.eventFlag | number : number, $0) })
    }
    // Turn by turn: the client is taken in first.
    var turn = 0
    try control.run(
      until: {
        turn += 1
        if turn == 6 { put(1) }
        if turn == 7 { put(2) }
        if turn == 8 { put(7) }
        watch.bell.ring()
        return turn > 12
      }, onStop: {})
    var told: [(number: Int64, dropped: Int64)] = []
    for _ in 0..<3 {
      let parameters = try client.receive().parameters
      let place = JSONPlace(.object(parameters))
      let number = try place.member(events ? "event" : "decision").member("number").integer()
      told.append((number, try place.optional("dropped")?.integer() ?? 0))
    }
    #expect(told.map(\.number) == [1, 2, 7])
    #expect(told.map(\.dropped) == [0, 0, 4])
  }
}
