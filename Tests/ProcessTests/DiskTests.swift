import Foundation
import Testing

/// Disks that are slow, full, or lie; a ledger's folder that goes away.
@Suite struct DiskTests {
  @Test func noDecisionWaitsForASlowDisk() throws {
    let daemon = try DaemonProcess(.live) { $1.syncMilliseconds = 3_000 }
    #expect(holds(within: 60) { daemon.windows > 2 })
    let seen = daemon.watch(seconds: 10).map(\.arrival)
    let pauses = zip(seen, seen.dropFirst()).map { $1.timeIntervalSince($0) }
    #expect(seen.count > 25)
    #expect(pauses.max() ?? 9 < 1, "a pause of \(pauses.max() ?? 9) s")
    let stop = try #require(daemon.stop(within: 8), "it had to be killed")
    #expect(stop.seconds < 5)
    daemon.world.syncMilliseconds = 0
    #expect(daemon.audit().code == 0)
  }

  @Test func aDiskThatDoesNotConfirmIsToldOf() throws {
    let daemon = try DaemonProcess(.live, changes: [:]) { $1.syncError = EIO }
    #expect(holds(within: 60) { daemon.run.error.contains("did not confirm") })
    daemon.world.syncError = 0
    #expect(holds(within: 60) { !daemon.records("gap").isEmpty })
    #expect(daemon.records("gap").first?["cause"] as? String == "notSynchronized")
    #expect(daemon.stop()?.code == 0)
    #expect(daemon.audit().code == 0)
  }

  @Test func aFullDiskStopsNoDecisionAndAStopThereIsNoCrash() throws {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: true))
    #expect(holds(within: 60) { !daemon.segments.isEmpty && daemon.records("decision").count > 20 })
    // Room for a record and a half.
    daemon.world.diskRoom = 2_500
    #expect(holds(within: 60) { daemon.run.error.contains("cannot be written") })
    #expect(holds(within: 60) { ((daemon.status()?["ledger"] as? [String: Any])?["shed"] as? Int ?? 0) > 0 })
    let before = daemon.windows
    #expect(holds(within: 60) { daemon.windows > before + 20 })
    let stop = try #require(daemon.stop(), "it had to be killed")
    #expect(stop.seconds < 5)
    #expect(stop.code == 74, "records were lost: that is no success")
    #expect(daemon.run.error.contains("lost"))
    #expect(!daemon.ledger().contains { $0["type"] as? String == "torn" }, "half a record was left")
    #expect(daemon.audit().code == 0)
    daemon.world.diskRoom = -1
    daemon.startAgain()
    #expect(holds(within: 60) { daemon.records("start").count == 2 })
    #expect(daemon.records("start").last?["after"] as? String == "stop", "a stop in order is no crash")
    #expect(daemon.stop()?.code == 0)
    #expect(daemon.audit().code == 0)
  }

  @Test func aFullDiskThatHasRoomAgainIsGoneOnWith() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.records("decision").count > 5 })
    daemon.world.diskRoom = 1_000
    #expect(holds(within: 60) { daemon.run.error.contains("cannot be written") })
    daemon.world.diskRoom = -1
    #expect(holds(within: 60) { daemon.run.error.contains("written again") })
    #expect(daemon.stop()?.code == 0)
    #expect(daemon.audit().code == 0)
    #expect(daemon.ledger().last?["type"] as? String == "stop")
  }

  @Test func aLedgerFolderThatIsRemovedIsMadeAgainAndToldOf() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.records("decision").count > 5 })
    try FileManager.default.removeItem(atPath: daemon.ledgerFolder)
    // Seen when something is written, and quiet windows are counted for up to two minutes before they are.
    #expect(holds(within: 180) { daemon.records("gap").contains { $0["cause"] as? String == "segmentGone" } })
    #expect(daemon.run.error.contains("removed or moved"))
    #expect(daemon.stop()?.code == 0)
    #expect(daemon.ledger().last?["type"] as? String == "stop")
  }

  @Test func twoDaemonsDoNotShareALedger() throws {
    let daemon = try DaemonProcess(.live)
    #expect(holds(within: 60) { daemon.windows > 1 })
    let second = daemon.second()
    #expect(second.wait(5) == 75)
    #expect(second.error.contains("\(daemon.run.identifier)"), "which process holds it: \(second.error)")
    let before = daemon.windows
    #expect(holds(within: 60) { daemon.windows > before + 2 })
    #expect(daemon.stop()?.code == 0)
    #expect(daemon.audit().code == 0)
  }

  @Test func aPipeInASegmentsPlaceHangsNobody() throws {
    let daemon = try DaemonProcess(.live) { folder, _ in
      try FileManager.default.createDirectory(
        atPath: folder + "/ledger", withIntermediateDirectories: true)
      #expect(mkfifo(folder + "/ledger/ledger-0000000000000001.jsonl", 0o600) == 0)
    }
    let code = daemon.run.wait(5)
    #expect(code != nil && code != 0, "the start hangs")
    #expect(daemon.run.error.contains("ledger-0000000000000001.jsonl"))
    #expect(daemon.ctl(["audit", daemon.ledgerFolder], seconds: 5).code != nil, "the audit hangs")
  }
}
