import Sensing
import Vocabulary

/// A sensor went from one state to another, as the pipeline saw it. The ledger's records and the journal's lines are
/// made from this alone.
package struct SensorTransition: Sendable {
  package let sensor: Int
  package let from: SensorState
  package let to: SensorState
  package let at: Instant
  /// How long it had been in the state it left.
  package let lasted: Nanoseconds
  /// It delivers again after a fault that was reported.
  package let isRecovery: Bool
  /// To `failed`: the line for people.
  package let detail: String?

  /// The time awake that ended with it; zero where it was not awake.
  package var awake: Nanoseconds { from.isAwake ? lasted : .zero }
}

/// All that the pipeline knows of one sensor. Status, energy, ledger and journal are told from here, so that an awake
/// time is the same in each. After `init` nothing in it takes from the heap.
struct SensorAccount: Sendable {
  private(set) var figures: SensorFigures
  /// When a window last used it or waited for it.
  private(set) var lastNeeded: Instant
  /// How long a wake is expected to take, up to its first data: the deadline until one has been seen. Follows a slower wake
  /// at once and a faster one by an eighth. Of a sensor whose device stays open asleep, from such a sleep.
  private var usualWake: Nanoseconds
  /// The same from a closed device, where it usually stays open: what the last such wake took.
  private var coldWake: Nanoseconds
  /// Of such a device: what a wake is taken to last before one has been seen. Nil where it is closed asleep.
  private let expectedResume: Nanoseconds?
  /// Its device stays open, or would if it slept now.
  private var isOpen = false
  /// The wake at hand, or the last one, opened the device though it usually stays open.
  private var isColdWake = false
  private var hasResumed = false
  /// The price of a wrong doubt is one full check that comes late, by less than the wake takes: less than once an hour where
  /// a wake takes all of max-blind.
  static let doubtTime = Nanoseconds.seconds(600)
  /// Since when the expected wake keeps it awake, or was last lowered for that.
  private var keptAwakeSince: Instant?
  /// How long its last wake took; nil before the first.
  private(set) var lastWake: Nanoseconds?
  private var budget: WakeBudget
  /// Faults it was reported with since it last delivered; each kind once. A driver that hangs fails in several ways by
  /// turns, for as long as it is tried again.
  private var reportedFaults = Bounded<16, SensorFault>(filler: .absent)
  /// Of the time in each state, what has been posted as energy.
  private var posted = StateDurations()
  /// Since when it may not be used, and the time of that since the last posting that is over.
  private var withheldSince: Instant?
  private var withheld = Nanoseconds.zero
  /// The same of its sleep with the device closed.
  private var closedSince: Instant?
  private var closed = Nanoseconds.zero
  /// When the journal was last told that it is held awake.
  private var heldTold: Instant?

  /// - Parameter expectedResume: of a device that stays open asleep, how long a wake is taken to last; nil where it is closed.
  init(
    wakeDeadline: Nanoseconds, wakesPerMinute: Int, start: Instant, expectedResume: Nanoseconds? = nil
  ) {
    figures = SensorFigures(start: start)
    lastNeeded = start
    usualWake = wakeDeadline
    coldWake = wakeDeadline
    self.expectedResume = expectedResume
    closedSince = start
    budget = WakeBudget(perMinute: wakesPerMinute)
  }

  /// From now on so many wakes a minute. Takes from the heap where that changes.
  mutating func allow(wakesPerMinute limit: Int) {
    if limit != budget.limit { budget = budget.with(perMinute: limit) }
  }

  /// How long a wake is expected to take from where it sleeps, or would if it slept now.
  var expectedWake: Nanoseconds {
    expectedResume == nil || isOpen ? usualWake : max(coldWake, usualWake)
  }

  /// A window's sound is there with its wake: its stream has run on.
  var resumesAtOnce: Bool { expectedResume == .zero && !isColdWake }

  var state: SensorState { figures.state }
  /// As many wakes as are allowed lie within the last minute.
  func isWakeBudgetSpent(at now: Instant) -> Bool { budget.isSpent(at: now) }

  /// Enters a state at `now`.
  /// - Parameter detail: the line for people about the fault, where there is one.
  /// - Returns: what is to be reported; nil where that is nothing new.
  mutating func enter(
    _ state: SensorState, of sensor: Int, at now: Instant, detail: @autoclosure () -> String?
  ) -> SensorTransition? {
    let from = figures.state
    if state == from { return nil }
    if case .failed(let fault, _) = state, case .failed(fault, _) = from { return nil }
    let lasted = figures.enter(state, at: now)
    endClosedSleep(at: now)
    var isRecovery = false
    var line: String?
    switch state {
    case .waking:
      figures.wakes += 1
      budget.note(wakeAt: now)
      isColdWake = expectedResume != nil && !isOpen
    case .awake:
      isOpen = expectedResume != nil
      isRecovery = reportedFaults.count > 0
      reportedFaults.removeAll()
    case .failed(let fault, _):
      isOpen = false
      figures.faults += 1
      if hasReported(fault) { return nil }
      reportedFaults.append(fault)
      line = detail()
    case .asleep: if !isOpen { closedSince = now }
    }
    if !state.isAwake { figures.heldAwake = false }
    return SensorTransition(
      sensor: sensor, from: from, to: state, at: now, lasted: lasted, isRecovery: isRecovery, detail: line)
  }

