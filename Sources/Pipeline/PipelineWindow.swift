import Energy
import Engine
import Policies
import Scheduling
import Sensing
import Vocabulary

/// The window at hand, as its walk sees it: what the sensors have for it, their wakes, and what it costs. One for all
/// windows of a pipeline; `begin` starts the next.
struct PipelineWindow<Rig: SensorRig>: WalkEnvironment {
  private let sensors: PipelineSensors<Rig>
  private var settings: PipelineSettings
  private let modalities: Range<Int>
  private var noneClass: Int?
  private(set) var inputs: WindowInputs
  private var energy: EnergyAccounts
  private var fullChecks: FullCheckClock
  private var worth = WakeWorth()
  private var isFullCheckDue = false
  /// Nil where no class means "nothing".
  private var events: StreamEvents?
  private var number: UInt64 = 0
  /// Sensors woken for this window, over all its realignments.
  private var woken: ModalitySet = []
  /// Sensors that it did not wait for.
  private var missing: ModalitySet = []
  /// Every exit is to be run on it when the gate has concluded it.
  private var isAudited = false
  private var isFull = false
  /// Of an audited window: sensors that have its data, those awake for the audit alone among them, and the quiet ones.
  private var auditable: ModalitySet = []
  private var quiet: ModalitySet = []
  private var audit: WindowAudit?
  /// Sensors that are there and still, by their activity checks.
  private var inactive: ModalitySet = []
  /// Those of them that are on their way.
  private var pending: ModalitySet = []

  init(
    sensors: PipelineSensors<Rig>, model: Model, settings: PipelineSettings, inputs: WindowInputs,
    energy: EnergyAccounts
  ) {
    events = settings.events
    self.sensors = sensors
    self.settings = settings
    self.inputs = inputs
    self.energy = energy
    modalities = model.modalities.indices
    noneClass = model.noneClass
    fullChecks = FullCheckClock(
      period: settings.period, maximumBlind: settings.maximumBlind,
      afterEvent: settings.maximumBlindAfterEvent, start: sensors.now)
  }

  var now: Instant { sensors.now }

  /// Between two windows: goes over to another generation. The sensors' time since the last decision is accounted for by
  /// its figures.
  mutating func adopt(_ next: NextGeneration) {
    settings = next.settings
    noneClass = next.policy.noneClass
    if next.hasOtherEvents { events = settings.events }
    next.exchange(&inputs)
    next.exchange(&energy)
    fullChecks.adopt(
      period: settings.period, maximumBlind: settings.maximumBlind,
      afterEvent: settings.maximumBlindAfterEvent)
  }

  /// Sensors whose data tells nothing.
  var poor: ModalitySet { inputs.poor }

  /// When all sensors have to be awake again; nil where no class means "nothing", and they never have to.
  var nextFullCheck: FullCheckClock? { noneClass == nil ? nil : fullChecks }

  /// Something is going on, or may be.
  var isEventOpen: Bool { events?.isOpen ?? false }

  /// - Parameters:
  ///   - number: its decision's.
  ///   - isAudited: every exit is to be run on it.
  ///   - isFull: every sensor that can be had is asked, also one that tells nothing.
  mutating func begin(_ number: UInt64, isAudited: Bool, isFull: Bool) {
    self.number = number
    self.isAudited = isAudited
    self.isFull = isFull
    audit = nil
    energy.begin()
    (woken, missing, pending, inactive) = ([], [], [], [])
    isFullCheckDue = false
  }

