import Energy
import Engine
import JSON
import Ledger
import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Startup

/// The time a sensor was awake, as the ledger's records tell it, as the status says it and as energy was posted for it.
@Suite struct SensorTimeTests {
  /// Time in each state by one source, in nanoseconds. Energy has no account for a failed sensor.
  private struct Times: Equatable {
    var asleep: Int64 = 0
    var waking: Int64 = 0
    var awake: Int64 = 0
    var failed: Int64 = 0

    mutating func add(_ nanojoules: Int64, _ account: EnergyPosting.Account) {
      switch account {
      case .sensing: awake += nanojoules
      case .wake: waking += nanojoules
      case .idle: asleep += nanojoules
      default: break
      }
    }
  }

  private static func script(_ random: inout Seeded) -> ScriptedRig.Script {
    func times(_ chance: Int, _ random: inout Seeded) -> [Range<Instant>] {
      guard Int.random(in: 0..<100, using: &random) < chance else { return [] }
      let start = Instant.zero + .milliseconds(.random(in: 0...20_000, using: &random))
      return [start..<start + .milliseconds(.random(in: 1...12_000, using: &random))]
    }
    var script = ScriptedRig.Script()
    script.wakeLatency = .milliseconds(.random(in: 0...1_200, using: &random))
    script.outages = times(50, &random)
    script.hangs = times(30, &random)
    script.delay = .milliseconds(.random(in: 0...60, using: &random))
    return script
  }

  /// Every sensor draws 1 W in any state, so that nanojoules are nanoseconds.
  private static let watts = EnergyModel(
    source: "model:test", picojoulesPerMac: 0, picojoulesPerByte: 0,
    modalities: Array(
      repeating: .init(sensor: .init(asleep: 1, waking: 1, awake: 1), features: .zero), count: 2))

  @Test(arguments: 0..<40) func ledgerStatusAndEnergySayTheSame(seed: Int) throws {
    var random = Seeded(seed)
    let says: [ScriptedModel.Say] = [.unsure, .sure(0), .sure(1)]
    let scripted = ScriptedModel(
      audio: [says.randomElement(using: &random)!, .unsure],
      image: [says.randomElement(using: &random)!, .unsure], fusion: .sure(1))
    let scene = try Scene(seconds: 1)
    scene.configuration.gate.maximumBlind = .milliseconds(.random(in: 600...10_000, using: &random))
    scene.configuration.gate.wakesPerMinute = .random(in: 1...30, using: &random)
    scene.configuration.sensors[0].linger = .milliseconds(.random(in: 0...2_000, using: &random))
    let model = try scripted.model()
    let plan = try PolicyPlan(scene.configuration, model)
    let rig = try ScriptedRig(
      Rigs.configurations(scene.configuration, model), [Self.script(&random), Self.script(&random)],
      seconds: 30)
    let bench = try RecordingBench(model)
    func put(_ event: PipelineEvent, _ now: Instant) {
      bench.events.put(event)
      bench.turn(at: now)
    }
    let pipeline = Pipeline(
      rig: rig, model: model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(scene.configuration, model),
      energy: EnergyAccounts(Self.watts, network: model)
    ) {
      put(.decision(copy $0), $0.decided)
    } note: {
      put(.note($0), .zero)
    }
    put(.start(order: plan.order, at: .zero), .zero)
    try pipeline.run()
    let (closing, end) = pipeline.closeAccounts()
    bench.turn(at: end + .seconds(60))
    let status = pipeline.status.read()
    var ledger = try read(bench.scratch.bytes, model.modalities.map(\.name), until: end)
    // As the `stop` record says it, which waits for a writer's thread.
    for index in closing.energy.indices {
      let posting = closing.energy[index]
      guard let sensor = posting.modality else { continue }
      ledger.energy[sensor].add(posting.energy.count, posting.account)
    }
    for sensor in 0..<2 {
      let durations = status.sensors[sensor].durations(at: end)
      let shown = Times(
        asleep: durations.asleep.count, waking: durations.waking.count, awake: durations.awake.count,
        failed: durations.failed.count)
      #expect(ledger.times[sensor] == shown)
      var paid = shown
      paid.failed = 0
      #expect(ledger.energy[sensor] == paid)
      #expect(durations.total == end - .zero)
    }
  }

  private func read(
    _ bytes: [UInt8], _ names: [String], until end: Instant
  ) throws -> (times: [Times], energy: [Times]) {
    var times = names.map { _ in Times() }
    var energy = times
    var states = names.map { _ in (name: "asleep", since: Int64(0)) }
    func leave(_ sensor: Int, _ next: String, _ now: Int64) -> Int64 {
      let lasted = now - states[sensor].since
      switch states[sensor].name {
      case "asleep": times[sensor].asleep += lasted
      case "waking": times[sensor].waking += lasted
      case "awake": times[sensor].awake += lasted
      default: times[sensor].failed += lasted
      }
      defer { states[sensor] = (next, now) }
      return states[sensor].name == "awake" ? lasted : 0
    }
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let record = JSONPlace(try JSONValue.parse(Array(line)))
      let now = try record.member("t_boot_ns").integer()
      let sensor = try record.optional("modality").flatMap { names.firstIndex(of: try $0.string()) }
      switch try record.member("type").string() {
      case "wake": _ = leave(try #require(sensor), "waking", now)
      case "sleep":
        let awake = leave(try #require(sensor), "asleep", now)
        #expect(try record.member("awake_ns").integer() == awake)
      case "state":
        #expect(try record.member("from").string() == states[try #require(sensor)].name)
        _ = leave(try #require(sensor), try record.member("to").string(), now)
      default: break
      }
      for posting in try record.optional("energy")?.elements() ?? [] {
        guard let name = try posting.optional("modality")?.string() else { continue }
        let sensor = try #require(names.firstIndex(of: name))
        let amount = try posting.member("nanojoules").integer()
        let account = try posting.member("account").string()
        energy[sensor].add(amount, try #require(EnergyPosting.Account(rawValue: account)))
      }
    }
    for sensor in names.indices { _ = leave(sensor, "ended", end.sinceBoot) }
    return (times, energy)
  }
}
