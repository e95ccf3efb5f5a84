import Configuration
import Energy
import Engine
import Ledger
import Scheduling
import ScriptedModels
import ScriptedScenes
import Sensing
import Synchronization
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Startup
@testable import Wire

/// A pipeline over a few seconds of a made-up world: sensors that lag, hang and vanish, and a program that takes time.
/// All of it follows from the seed. What must hold in every world is checked here, and by assertions in the pipeline.
struct Simulation {
  let seed: Int
  private let configuration: Configuration
  private let model: Model
  private let plan: PolicyPlan
  private let scripts: [ScriptedRig.Script]
  private let seconds: Int64
  /// No sensor fails and nothing takes longer than it should: then more is promised.
  let isCalm: Bool
  private let isSilent: Bool
  /// What is asked from outside, by the number of the decision behind which it is.
  private let commands: [UInt64: [PipelineCommand]]
  private let slowness: Slowness
  private enum Slowness { case none, busy, stalls }

  /// Models by what they say, made once.
  private static let models = Mutex<[Int: Model]>([:])

  init(seed: Int, base: Configuration) throws {
    var random = Seeded(seed)
    self.seed = seed
    isCalm = random.chance(25)
    isSilent = random.chance(20)
    slowness = isCalm ? .none : [.none, .busy, .stalls].randomElement(using: &random)!
    seconds = .random(in: 2...6, using: &random)
    model = try Self.model(.random(in: 0..<18, using: &random))
    var configuration = base
    configuration.general.windowPeriod = random.milliseconds(60...500)
    configuration.gate.maximumSkew = random.milliseconds(20...300)
    configuration.gate.maximumBlind = random.milliseconds(600...4_000)
    configuration.gate.wakesPerMinute = .random(in: 1...60, using: &random)
    configuration.gate.activityCheck = random.chance(50)
    configuration.events.keepsAwake = seed % 3 == 0
    for index in configuration.sensors.indices {
      configuration.sensors[index].linger = random.chance(50) ? .zero : random.milliseconds(0...1_500)
      configuration.sensors[index].wakeDeadline = random.milliseconds(300...1_500)
    }
    configuration.adaptation.audits = random.chance(50)
    configuration.adaptation.probability = 0.2
    configuration.adaptation.energyShare = 1
    configuration.adaptation.seed = seed
    self.configuration = configuration
    plan = try PolicyPlan(configuration, model)
    commands = isCalm ? [:] : Self.commands(seed)
    let end = seconds * 1_000
    scripts = (0..<2).map { [isCalm] _ in
      var script = ScriptedRig.Script()
      script.delay = random.milliseconds(0...(isCalm ? 40 : 150))
      script.wakeLatency = random.milliseconds(0...(isCalm ? 150 : 1_800))
      func times(_ percent: Int, _ most: Int64) -> [Range<Instant>] {
        (0..<3).compactMap { _ in
          guard !isCalm, random.chance(percent) else { return nil }
          let start = Instant.zero + random.milliseconds(0...end)
          return start..<start + random.milliseconds(1...most)
        }
      }
      script.outages = times(30, 3_000)
      script.hangs = times(15, 2_000)
      return script
    }
  }

  /// Sensors that change hands, pauses and questions, in two worlds of five.
  private static func commands(_ seed: Int) -> [UInt64: [PipelineCommand]] {
    var random = Seeded(seed ^ 0xA5CED)
    var commands: [UInt64: [PipelineCommand]] = [:]
    guard random.chance(40) else { return commands }
    for number in 1...20 as ClosedRange<UInt64> where random.chance(25) {
      let sensor = random.chance(50) ? 0 : 1
      let choices: [[PipelineCommand]] = [
        [.withhold(sensor: sensor)], [.giveBack(sensor: sensor)],
        [.withhold(sensor: sensor), .giveBack(sensor: sensor)],
        // The world stands still in a pause, so its end is sent with it.
        [.pause, .resume], [.pause, .giveBack(sensor: sensor), .resume], [.ask(full: random.chance(50))],
      ]
      commands[number] = choices.randomElement(using: &random)
    }
    return commands
  }

  private static func model(_ number: Int) throws -> Model {
    if let model = models.withLock({ $0[number] }) { return model }
    let says: [ScriptedModel.Say] = [.unsure, .sure(0), .sure(1)]
    var scripted = ScriptedModel(
      audio: [says[number % 3], .unsure], image: [says[number / 3 % 3], .unsure], fusion: .sure(1))
    scripted.none = number < 9 ? "none" : nil
    let model = try scripted.model()
    models.withLock { $0[number] = model }
    return model
  }