  mutating func gather(endingAt end: Instant, isDoubted: Bool) -> WindowConditions {
    var conditions = WindowConditions(now: now, present: [])
    var longestWake = Nanoseconds.zero
    (auditable, quiet) = ([], [])
    let isEventOpen = isEventOpen
    var mute: ModalitySet = []
    for modality in modalities {
      let set = ModalitySet(index: modality)
      if !isFull && isLeftOut(modality) {
        if modality == sensors.sentinel { mute.insert(set) }
        if isAudited || modality == sensors.sentinel { gatherForAudit(modality, endingAt: end) }
        continue
      }
      switch sensors.state(of: modality) {
      case .asleep where sensors.isWithheld(modality): missing.insert(set)
      case .asleep: conditions.wakeable.insert(set)
      // One that a window has waited for in vain is not waited for again: it is taken in when it delivers.
      case .waking where sensors.isLate(modality): missing.insert(set)
      case .waking: conditions.wakeable.insert(set)
      case .failed: missing.insert(set)
      // It failed a moment ago, which the next event tells.
      case .awake where !sensors.rig.state(of: modality).isAwake: missing.insert(set)
      case .awake where sensors.forAudit.contains(set):
        conditions.wakeable.insert(set)
        if isAudited { gatherForAudit(modality, endingAt: end) }
      case .awake:
        switch inputs.gather(
          modality, from: sensors.rig, endingAt: end, maximumSkew: settings.maximumSkew)
        {
        case .whole(let active, let prominence):
          conditions.present.insert(set)
          if let prominence { events?.enter(prominence: prominence, of: modality) }
          auditable.insert(set)
          if !active { quiet.insert(set) }
          if !active && !isDoubted && !isEventOpen { conditions.inactive.insert(set) }
        case .lossy:
          conditions.present.insert(set)
          conditions.invalid.insert(set)
        case .notYet: conditions.wakeable.insert(set)
        }
      }
      if conditions.wakeable.contains(set) {
        longestWake = max(longestWake, sensors.accounts[modality].wakeToWindow(period: settings.period))
      }
    }
    fullChecks.areWorthMore = worth.pays(price(of: conditions.wakeable), for: settings.rightAnswerWorth)
    conditions.lookDue = noneClass != nil && fullChecks.isDue(at: end, wake: longestWake)
    isFullCheckDue = isFullCheckDue || conditions.lookDue
    if conditions.present.isEmpty && !conditions.lookDue {
      // Who listens and tells nothing is taken as quiet: its encoder is left out, and the others' full checks go on.
      conditions.present.formUnion(mute)
      conditions.inactive.formUnion(mute)
    }
    inactive = conditions.inactive
    return conditions
  }

  /// Whether a window is answered without it. Who listens is asked all the same where nobody else can be, or where stillness
  /// answers no window.
  private func isLeftOut(_ modality: Int) -> Bool {
    guard modality == sensors.sentinel else { return sensors.isLeftOut(modality) }
    guard sensors.leftOut.contains(index: modality) else { return false }
    guard settings.activityCheck, noneClass != nil else { return false }
    for other in modalities where other != modality && !sensors.leftOut.contains(index: other) {
      if sensors.canBeHad(other) { return true }
    }
    return false
  }

  mutating func setInput(_ modality: Int, of engine: inout Engine) {
    let work = inputs.set(modality, of: &engine)
    energy.charge(featuresOf: modality, work)
    if let work { sensors.accounts[modality].count(work) }
  }

  mutating func didRun(_ reading: Reading, _ engine: borrowing Engine, of modalities: ModalitySet) {
    events?.enter(reading, engine, of: modalities)
    energy.charge(segment: reading)
  }

