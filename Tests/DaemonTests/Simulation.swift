import Configuration
import Energy
import Engine
import ScriptedModels
import ScriptedScenes
import Sensing
import Vocabulary
import Wire

@testable import Daemon
@testable import Pipeline
@testable import Startup

/// A pipeline over a made-up world: sensors that lag, hang and vanish, a program that takes time, people who ask, and
/// files that change. What must hold in every world is checked here, and by assertions in the pipeline.
final class Simulation {
  /// Every sensor draws 1 W in any state, so that nanojoules are nanoseconds.
  private static let watts = EnergyModel(
    source: "model:simulation", picojoulesPerMac: 0, picojoulesPerByte: 0,
    modalities: Array(
      repeating: .init(sensor: .init(asleep: 1, waking: 1, awake: 1), features: .zero), count: 2))

  private let world: SimulatedWorld
  private let files: GenerationFiles
  private let channel: CommandChannel
  private let records = SensorRecords(names: ["audio", "image"])
  private var reloader: Reloader?
  /// The generation in force.
  private var generation: Generation
  private var hasRoom = true
  private var sent: UInt64 = 0
  /// Commands for another generation, and the decision behind which each was sent.
  private var adopting: [UInt64: (next: Generation, decision: UInt64)] = [:]
  private var answers: Set<UInt64> = []
  private var times = Timeline(sensors: 2)
  private var decisions: [Decision] = []
  /// By decision: class that means nothing.
  private var noneClasses: [Int?] = []
  private var audits: [AuditedWindow] = []
  /// The last decision of the former generation.
  private var adopted: UInt64 = 0
  private var leftOut: ModalitySet = []
  private(set) var faults: [String] = []
  /// How often what is rare has happened, for the tests of the simulation itself.
  private(set) var reloadsDone = 0
  private(set) var reloadsRefused = 0
  private(set) var reorders = 0

  /// - Parameter files: in a folder that no other simulation uses meanwhile.
  init(seed: Int, base: Configuration, files: GenerationFiles) throws {
    world = try SimulatedWorld(seed: seed, base: base)
    self.files = files
    channel = try CommandChannel()
    let settings = files.configuration
    files.configuration = world.configuration
    files.configuration.general.model = settings.general.model
    files.configuration.general.socket = settings.general.socket
    files.model = world.scripted
    try files.write()
    generation = try files.generation()
    reloader = Reloader(start: generation, bell: channel.bell)
  }

  private func expect(_ holds: Bool, _ text: @autoclosure () -> String) {
    if !holds { faults.append(text()) }
  }

  /// Plays it. What did not hold is in `faults` then, a line each.
  func play() throws {
    let plan = generation.plan
    let model = generation.model.model
    let rig = try ScriptedRig(generation.sensors, world.scripts, seconds: world.seconds)
    if world.isSilent {
      rig.sample = { _ in 0 }
      rig.pixel = { _ in 100 }
    }
    setCost(of: rig)
    var board: PipelineStatusBoard?
    let pipeline = Pipeline(
      rig: rig, model: model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(generation.configuration, model),
      energy: EnergyAccounts(Self.watts, network: model),
      audits: AuditTurns(generation.configuration, model, Self.watts),
      orders: try OrderLink(waits: true, inline: OrderPlanner(PlannerSetup(generation))),
      deliver: { [self] in
        take(copy $0, sentinel: board?.read().sentinel)
        ask(behind: $0.number, rig)
        // Whoever takes the decision takes time.
        rig.work()
      }, note: { [self] in take($0) },
      commands: CommandLink(channel: channel) { [self] in record($0) })
    board = pipeline.status
    try pipeline.run()
    takeAnswers()
    let (closing, end) = pipeline.closeAccounts()
    times.close(closing, at: end)
    let status = pipeline.status.read()
    faults += times.faults
    for sensor in 0..<2 {
      faults += times.compare(sensor, status.sensors[sensor].durations(at: end), total: end - .zero)
    }
    check(status, end: end)
  }

  /// All decisions, as text.
  var trace: [String] { decisions.map { String(describing: $0) } }

  private func setCost(of rig: ScriptedRig) {
    var random = Seeded(world.seed ^ 0x5EED)
    switch world.slowness {
    case .none: break
    case .busy: rig.cost = { Nanoseconds(.random(in: 0...8_000_000, using: &random)) }
    case .stalls:
      rig.cost = {
        random.chance(2)
          ? random.milliseconds(100...2_500) : Nanoseconds(.random(in: 0...500_000, using: &random))
      }
    }
  }

  // MARK: What is asked from outside

  private func send(_ command: PipelineCommand) {
    sent += 1
    expect(channel.send(CommandRequest(ticket: sent, command: command, user: nil)), "no room for a command")
  }

  private func ask(behind number: UInt64, _ rig: ScriptedRig) {
    takeAnswers()
    for command in world.commands[number] ?? [] { send(command) }
    if let reload = world.reloads[number] { begin(reload, behind: number) }
    rig.bell.ring()
  }

