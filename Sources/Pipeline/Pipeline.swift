import Energy
import Engine
import Policies
import Scheduling
import Sensing
import Vocabulary

/// THE loop: takes a window, walks it through the gate, wakes what the gate wants woken, accounts for the energy
/// and hands the decision on. One thread runs it; the other threads may only call `stop`.
/// Sensor numbers are the model's modality numbers. After `init` nothing here allocates for a window.
package final class Pipeline<Rig: SensorRig> {
  private var policy: GatePolicy
  /// For a window in which every sensor is asked for.
  private var fullPolicy: GatePolicy
  private var settings: PipelineSettings
  private let sensors: PipelineSensors<Rig>
  private var engine: Engine
  private var window: PipelineWindow<Rig>
  private var clock: WindowClock
  private var number: UInt64 = 0
  /// Threads that hang in a driver and were left to themselves when the pipeline ended.
  package private(set) var abandonedThreads: [String] = []

  /// Nil where nothing is audited.
  private var audits: AuditTurns?
  private var orders: OrderTurns
  /// Nil without a budget.
  private var spending: SpendingGuard?
  private var commands: CommandIntake
  private let deliver: (borrowing Decision) -> Void
  private let note: (PipelineNote) -> Void
  package let status: PipelineStatusBoard

  /// - Parameters:
  ///   - rig: one sensor a modality, in the model's order.
  ///   - deliver: called on the pipeline's thread with every decision.
  ///   - note: called on the pipeline's thread with what happened besides decisions.
  ///   - beat: called on the pipeline's thread whenever a wait is over: a sign of life.
  package init(
    rig: Rig, model: Model, policy: GatePolicy, order: [Int], settings: PipelineSettings,
    energy: EnergyAccounts, audits: AuditTurns? = nil, orders: OrderLink? = nil,
    deliver: @escaping (borrowing Decision) -> Void, note: @escaping (PipelineNote) -> Void,
    beat: @escaping () -> Void = {}, commands link: CommandLink? = nil
  ) {
    self.audits = audits
    self.orders = OrderTurns(orders)
    self.policy = policy
    fullPolicy = policy.full
    self.settings = settings
    spending = SpendingGuard(settings, model, energy.model, listening: order[0])
    engine = Engine(model)
    let start = rig.now
    let inputs = WindowInputs(model: model, activityCheck: settings.checksActivity(for: model))
    status = PipelineStatusBoard(sensors: model.modalities.count, order: order, start: start)
    sensors = PipelineSensors(
      rig: rig, order: order, wakeDeadlines: policy.wakeDeadlines, wakesPerMinute: settings.wakesPerMinute,
      soundLengths: inputs.soundLengths, status: status, record: note, beat: beat)
    window = PipelineWindow(
      sensors: sensors, model: model, settings: settings, inputs: inputs, energy: energy)
    clock = WindowClock(first: start, period: settings.period)
    self.deliver = deliver
    self.note = note
    commands = CommandIntake(link)
    sensors.takeCommands = { [unowned self] in
      commands.take(sensors)
      return commands.hasWaiting
    }
  }

  /// Makes `run` return soon; callable from any thread.
  package func stop() { sensors.stop() }

  /// Has the pipeline take a turn though nothing happened; callable from any thread.
  package var nudge: @Sendable () -> Void {
    let bell = sensors.rig.bell
    return { bell.ring() }
  }

  package var isStopping: Bool { sensors.isStopping }

  /// Runs until the recording ends or `stop` is called. The sensors are as they were then, until `stopSensors`.
  package func run() throws(SensingError) {
    try sensors.rig.start()
    clock = WindowClock(first: sensors.awaitFirstWindow(), period: settings.period)
    sensors.selectSentinel()
    orders.begin(at: sensors.now)
    while !sensors.hasEnded && !isStopping {
      carryOutCommands()
      takeOrder()
      guard !commands.isPaused else {
        sensors.rest()
        continue
      }
      let end = clock.end(isAsked: commands.isAsked, at: sensors.now)
      guard sensors.awaitWindow(endingAt: end) else { continue }
      answer(windowEndingAt: end)
      // Before sensors are put to sleep: one that came back may be the one to listen from now on.
      sensors.selectSentinel()
      sensors.isFrugal = !orders.isBudgetOutranked && spending?.isFrugal ?? false
      sensors.prepare(
        settings, fullChecks: window.nextFullCheck, isEventOpen: window.isEventOpen,
        audit: audits?.next(after: end))
    }
  }

  /// Between two windows.
  private func carryOutCommands() {
    let wasPaused = commands.isPaused
    commands.carryOut(sensors, newest: number) {
      adopt($0)
    } label: {
      orders.label($0, as: $1)
    }
    guard wasPaused && !commands.isPaused else { return }
    // Windows of the pause are not answered.
    sensors.selectSentinel()
    clock.restart(first: sensors.awaitFirstWindow())
  }

  /// Goes over to another generation: the next window is answered by it alone.
  private func adopt(_ next: NextGeneration) {
    if next.hasOtherEvents, let event = window.endEvents(at: sensors.now) { note(.event(event)) }
    policy = next.policy
    fullPolicy = next.fullPolicy
    settings = next.settings
    if next.hasOtherAudits { audits = next.audits }
    if next.hasOtherBudget { spending = next.spending }
    orders.adopt(next.planning, after: number, at: sensors.now)
    next.exchange(&engine)
    window.adopt(next)
    sensors.adopt(
      order: next.generation.plan.order, soundLengths: next.soundLengths,
      wakesPerMinute: settings.wakesPerMinute)
    clock.adopt(period: settings.period, now: sensors.now)
    status.publish(order: sensors.order, leftOut: [])
  }

  /// Goes over to another order, or to another set of sensors that are asked, where the planner has one for the next window.
  private func takeOrder() {
    orders.take(before: number + 1) { news in
      note(.bound(news, at: sensors.now))
    } plan: { plan in
      plan.exchange(policy: &policy, full: &fullPolicy)
      sensors.adopt(plan)
      status.publish(order: sensors.order, leftOut: sensors.leftOut)
      note(.reorder(plan.change, at: sensors.now))
      // Before the next window: another sensor may have to listen.
      sensors.selectSentinel()
    }
  }

  private func answer(windowEndingAt end: Instant) {
    number += 1
    var walk = WindowWalk(commands.isFullAsked ? fullPolicy : policy, endingAt: end)
    // What is asked for between two windows of the clock is no turn of the schedule.
    let isDrawn = end == clock.next && audits?.take(joined: clock.joined) ?? false
    let isAudited = isDrawn && !sensors.isFrugal
    window.begin(number, isAudited: isAudited, isFull: commands.isFullAsked)
    let answer = walk.run(&engine, in: &window)
    let decision = window.decide(number, walk, answer, engine)
    audits?.post(decision)
    let budgetNews = spending?.post(decision.totalEnergy, joined: clock.joined)
    assert(clock.last.map { decision.end > $0 } ?? true, "a window that is answered twice")
    if end == clock.next {
      clock.answered(windowEnding: decision.end, at: sensors.now)
    } else {
      clock.answeredBetween(windowEnding: decision.end)
    }
    commands.answered(by: number)
    assert(clock.next > decision.end, "a window that would be answered again")
    sensors.publishFigures()
    status.publish(decision, joined: clock.joined, at: sensors.now)
    deliver(decision)
    if let near = commands.link?.channel.near, near.isWanted {
      near.take(decision) { window.inputs.data(of: $0) }
    }
    status.publish(spending?.figures)
    if let budgetNews { note(.bound(budgetNews, at: decision.decided)) }
    note(window.takeEarlyEvents())
    note(window.trackEvents(decision))
    if isAudited, let audited = window.runAudit(walk, decision, &engine) {
      status.publishAudit(audited.cost)
      note(.audit(audited))
      orders.take(audited)
    }
    orders.take(poor: window.poor, after: number, at: decision.end)
  }

  private func note(_ changes: EventTracker.Changes) {
    if let event = changes.ended { note(.event(event)) }
    if let event = changes.began { note(.event(event)) }
  }

  /// What was spent since the last decision, and up to when. To be called once, when `run` has ended, however it did.
  package func closeAccounts() -> (closing: ClosingEnergy, at: Instant) {
    let now = sensors.now
    if let event = window.endEvents(at: now) { note(.event(event)) }
    var closing = window.close(at: now)
    sensors.publishFigures()
    closing.losses = sensors.accounts.map { $0.figures.losses }
    orders.end()
    return (closing, now)
  }

  /// Closes all devices and waits for their threads, within the rig's bound. To be called once, when `run` has ended
  /// and the ledger is closed: a driver that hangs may not keep records from the disk.
  package func stopSensors() {
    abandonedThreads = sensors.rig.stop()
  }
}