  mutating func wake(
    _ modality: Int, for end: Instant, until deadline: Instant, hasReading: Bool
  ) -> WakeResult {
    let set = ModalitySet(index: modality)
    let before = sensors.state(of: modality)
    let wasAwake = before.isAwake
    let sleeps = before == .asleep || sensors.forAudit.contains(set)
    // A word or a hand lasts for several windows, and a blip for one: the next window may confirm it.
    if hasReading, sleeps, !isFullCheckDue, let events, events.suspicion < settings.wakeEvidence {
      return .outcome(.refused)
    }
    if let outcome = takeOver(modality, for: end) { return outcome }
    // Who can answer this window can answer the next one too, and does not miss it for a wake.
    let limit = hasReading ? min(deadline, end + settings.period) : deadline
    if limit < deadline && !wasAwake {
      guard let expected = sensors.startWake(modality) else { return .outcome(.failed) }
      if before == .asleep { woken.insert(set) }
      if expected > limit {
        pending.insert(set)
        sensors.leaveWaking(modality)
        return .outcome(.pending)
      }
    }
    let (outcome, instant) = sensors.awaitData(
      of: modality, for: end, notBefore: end - settings.maximumSkew, until: limit)
    if !wasAwake { woken.insert(set) }
    switch outcome {
    case .deadlineMissed where limit < deadline:
      pending.insert(set)
      if !wasAwake { sensors.leaveWaking(modality) }
      return .outcome(.pending)
    case .delivered:
      // A wake that an earlier window has left counts from its own begin: `enter` has done that.
      if before == .asleep { sensors.accounts[modality].wakeTook(instant - end) }
      if instant - end > settings.maximumSkew { return .deliveredLater(instant) }
      guard
        case .whole(_, let prominence) = inputs.gather(
          modality, from: sensors.rig, endingAt: end, maximumSkew: settings.maximumSkew)
      else { return .outcome(.deadlineMissed) }
      auditable.insert(set)
      if let prominence { events?.enter(prominence: prominence, of: modality) }
      return .outcome(.delivered)
    case .deadlineMissed: return .outcome(.deadlineMissed)
    case .failed: return .outcome(.failed)
    }
  }

  /// Joules for waking these sensors and one window of theirs.
  private func price(of sleeping: ModalitySet) -> Double {
    var sum = Nanojoules.zero
    for modality in modalities where sleeping.contains(index: modality) {
      let account = sensors.accounts[modality]
      // A wake that nobody has seen is taken to last half its deadline, as where the order is made.
      let wake = account.lastWake == nil ? Nanoseconds(account.expectedWake.count / 2) : account.expectedWake
      sum += energy.model.wake(modality, taking: wake, awake: settings.period)
    }
    return sum.joules
  }

  private mutating func gatherForAudit(_ modality: Int, endingAt end: Instant) {
    let set = ModalitySet(index: modality)
    guard sensors.rig.state(of: modality).isAwake,
      case .whole(let active, _) = inputs.gather(
        modality, from: sensors.rig, endingAt: end, maximumSkew: settings.maximumSkew)
    else { return }
    auditable.insert(set)
    if !active { quiet.insert(set) }
  }

  /// A sensor that is awake for an audit is asked for by the gate: from now on it is awake for the gate, and there at once
  /// where it has the window's data.
  private mutating func takeOver(_ modality: Int, for end: Instant) -> WakeResult? {
    let set = ModalitySet(index: modality)
    guard sensors.forAudit.contains(set) else { return nil }
    sensors.forAudit.subtract(set)
    woken.insert(set)
    guard sensors.state(of: modality).isAwake else { return nil }
    if !auditable.contains(set) { gatherForAudit(modality, endingAt: end) }
    guard auditable.contains(set) else { return nil }
    sensors.accounts[modality].need(at: now)
    return .outcome(.delivered)
  }

  mutating func willRealign(from end: Instant) {
    let (now, isExpectant) = (now, fullChecks.isExpectant(at: end))
    events?.observe(realignedFrom: end, decision: number, isExpectant: isExpectant, at: now)
  }

  func awaitData(upTo end: Instant) { sensors.awaitSound(upTo: end) }

  func canFuse(_ modalities: ModalitySet) -> Bool {
    inputs.distance(among: modalities).map { $0 <= settings.maximumSkew } ?? true
  }

