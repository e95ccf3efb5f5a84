import Energy
import Glibc
import JSON
import Ledger
import Linux
import ScriptedModels
import Sensing
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Wire

/// What is shown is so: windows without data, what was lost.
@Suite struct TruthTests {
  // MARK: Windows without data

  @Test func noDataIsPrintedOnceThoughEachWindowHasADecision() throws {
    let output = try OutputThread(decisions: -1, journal: -1) {}
    var printer = DecisionPrinter(
      isOn: true, queue: output.decisions, journal: Journal(queue: output.journal), waiting: nil)
    for number in 1...40 { printer.print("line \(number)", isNoData: number > 2 && number < 38) }
    for number in 41...44 { printer.print("line \(number)", isNoData: true) }
    printer.end()
    let expected =
      "line 1\nline 2\nline 3\n(35 windows without data)\nline 38\nline 39\nline 40\nline 41\n(4 windows without data)\n"
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = bytes.withUnsafeMutableBytes { output.decisions.front($0) }
    #expect(String(decoding: bytes[..<count], as: UTF8.self) == expected)
    #expect(printer.leftOut == 0, "what is counted is not left out")
  }

  // MARK: What was lost

  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  private func losses(
    _ change: (inout SensorFigures, inout LedgerStatusBoard.Status, inout ClientCounts) -> Void
  )
    -> LossTotals
  {
    var status = PipelineStatus(sensors: 2, order: [0, 1], start: at(0))
    var ledger = LedgerStatusBoard.Status()
    var clients = ClientCounts()
    change(&status.sensors[1], &ledger, &clients)
    return LossTotals(status, ledger, clients)
  }

  @Test func everythingThatIsLostIsTold() throws {
    let all = losses { sensor, ledger, clients in
      sensor.faults = 1
      sensor.counters.overruns = 2
      sensor.counters.lostSamples = 3
      sensor.counters.framesDropped = 4
      sensor.counters.framesCorrupt = 5
      sensor.counters.framesSettling = 6
      ledger.shed = 7
      ledger.unprinted = 8
      clients.messagesDropped = 9
      clients.refused = 4
      clients.evicted = 6
    }
    var json = JSONWriter(capacity: 1024)
    all.write(into: &json)
    #expect(
      json.withBytes { String(decoding: $0, as: UTF8.self) }
        == #"{"faults":1,"overruns":2,"lost_samples":3,"frames_dropped":4,"frames_corrupt":5,"records":7,"lines":8,"messages":9,"clients_refused":10,"frames_settling":6}"#
    )
    #expect(all != LossTotals())
    #expect(
      losses { sensor, _, _ in sensor.counters.framesSettling = 5 } == LossTotals(), "each wake has some")
    #expect(losses { _, _, clients in clients.connected = 5 } == LossTotals())
  }
}