  /// Every sensor draws 1 W in any state, so that nanojoules are nanoseconds.
  private static let watts = EnergyModel(
    source: "model:simulation", picojoulesPerMac: 0, picojoulesPerByte: 0,
    modalities: Array(
      repeating: .init(sensor: .init(asleep: 1, waking: 1, awake: 1), features: .zero), count: 2))

  /// Plays it.
  /// - Returns: what did not hold, a line each.
  func run() throws -> [String] { try play().faults }

  /// All decisions, as text.
  func trace() throws -> [String] { try play().decisions.map { String(describing: $0) } }

  private func play() throws -> (decisions: [Decision], faults: [String]) {
    let rig = try ScriptedRig(
      Rigs.configurations(configuration, model), scripts, seconds: seconds)
    if isSilent {
      rig.sample = { _ in 0 }
      rig.pixel = { _ in 100 }
    }
    var random = Seeded(seed ^ 0x5EED)
    switch slowness {
    case .none: break
    case .busy: rig.cost = { Nanoseconds(.random(in: 0...8_000_000, using: &random)) }
    case .stalls:
      rig.cost = {
        random.chance(2)
          ? random.milliseconds(100...2_500) : Nanoseconds(.random(in: 0...500_000, using: &random))
      }
    }
    var decisions: [Decision] = []
    var audits: [(AuditedWindow, of: Decision)] = []
    var times = Timeline(sensors: 2)
    let records = SensorRecords(names: ["audio", "image"])
    let channel = try CommandChannel()
    var asked: UInt64 = 0
    var answers: Set<UInt64> = []
    var twice: [String] = []
    func takeAnswers() {
      while let answer = channel.takeAnswer() {
        if !answers.insert(answer.ticket).inserted {
          twice.append("command \(answer.ticket) is answered twice")
        }
      }
    }
    let pipeline = Pipeline(
      rig: rig, model: model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(configuration, model),
      energy: EnergyAccounts(Self.watts, network: model),
      audits: AuditTurns(configuration, model, Self.watts),
      orders: try OrderLink(
        waits: true, inline: OrderPlanner(PlannerSetup(configuration, model, plan, fingerprint: 0))),
      deliver: { decision in
        decisions.append(copy decision)
        times.add(decision.energy)
        takeAnswers()
        for command in commands[decision.number] ?? [] {
          asked += 1
          if !channel.send(CommandRequest(ticket: asked, command: command, user: nil)) {
            twice.append("no room")
          }
          rig.bell.ring()
        }
        // Whoever takes the decision takes time.
        rig.work()
      },
      note: {
        if case .audit(let audited) = $0 { audits.append((audited, of: decisions[decisions.count - 1])) }
        let record = records.take($0)
        times.add(record.event, at: record.at)
      }, commands: CommandLink(channel: channel) { _ in true })
    try pipeline.run()
    takeAnswers()
    let (closing, end) = pipeline.closeAccounts()
    times.close(closing, at: end)
    let status = pipeline.status.read()
    var faults = times.faults + twice + check(audits)
    for sensor in 0..<2 {
      faults += times.compare(sensor, status.sensors[sensor].durations(at: end), total: end - .zero)
    }
    return (decisions, faults + check(decisions, status, end: end))
  }

  private func check(_ audits: [(AuditedWindow, of: Decision)]) -> [String] {
    var faults: [String] = []
    for (audited, decision) in audits {
      let name = "audit of \(decision.number)"
      if audited.decision != decision.number || audited.end != decision.end {
        faults.append("\(name) names \(audited.decision)")
      }
      if audited.cost != decision.energy(of: .audit) { faults.append("\(name) states another energy") }
      if audited.readings.count != 2 * audited.available.count + 1 {
        faults.append("\(name) has \(audited.readings.count) readings of \(audited.available)")
      }
      if audited.readings.last?.exit != .fusion { faults.append("\(name) is not fused") }
      if !decision.used.isSubset(of: audited.available) {
        faults.append("\(name) lacks what the gate had")
      }
    }
    return faults
  }

