import Foundation
import Testing

/// What signals do to the running daemon.
@Suite struct SignalTests {
  @Test(arguments: [SIGTERM, SIGINT])
  func itEndsInOrder(_ signal: Int32) throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 2 })
    let stop = try #require(daemon.stop(signal), "it had to be killed")
    #expect(stop.code == 0 && stop.seconds < 5)
    let last = try #require(daemon.ledger().last)
    #expect(last["type"] as? String == "stop" && last["reason"] as? String == "signal")
    #expect(daemon.audit().code == 0)
    #expect(!FileManager.default.fileExists(atPath: daemon.folder + "/socket"))
    #expect(daemon.world.microphoneOpens == daemon.world.microphoneCloses)
  }

  @Test func aHangUpEndsNoService() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 2 })
    for _ in 0..<3 { daemon.run.send(SIGHUP) }
    let before = daemon.windows
    #expect(holds(within: 60) { daemon.windows > before + 4 })
    #expect(daemon.run.error.contains("reload (SIGHUP): generation 2"), "\(daemon.run.error)")
    #expect(daemon.stop()?.code == 0)
  }

  @Test func anEndIsHeardWhileALedgerOpens() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 2 })
    // Killed, so that the start has to look through its segment.
    daemon.run.kill()
    _ = daemon.run.wait(5)
    daemon.world.readMilliseconds = 20_000
    daemon.startAgain()
    usleep(800_000)
    let stop = try #require(daemon.stop(), "it had to be killed")
    #expect(stop.seconds < 5)
  }

  @Test func aSecondSignalChangesNothing() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 2 })
    daemon.run.send(SIGTERM)
    let stop = try #require(daemon.stop(SIGINT))
    #expect(stop.code == 0 && stop.seconds < 5)
    #expect(daemon.records("stop").count == 1)
  }
}