  /// The decision that a walk to its end comes to, with all that was spent since the last one.
  mutating func decide(
    _ number: UInt64, _ walk: borrowing WindowWalk, _ answer: Answer, _ engine: borrowing Engine
  ) -> Decision {
    let now = now
    let gate = walk.gate
    var decision = Decision(number: number, start: walk.end - inputs.longest, end: walk.end)
    decision.answer = answer
    decision.decided = now
    decision.provisional = gate.provisional
    decision.look = gate.look
    decision.woken = woken
    decision.used = gate.asked
    decision.missing = missing.union(gate.missing)
    decision.skew = inputs.skew(among: gate.asked)
    decision.trace = walk.trace
    decision.macs = walk.macs
    assert(sensors.hasWholeTime(at: now), "a sensor's time in its states is not the time that went by")
    assert(
      noneClass == nil || walk.isFullCheckDue || walk.end - fullChecks.last <= settings.maximumBlind,
      "a window beyond max-blind that is no full check")
    if gate.allLooked { fullChecks.completed(at: walk.end) }
    if isAudited && !auditable.isEmpty && canFuse(auditable) {
      let plan = WindowAudit(available: auditable, inactive: quiet)
      plan.charge(walk, engine, inputs, to: &energy)
      if auditable.isSuperset(of: gate.live) { fullChecks.completed(at: walk.end) }
      audit = plan
    }
    noteNeeds(walk, answer, at: now)
    energy.post(
      to: &decision, sensors: &sensors.accounts, at: now, forAudit: sensors.forAudit, isAudited: isAudited)
    if isAudited { sensors.forAudit = [] }
    return decision
  }

  /// A sensor was needed by a window that the others did not settle, or that it found something in. A full check that found
  /// nothing is no need, nor is having been asked for being awake, or whether it overrides another: the sensor may sleep again.
  private func noteNeeds(_ walk: borrowing WindowWalk, _ answer: Answer, at now: Instant) {
    let gate = walk.gate
    let isNone = noneClass != nil && answer.label == noneClass
    for modality in modalities where gate.answering.union(pending).contains(index: modality) {
      if isNone && walk.isFullCheckDue {
        if gate.look && woken.contains(index: modality) {
          sensors.accounts[modality].need(at: now - settings.linger[modality])
        }
      } else if !isNone || gate.wanted.contains(index: modality) {
        sensors.accounts[modality].need(at: now)
      }
    }
  }

  /// Runs the exits that the gate left out of an audited window, when its decision has been handed on. Nil where it is none,
  /// or its data could not be had.
  mutating func runAudit(
    _ walk: borrowing WindowWalk, _ decision: borrowing Decision, _ engine: inout Engine
  ) -> AuditedWindow? {
    guard let audit else { return nil }
    let sensors = sensors
    var audited = audit.run(walk, decision, &engine, inputs) { sensors.accounts[$0].count($1) }
    audited.at = now
    return audited
  }

  /// What the window came to before it was realigned; to be noted before what it comes to in the end.
  mutating func takeEarlyEvents() -> EventTracker.Changes { events?.takeEarly() ?? EventTracker.Changes() }

  /// What the windows so far come to.
  mutating func trackEvents(_ decision: borrowing Decision) -> EventTracker.Changes {
    if decision.answer.reason == .inactive { events?.enter(inactive: decision.answer, inactive) }
    events?.observe(endingAt: decision.end, isExpectant: fullChecks.isExpectant(at: decision.end))
    if decision.look, decision.woken.count > 0 { worth.note(hasFound: isEventOpen) }
    let changes = events?.track(decision) ?? EventTracker.Changes()
    if events?.isEvent ?? false { fullChecks.event(at: decision.end) }
    return changes
  }

  /// The event that went on to the end.
  mutating func endEvents(at now: Instant) -> StreamEvent? { events?.end(at: now) }

  /// What was spent since the last decision.
  mutating func close(at now: Instant) -> ClosingEnergy {
    energy.close(sensors: &sensors.accounts, at: now)
  }
}