  private func hasReported(_ fault: SensorFault) -> Bool {
    for index in reportedFaults.indices where reportedFaults[index] == fault { return true }
    return false
  }

  /// A window used it, or waits for it, at `now`. An earlier time takes an earlier need back.
  mutating func need(at now: Instant) { lastNeeded = now }

  /// It delivered, so long after the end of the window that it was woken for.
  mutating func wakeTook(_ latency: Nanoseconds) {
    keptAwakeSince = nil
    if let expectedResume, isColdWake {
      coldWake = latency
      if lastWake != nil { return }
      usualWake = expectedResume
      lastWake = expectedResume
      return
    }
    // The deadline is a guess: a sensor that it keeps awake would never be woken, and the guess never corrected.
    let isGuess = lastWake == nil || expectedResume != nil && !hasResumed
    let before = isGuess ? .zero : usualWake
    usualWake = max(latency, before - Nanoseconds(before.count / 8))
    lastWake = latency
    hasResumed = true
  }

  /// It would sleep, and the wake it is expected to take keeps it awake. One slow wake may not do so for good, as no
  /// other would ever be seen: after each `doubtTime` of that, a shorter one is expected.
  private mutating func keepAwake(at now: Instant) {
    let since = keptAwakeSince ?? now
    keptAwakeSince = since
    guard now - since >= Self.doubtTime else { return }
    usualWake = usualWake - Nanoseconds(usualWake.count / 8)
    keptAwakeSince = now
  }

  /// The longest that it is expected to be from its wake to a window of its own. One that is known to take longer than a
  /// period is not waited for: the next window takes what it delivers, up to a period later.
  func wakeToWindow(period: Nanoseconds) -> Nanoseconds {
    if let lastWake, lastWake > period { expectedWake + period } else { expectedWake }
  }

  /// Whether the next full check leaves it more sleep than its wake takes; nil where there is none.
  mutating func maySleep(from now: Instant, _ fullChecks: FullCheckClock?) -> Bool {
    guard let fullChecks, !fullChecks.leavesSleep(from: now, wake: wakeToWindow(period: fullChecks.period))
    else { return true }
    keepAwake(at: now)
    return false
  }

  /// It would sleep and may not.
  /// - Returns: whether that is new, and whether the journal is to be told: once an hour, the ledger each time.
  mutating func holdAwake(at now: Instant) -> (isNew: Bool, isTold: Bool) {
    if figures.heldAwake { return (false, false) }
    figures.heldAwake = true
    if let heldTold, now - heldTold < .seconds(3600) { return (true, false) }
    heldTold = now
    return (true, true)
  }

  /// What its device counts now.
  mutating func count(_ counters: SensorCounters) { figures.counters = counters }

  /// A window's spectrogram was made.
  mutating func count(_ work: SpectrogramWork) {
    figures.spectrogram.computed += work.computed
    figures.spectrogram.frames += work.frames
  }

  /// From `now` on another program has it, or the daemon is paused; or that is over.
  mutating func withhold(_ isWithheld: Bool, at now: Instant) {
    if let since = withheldSince {
      withheld = withheld + max(.zero, now - since)
      withheldSince = isWithheld ? now : nil
    } else if isWithheld {
      withheldSince = now
    }
    if isWithheld { close(at: now) }
  }

  /// Its device is closed from `now` on, until it wakes.
  private mutating func close(at now: Instant) {
    isOpen = false
    if state == .asleep && closedSince == nil { closedSince = now }
  }

  private mutating func endClosedSleep(at now: Instant) {
    if let since = closedSince { closed = closed + max(.zero, now - since) }
    closedSince = nil
  }

  /// Time since the last posting.
  struct Share {
    var states = StateDurations()
    /// Of the time asleep, what it may not be used in: nobody would have kept it on then.
    var withheld = Nanoseconds.zero
    /// Of the time asleep, that in which the device was closed.
    var closed = Nanoseconds.zero
    /// The time in which it could have been kept on.
    var obtainable: Nanoseconds { states.total - states.failed - withheld }
  }

  /// Time in each state from the last posting up to `now`; the next one begins there.
  mutating func post(at now: Instant) -> Share {
    let durations = figures.durations(at: now)
    defer { posted = durations }
    withhold(withheldSince != nil, at: now)
    defer { withheld = .zero }
    let states = durations - posted
    let isClosed = closedSince != nil
    endClosedSleep(at: now)
    if isClosed { closedSince = now }
    defer { closed = .zero }
    return Share(
      states: states, withheld: min(withheld, states.asleep), closed: min(closed, states.asleep))
  }
}
