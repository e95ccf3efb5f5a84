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

/// What is shown is so: the wake that is expected, what a pause saves, windows without data, what was lost.
@Suite struct TruthTests {
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  private func account() -> SensorAccount {
    SensorAccount(wakeDeadline: .milliseconds(1_500), wakesPerMinute: 60, start: at(0))
  }

  // MARK: The wake that is expected

  @Test func theFirstWakeIsBelievedAndNotTheDeadline() {
    var account = account()
    #expect(account.expectedWake == .milliseconds(1_500))
    account.wakeTook(.milliseconds(200))
    #expect(account.expectedWake == .milliseconds(200))
    account.wakeTook(.milliseconds(400))
    #expect(account.expectedWake == .milliseconds(400))
    account.wakeTook(.milliseconds(100))
    #expect(account.expectedWake == .milliseconds(350))
  }

  @Test func oneSlowWakeKeepsASensorAwakeForAWhileAndNotForGood() {
    var account = account()
    account.wakeTook(.milliseconds(100))
    account.wakeTook(.milliseconds(1_400))
    let period = Nanoseconds.milliseconds(250)
    var slept: Int64?
    for second in 0..<Int64(8 * 3_600) where slept == nil {
      let now = at(second * 1_000)
      let checks = FullCheckClock(period: period, maximumBlind: .seconds(2), start: now)
      if account.maySleep(from: now, checks) { slept = second }
    }
    #expect(slept.map { (1_200...4_800).contains($0) } == true, "\(String(describing: slept)) s")
  }

  /// Two expected wakes do not fit into max-blind: it was never put to sleep, and no wake was ever seen.
  @Test func aSensorSleepsThoughTwiceItsDeadlineIsMoreThanMaxBlind() throws {
    let scene = try Scene()
    scene.configuration.gate.maximumBlind = .milliseconds(1_400)
    scene.configuration.gate.wakesPerMinute = 600
    var scripted = ScriptedModel(audio: [.sure(0), .unsure], image: [.sure(0), .unsure], fusion: .sure(0))
    scripted.none = "none"
    let outcome = try scene.play(
      scripted, audio: .init(), image: .init(wakeLatency: .milliseconds(100)), seconds: 30)
    #expect(outcome.status.sensors[1].wakes > 5)
    #expect(outcome.awake(1) < .seconds(20), "\(outcome.awake(1))")
  }

  // MARK: What a pause saves

  @Test func timeASensorMayNotBeUsedInIsNoSaving() throws {
    let energy = EnergyModel(
      source: "model:test", picojoulesPerMac: 0, picojoulesPerByte: 0,
      modalities: Array(
        repeating: .init(sensor: .init(asleep: 0.1, waking: 1, awake: 1), features: .zero), count: 2))
    var accounts = EnergyAccounts(energy, network: try ScriptedModel().model())
    var sensors = [account(), account()]
    func post(_ ms: Int64) -> (spent: Nanojoules, always: Nanojoules) {
      var decision = Decision(number: 1, start: at(0), end: at(ms))
      accounts.begin()
      accounts.post(to: &decision, sensors: &sensors, at: at(ms))
      return (decision.totalEnergy, decision.alwaysOn)
    }
    for index in sensors.indices { sensors[index].withhold(true, at: at(0)) }
    var (spent, always) = post(1_000)
    #expect(spent == Nanojoules(200_000_000) && always == spent)
    sensors[0].withhold(false, at: at(1_600))
    sensors[1].withhold(false, at: at(2_000))
    (spent, always) = post(2_000)
    #expect(spent == Nanojoules(200_000_000))
    #expect(always == Nanojoules(60_000_000 + 400_000_000 + 100_000_000))
    // Twice is as once.
    sensors[0].withhold(true, at: at(2_000))
    sensors[0].withhold(true, at: at(2_500))
    (spent, always) = post(3_000)
    #expect(always == Nanojoules(100_000_000 + 1_000_000_000))
    let closing = accounts.close(sensors: &sensors, at: at(4_000))
    #expect(closing.alwaysOn == Nanojoules(100_000_000 + 1_000_000_000))
  }

  // MARK: Windows without data

  @Test func windowsWithoutDataAreOneLineAndACount() {
    var run = NoDataRun()
    #expect(run.take(isNoData: false) == (nil, true))
    #expect(run.take(isNoData: true) == (nil, true))
    for _ in 0..<8 { #expect(run.take(isNoData: true) == (nil, false)) }
    #expect(run.take(isNoData: false) == ("(9 windows without data)", true))
    #expect(run.take(isNoData: true) == (nil, true))
    #expect(run.end() == nil, "that one has its line")
    #expect(run.take(isNoData: true) == (nil, true))
    #expect(run.take(isNoData: true) == (nil, false))
    #expect(run.end() == "(2 windows without data)")
    #expect(run.end() == nil)
    #expect(NoDataRun.reason == Reason.noData.rawValue)
  }

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
