import Energy
import Glibc
import JSON
import Ledger
import Linux
import Pipeline
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Daemon

/// From files of sysfs to records of the ledger.
@Suite struct MeterThreadTests {
  private func write(_ path: String, _ text: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    try file.writeAll(Array(text.utf8), path)
  }

  /// A battery of 6 W below `folder`.
  private func battery(_ folder: String) throws {
    for part in ["", "/class", "/class/power_supply", "/class/power_supply/BAT0"] {
      mkdir(folder + part, 0o755)
    }
    let files = ["type": "Battery", "status": "Discharging", "power_now": "6000000"]
    for (name, text) in files { try write(folder + "/class/power_supply/BAT0/" + name, text + "\n") }
  }

  @Test func readingsStandInTheLedgerAndInTheMetrics() throws {
    let bench = try RecordingBench(ScriptedModel().model(), isReplay: false)
    let sys = bench.scratch.directory + "-sys"
    defer { system("rm -r '\(sys)'") }
    try battery(sys)
    bench.events.put(.start(order: [0, 1], at: .zero))
    _ = bench.recorder.takeEvents()
    let meters = try MeterThread(
      every: .seconds(1), files: SystemFiles(root: sys), handedOver: [], bench.recorder.metrics,
      Journal(queue: bench.output.journal), tell: { bench.bell.ring() })
    let thread = try Thread(named: "meters") { meters.run() }
    var decision = Decision(number: 1, start: .zero, end: .zero + .milliseconds(250))
    decision.energy.append(EnergyPosting(account: .idle, energy: Nanojoules(1_000_000)))
    bench.events.put(.decision(decision))
    _ = bench.recorder.takeEvents()
    let limit = bootTimeNanoseconds() + 20_000_000_000
    while bench.recorder.metrics.read().meters.isEmpty && bootTimeNanoseconds() < limit {
      bench.bell.wait(until: limit)
      _ = bench.recorder.takeEvents()
    }
    meters.end(within: .seconds(10))
    thread.join()
    bench.events.put(.stop(reason: "end", closing: ClosingEnergy(), at: .zero + .seconds(600)))
    let writer = try bench.startWriter()
    #expect(bench.recorder.takeEvents())
    writer.join()
    #expect(bench.recorder.error == nil)
    let report = try audit(bench.scratch.directory)
    #expect(report.findings == [] && (report.types["meter"] ?? 0) >= 1)
    var measured: Int64 = 0
    for line in bench.scratch.bytes.split(separator: 0x0A) {
      let record = JSONPlace(try JSONValue.parse(Array(line)))
      guard try record.member("type").string() == "meter" else { continue }
      #expect(try record.member("source").string() == "power-supply:BAT0")
      #expect(try record.member("scope").string() == "board" && record.member("kind").string() == "measured")
      let energy = try record.member("nanojoules").integer()
      let time = try record.member("end_ns").integer() - record.member("start_ns").integer()
      // 6 W: 6 nJ a nanosecond, each sample rounded once.
      #expect(abs(energy - 6 * time) <= 2 && time > 0)
      let accounts = try record.member("accounts_nanojoules").integer()
      #expect(try record.member("unattributed").integer() == energy - accounts)
      measured += energy
    }
    #expect(measured > 0)
    #expect(bench.recorder.metrics.read().meters.entries.map(\.count) == [measured])
  }

  @Test func whereThereIsNoMeterTheThreadEndsAndNothingIsSaidToBeMeasured() throws {
    let bench = try RecordingBench(ScriptedModel().model(), isReplay: false)
    let meters = try MeterThread(
      every: .seconds(1), files: SystemFiles(root: "/nowhere"), handedOver: [], bench.recorder.metrics,
      Journal(queue: bench.output.journal), tell: {})
    meters.run()
    #expect(bench.recorder.metrics.takeReading() == nil && bench.recorder.metrics.read().meters.isEmpty)
  }
}