  private func check(_ decisions: [Decision], _ status: PipelineStatus, end: Instant) -> [String] {
    var faults: [String] = []
    func expect(_ holds: Bool, _ text: @autoclosure () -> String) { if !holds { faults.append(text()) } }
    expect(status.decisions == UInt64(decisions.count), "a decision is not counted")
    for (index, decision) in decisions.enumerated() {
      let name = "window \(index + 1)"
      expect(decision.number == UInt64(index + 1), "\(name) has number \(decision.number)")
      expect(
        decision.decided + .milliseconds(1) >= decision.end,
        "\(name) was answered at \(decision.decided) before its end \(decision.end) by \(decision.answer.reason)"
      )
      expect(decision.hops.dropped == 0 && decision.energy.dropped == 0, "\(name) lost exits or postings")
      if decision.provisional {
        expect(decision.answer.label == model.noneClass, "\(name): only 'none' is provisional")
      }
      guard index > 0 else { continue }
      let former = decisions[index - 1]
      expect(decision.end > former.end, "\(name) ends no later than the one before")
      expect(decision.decided >= former.decided, "\(name) was answered before the one before")
    }
    guard isCalm else { return faults }
    let period = configuration.general.windowPeriod
    // The first wakes and windows, and what the recording's end cuts off.
    let settled = decisions.filter { $0.end >= .zero + .seconds(1) && $0.decided + .milliseconds(10) < end }
    for decision in settled {
      expect(
        decision.answer.label != nil, "window \(decision.number) was not answered though all sensors work")
    }
    for (former, decision) in zip(decisions, decisions.dropFirst()) {
      let longest = period + .milliseconds(150 + 100 + 200 + 40 + 250)
      expect(
        decision.decided - former.decided <= longest, "nothing was answered before window \(decision.number)")
    }
    return faults
  }
}

/// Each sensor's time by its records, and by what was posted for it.
private struct Timeline {
  private var states: [(name: String, since: Instant)]
  private var recorded: [StateDurations]
  private var posted: [StateDurations]
  private var audited: [Nanoseconds]
  private(set) var faults: [String] = []

  init(sensors: Int) {
    states = Array(repeating: ("asleep", .zero), count: sensors)
    recorded = Array(repeating: StateDurations(), count: sensors)
    posted = recorded
    audited = Array(repeating: .zero, count: sensors)
  }

  private mutating func leave(_ sensor: Int, _ next: String, at now: Instant) -> Nanoseconds {
    let (name, since) = states[sensor]
    let states: [String: SensorState] = [
      "asleep": .asleep, "waking": .waking(since: .zero), "awake": .awake(since: .zero),
    ]
    recorded[sensor].add(now - since, in: states[name] ?? .failed(.absent, since: .zero))
    self.states[sensor] = (next, now)
    return name == "awake" ? now - since : .zero
  }

  mutating func add(_ event: LedgerEvent, at now: Instant) {
    switch event {
    case .wake(let sensor, _): _ = leave(sensor, "waking", at: now)
    case .sleep(let sensor, let awake):
      let lasted = leave(sensor, "asleep", at: now)
      if awake != lasted { faults.append("sensor \(sensor): 'sleep' says \(awake), awake was \(lasted)") }
    case .state(let sensor, let from, let to, _):
      if from != states[sensor].name {
        faults.append("sensor \(sensor): 'state' from \(from), was \(states[sensor].name)")
      }
      _ = leave(sensor, to, at: now)
    default: break
    }
  }

  mutating func add(_ postings: Bounded<64, EnergyPosting>) {
    for index in postings.indices {
      guard let sensor = postings[index].modality else { continue }
      let time = Nanoseconds(postings[index].energy.count)
      switch postings[index].account {
      case .sensing: posted[sensor].add(time, in: .awake(since: .zero))
      case .wake: posted[sensor].add(time, in: .waking(since: .zero))
      case .idle: posted[sensor].add(time, in: .asleep)
      // Awake and waking in one, each at 1 W: told apart by nothing here.
      case .audit: audited[sensor] = audited[sensor] + time
      default: break
      }
    }
  }

  mutating func close(_ closing: ClosingEnergy, at end: Instant) {
    add(closing.energy)
    for sensor in states.indices { _ = leave(sensor, "ended", at: end) }
  }

  func compare(_ sensor: Int, _ shown: StateDurations, total: Nanoseconds) -> [String] {
    var paid = shown
    paid.failed = .zero
    var faults: [String] = []
    if recorded[sensor] != shown {
      faults.append("sensor \(sensor): records \(recorded[sensor]), status \(shown)")
    }
    let difference = paid - posted[sensor]
    let isPaid =
      difference.asleep == .zero && difference.waking >= .zero && difference.awake >= .zero
      && difference.total == audited[sensor]
    if !isPaid { faults.append("sensor \(sensor): energy \(posted[sensor]), status \(paid)") }
    if shown.total != total { faults.append("sensor \(sensor): \(shown) is not \(total)") }
    return faults
  }
}