  private func begin(_ reload: SimulatedWorld.Reload, behind number: UInt64) {
    let (settings, model) = (files.configuration, files.model)
    var change = GenerationChange.reload
    var isRefused = false
    hasRoom = true
    do {
      switch reload {
      case .files(let edit):
        edit(&files.configuration, &files.model)
        try files.write()
      case .preference(let lambda): change = .preference(lambda)
      case .unrecorded: hasRoom = false
      case .refused(let spoil):
        isRefused = true
        try spoil(files)
      }
    } catch {
      faults.append("\(error)")
    }
    switch reloader?.prepare(change, generation) {
    case .success(let next)?:
      expect(!isRefused, "a bad generation behind \(number) is accepted")
      next.energy = EnergyAccounts(Self.watts, network: next.generation.model.model)
      channel.propose(next)
      send(.adopt)
      adopting[sent] = (next.generation, number)
    case .failure(let error)?:
      expect(isRefused, "the generation behind \(number) is refused: \(error.description)")
      expect(!error.description.isEmpty, "a refusal without a reason")
      reloadsRefused += 1
      (files.configuration, files.model) = (settings, model)
      do { try files.write() } catch { faults.append("\(error)") }
    case nil: break
    }
  }

  private func record(_ record: CommandRecord) -> Bool {
    guard case .adopt(let next) = record.what else { return true }
    guard hasRoom else { return false }
    expect(next.number == generation.number + 1, "generation \(next.number) follows \(generation.number)")
    generation = next
    leftOut = []
    adopted = UInt64(decisions.count)
    reloadsDone += 1
    return true
  }

  private func takeAnswers() {
    while let answer = channel.takeAnswer() {
      expect(answers.insert(answer.ticket).inserted, "command \(answer.ticket) is answered twice")
      guard let adopted = adopting.removeValue(forKey: answer.ticket) else { continue }
      expect(
        answer.outcome == (hasRoom ? .done : .notRecorded), "a generation is answered \(answer.outcome)")
      expect((adopted.next === generation) == hasRoom, "the generation in force is another than was answered")
      channel.propose(nil)
    }
  }

  // MARK: What comes

  private func take(_ decision: Decision, sentinel: Int?) {
    let name = "window \(decision.number)"
    times.add(decision.energy)
    decisions.append(decision)
    noneClasses.append(generation.model.model.noneClass)
    takeAnswers()
    expect(adopting.isEmpty, "\(name) was answered before the generation that was to answer it")
    if let label = decision.answer.label {
      expect(label < generation.model.model.classes.count, "\(name) has a class of another generation")
    }
    for index in decision.trace.indices {
      guard case .encoder(let modality, _) = decision.trace[index].reading.exit else { continue }
      let isAsked = !leftOut.contains(index: modality) || modality == sentinel
      expect(isAsked || isFullAsked(decision.number), "\(name) asked sensor \(modality), which is left out")
    }
  }

  /// Whether somebody wants every sensor in that window.
  private func isFullAsked(_ number: UInt64) -> Bool {
    world.commands[number - 1]?.contains { if case .ask(full: true) = $0 { true } else { false } } ?? false
  }

  private func take(_ note: PipelineNote) {
    let record = records.take(note)
    times.add(record.event, at: record.at)
    switch note {
    case .audit(let audited):
      audits.append(audited)
      check(audited)
    case .reorder(let change, let now):
      reorders += 1
      let next = UInt64(decisions.count) + 1
      // Between two windows, so many after the question.
      expect(decisions.last.map { now >= $0.decided } ?? true, "an order before the decision before it")
      expect(
        next >= adopted + OrderTurns.lead,
        "window \(next) has an order that was asked for under the generation that ended with \(adopted)")
      leftOut = ModalitySet.all(2).subtracting(change.asked)
    default: break
    }
  }

  /// An audit is of the decision that was delivered last, and tells what the gate has read as the decision does.
  private func check(_ audited: AuditedWindow) {
    let name = "audit of \(audited.decision)"
    guard let decision = decisions.last else { return faults.append("\(name) without a decision") }
    expect(audited.decision == decision.number && audited.end == decision.end, "\(name) is of another")
    expect(audited.label == decision.answer.label, "\(name) has another answer than was delivered")
    expect(audited.cost == decision.energy(of: .audit), "\(name) states another energy")
    expect(
      audited.readings.count == 2 * audited.available.count + 1,
      "\(name) has \(audited.readings.count) readings of \(audited.available)")
    expect(audited.readings.last?.exit == .fusion, "\(name) is not fused")
    expect(decision.used.isSubset(of: audited.available), "\(name) lacks what the gate had")
    var latest: [ExitID: Reading] = [:]
    for index in decision.trace.indices {
      latest[decision.trace[index].reading.exit] = decision.trace[index].reading
    }
    for index in audited.readings.indices {
      let reading = audited.readings[index]
      guard reading.exit != .fusion, let asked = latest[reading.exit] else { continue }
      expect(
        reading.label == asked.label && reading.entropy == asked.entropy,
        "\(name): \(reading.exit) says another thing than the decision's")
    }
  }

  private func check(_ status: PipelineStatus, end: Instant) {
    expect(status.decisions == UInt64(decisions.count), "a decision is not counted")
    for (index, decision) in decisions.enumerated() {
      let name = "window \(index + 1)"
      expect(decision.number == UInt64(index + 1), "\(name) has number \(decision.number)")
      expect(
        decision.decided + .milliseconds(1) >= decision.end,
        "\(name) was answered at \(decision.decided) before its end \(decision.end) by \(decision.answer.reason)"
      )
      expect(decision.trace.dropped == 0 && decision.energy.dropped == 0, "\(name) lost exits or postings")
      if decision.provisional {
        expect(decision.answer.label == noneClasses[index], "\(name): only 'none' is provisional")
      }
      guard index > 0 else { continue }
      let former = decisions[index - 1]
      expect(decision.end > former.end, "\(name) ends no later than the one before")
      expect(decision.decided >= former.decided, "\(name) was answered before the one before")
    }
    if world.isCalm { checkCalm(end: end) }
  }

  private func checkCalm(end: Instant) {
    let period = world.configuration.general.windowPeriod
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
  }
}
