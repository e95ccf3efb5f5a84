import Foundation
import Testing

/// Readers that stop reading hold up nothing but themselves.
@Suite struct ReaderTests {
  @Test func standardOutputThatNobodyReadsStopsNoDecision() throws {
    let pipe = Pipe()
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: true), output: pipe)
    #expect(daemon.isUp())
    #expect(holds(within: 60) { daemon.run.error.contains("standard output") }, "nobody was told")
    let before = daemon.windows
    #expect(holds(within: 60) { daemon.windows > before + 20 }, "decisions stand still")
    let stop = try #require(daemon.stop(), "it had to be killed")
    #expect(stop.seconds < 5)
    #expect(daemon.run.error.components(separatedBy: "nobody has read it").count == 2, "told once")
    #expect(daemon.run.error.contains("decisions were not printed"), "and at the end how many")
    #expect(daemon.ledger().last?["type"] as? String == "stop")
    #expect(daemon.records("gap").isEmpty)
    let numbers = daemon.records("decision").compactMap { $0["number"] as? Int }
    #expect(numbers == Array(1...(numbers.last ?? 1)))
    #expect(daemon.audit().code == 0)
    _ = pipe
  }

  @Test func standardOutputKeepsItsFlags() throws {
    // The shell shares the pipe: O_NONBLOCK there would be everybody's.
    let pipe = Pipe()
    let writing = pipe.fileHandleForWriting.fileDescriptor
    // Foundation's pipes come with the flag.
    _ = fcntl(writing, F_SETFL, 0)
    let kept = dup(writing)
    defer { close(kept) }
    let before = fcntl(kept, F_GETFL)
    let daemon = try DaemonProcess(.live, output: pipe)
    #expect(holds(within: 60) { daemon.windows > 2 })
    #expect(fcntl(kept, F_GETFL) == before && before & O_NONBLOCK == 0)
    #expect(daemon.stop()?.code == 0)
  }

  @Test func aReaderThatWentAwayIsToldOfAndNothingElseStops() throws {
    let pipe = Pipe()
    let daemon = try DaemonProcess(.live, output: pipe)
    try pipe.fileHandleForReading.close()
    try pipe.fileHandleForWriting.close()
    #expect(holds(within: 60) { daemon.run.error.contains("standard output") })
    let before = daemon.windows
    #expect(holds(within: 60) { daemon.windows > before + 3 })
    #expect(daemon.stop()?.code == 0)
  }

  @Test func watchersThatNeverReadStopNobody() throws {
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: true))
    #expect(daemon.isUp())
    let watchers = try (0..<50).map { _ in try SlowWatcher(daemon.folder + "/socket") }
    usleep(500_000)
    let before = daemon.windows
    #expect(holds(within: 60) { daemon.windows > before + 50 })
    let stop = try #require(daemon.stop(), "it had to be killed")
    #expect(stop.code == 0 && stop.seconds < 5)
    #expect(daemon.records("gap").isEmpty)
    _ = watchers
  }

  /// What the server says it holds and what the process holds are two things: here is the second.
  @Test func manyWhoPipelineAndReadNothingTakeABoundedPartOfMemory() throws {
    let daemon = try DaemonProcess(.live)
    #expect(daemon.isUp() && holds(within: 60) { daemon.windows > 2 })
    let before = try resident(daemon.run.identifier)
    let calls = String(repeating: #"{"method":"io.mmexit.Daemon.GetModel"}"# + "\0", count: 100)
    let clients = try (0..<60).map { _ in try SlowWatcher(daemon.folder + "/socket", calls) }
    let windows = daemon.windows
    #expect(holds(within: 60) { daemon.windows > windows + 4 })
    let taken = try resident(daemon.run.identifier) - before
    // 4 MiB for all clients, as much again while an answer is made, and the allocator's own.
    #expect(taken < 16 << 10, "\(taken) KiB")
    #expect(daemon.stop()?.code == 0)
    _ = clients
  }

  /// KiB of the process that are in memory.
  private func resident(_ process: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(Int(line.filter(\.isNumber)))
  }
}
