import Sensing
import Synchronization
import Vocabulary

/// The sensors of a pipeline: an account of each, the one that listens, and THE wait. Whatever changes a sensor's state
/// goes through `enter`; what is known of it is asked of its account.
final class PipelineSensors<Rig: SensorRig> {
  /// Sound that ends at T is there this much later at the most: a capture period and the way through the kernel.
  private static var soundGrace: Nanoseconds { .milliseconds(200) }

  let rig: Rig
  /// In the order of the sensor numbers.
  var accounts: [SensorAccount]
  /// The sensor that listens: the first in the order that is awake, or that is waking when none is.
  private(set) var sentinel: Int
  /// The recording is over.
  private(set) var hasEnded = false
  var order: [Int]
  private let start: Instant
  let wakeDeadlines: [Nanoseconds]
  /// By sensor: how long its window of sound is; nil for a picture.
  private(set) var soundLengths: [Nanoseconds?]
  /// The sentinel changed, and nobody has been told.
  private var isSentinelNews = false
  /// Every sensor has failed, and that was told.
  private var hasNoSensor = false
  /// When failed sensors are tried again.
  private var nextTry = Instant.zero
  private let stopping = Atomic<Bool>(false)
  let record: (PipelineNote) -> Void
  let beat: () -> Void
  /// Called in a wait when another thread wants something.
  var takeCommands: () -> Bool = { false }
  /// Sensors that other programs have, by `withhold`.
  var acquired: ModalitySet = []
  var isPaused = false
  /// Devices that are to be closed and are not yet.
  var closing: ModalitySet = []
  /// Those that were in use when they were closed.
  var reopening: ModalitySet = []
  /// Sensors that are waking and that no window waits for.
  var left: ModalitySet = []
  /// Sensors that are awake, or on their way, for an audit alone: to the gate they sleep.
  var forAudit: ModalitySet = []
  /// Sensors that tell nothing at present: they sleep and are not asked. Audits are their full checks.
  var leftOut: ModalitySet = []
  /// The budget leaves nothing but for who listens.
  var isFrugal = false
  private let status: PipelineStatusBoard

  /// - Parameters:
  ///   - soundLengths: by sensor, how long its window of sound is; nil for a picture.
  ///   - record: takes what is to be recorded.
  ///   - beat: called whenever a wait is over.
  init(
    rig: Rig, order: [Int], wakeDeadlines: [Nanoseconds], wakesPerMinute: Int, soundLengths: [Nanoseconds?],
    status: PipelineStatusBoard, record: @escaping (PipelineNote) -> Void, beat: @escaping () -> Void
  ) {
    self.rig = rig
    self.order = order
    self.wakeDeadlines = wakeDeadlines
    self.soundLengths = soundLengths
    self.status = status
    self.record = record
    self.beat = beat
    sentinel = order[0]
    let start = rig.now
    self.start = start
    accounts = zip(wakeDeadlines, rig.configurations).map { deadline, sensor in
      SensorAccount(
        wakeDeadline: deadline, wakesPerMinute: wakesPerMinute, start: start,
        expectedResume: sensor.expectedResume)
    }
  }

  /// Between two windows: what another generation asks in another order. The next choice of who listens goes by it.
  func adopt(order: [Int], soundLengths: [Nanoseconds?], wakesPerMinute: Int) {
    self.order = order
    leftOut = []
    self.soundLengths = soundLengths
    for sensor in accounts.indices { accounts[sensor].allow(wakesPerMinute: wakesPerMinute) }
  }

  var now: Instant { rig.now }
  func state(of sensor: Int) -> SensorState { accounts[sensor].state }

  /// Ends all waits; callable from any thread.
  func stop() {
    stopping.store(true, ordering: .releasing)
    rig.bell.ring()
  }

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  // MARK: Changes of state

  private func enter(_ sensor: Int, _ state: SensorState) {
    let transition = accounts[sensor].enter(
      state, of: sensor, at: rig.now, detail: rig.failure(of: sensor)?.description)
    publish(sensor)
    switch state {
    case .asleep, .failed: forAudit.remove(ModalitySet(index: sensor))
    case .waking, .awake: break
    }
    guard let transition else { return }
    if state.isAwake && left.contains(index: sensor) {
      let sound = accounts[sensor].resumesAtOnce ? .zero : soundLengths[sensor] ?? .zero
      accounts[sensor].wakeTook(transition.lasted + sound)
    }
    left.remove(ModalitySet(index: sensor))
    record(.state(transition))
  }

  func publish(_ sensor: Int) { status.publish(accounts[sensor].figures, of: sensor) }

  /// What the devices count, and all figures, for the status.
  func publishFigures() {
    for place in order.indices {
      let sensor = order[place]
      accounts[sensor].count(rig.counters(of: sensor))
      publish(sensor)
    }
  }

  func putToSleep(_ sensor: Int) {
    let before = rig.state(of: sensor)
    rig.sleep(sensor)
    let after = rig.state(of: sensor)
    if after != before { enter(sensor, after) }
  }

  /// It was in use when it was closed: it stays awake for its linger time at least.
  func wakeAgain(_ sensor: Int) {
    accounts[sensor].need(at: rig.now)
    wake(sensor)
  }

  @discardableResult func wake(_ sensor: Int) -> SensorState {
    if isWithheld(sensor) { return state(of: sensor) }
    let before = rig.state(of: sensor)
    let after = rig.wake(sensor)
    // What it became by itself meanwhile is told by an event.
    if after != before { enter(sensor, after) }
    return after
  }

  /// Every sensor's time in its states is the time that has gone by.
  func hasWholeTime(at now: Instant) -> Bool {
    for place in order.indices
    where accounts[order[place]].figures.durations(at: now).total != now - start { return false }
    return true
  }

  // MARK: Which sensor listens

  /// Chooses the sensor that listens, wakes it where it sleeps, and tries failed ones again.
  ///
  /// The first of the order that is awake listens. While none is, the first that may still wake in time is waited for;
  /// where its wake takes longer than its deadline, the next is woken as well. A sensor that is tried again after a
  /// fault is none of these until it delivers, so a try costs no window that another sensor can answer.
  func selectSentinel() {
    retryFailedSensors()
    var awake: Int?
    var waking: Int?
    var isCovered = false
    // By index: an unspecialized iterator over the elements would live on the heap.
    for place in order.indices {
      let sensor = order[place]
      if isWithheld(sensor) { continue }
      var state = state(of: sensor)
      if !isCovered, case .asleep = state { state = wake(sensor) }
      switch state {
      case .awake:
        awake = awake ?? sensor
        isCovered = true
      case .waking:
        waking = waking ?? sensor
        if !isLate(sensor) { isCovered = true }
      case .asleep, .failed: break
      }
    }
    if awake == nil && waking == nil && !hasNoSensor {
      hasNoSensor = true
      record(.noSensor(at: rig.now))
    }
    let next = awake ?? waking ?? order[0]
    // Who listens is awake for the gate.
    forAudit.remove(ModalitySet(index: next))
    if next != sentinel {
      sentinel = next
      status.publish(sentinel: next)
      isSentinelNews = true
    }
    guard awake != nil else { return }
    hasNoSensor = false
    if isSentinelNews {
      isSentinelNews = false
      record(.sentinel(sensor: next, at: rig.now))
    }
  }

  /// Tries failed sensors again, for ever: the rig holds tries back for as long as its backoff says. Once a second at
  /// most, so that a short window period does not ask for nothing.
  private func retryFailedSensors() {
    guard rig.now >= nextTry else { return }
    nextTry = rig.now + .seconds(1)
    for place in order.indices {
      if case .failed = state(of: order[place]) { wake(order[place]) }
    }
  }

  // MARK: The wait

  /// How a wait ended.
  private enum WaitEnd {
    /// What was asked for is there, up to then.
    case data(Instant)
    /// The sensor that is waited for changed its state.
    case changed
    case deadline
    /// The recording is over, or the daemon ends.
    case over
    /// Something is to be done between two windows.
    case interrupted
  }

  /// THE wait: for what was asked of a sensor, at most until `deadline`. Changes of state have been entered.
  private func wait(for sensor: Int, until deadline: Instant) -> WaitEnd {
    while true {
      let asked = rig.now
      let event = rig.next(until: deadline)
      beat()
      if case .state(let other, let state) = event { enter(other, state) }
      assert(isWithinLimits(at: asked), "a sensor has been waking for longer than its limit")
      switch event {
      case .sound(let other, let instant) where other == sensor: return .data(instant)
      case .frame(let other, let instant) where other == sensor: return .data(instant)
      case .state(let other, _) where other == sensor: return .changed
      case .deadline: return .deadline
      case .ended:
        hasEnded = true
        return .over
      case .closed(let other): closing.remove(ModalitySet(index: other))
      case .interrupted: if isStopping { return .over }
      case .sound, .frame, .state: break
      }
      switch event {
      case .interrupted, .closed:
        let wasWithheld = isWithheld(sensor)
        let isMore = takeCommands()
        if isWithheld(sensor) != wasWithheld { return .changed }
        if isMore { return .interrupted }
      default: break
      }
    }
  }

  /// What the rig promises: nothing is waking for longer than its limit. `instant` lies before its last look.
  private func isWithinLimits(at instant: Instant) -> Bool {
    for place in order.indices {
      let sensor = order[place]
      if case .waking(let since) = rig.state(of: sensor),
        since + rig.configurations[sensor].wakeLimit < instant
      {
        return false
      }
    }
    return true
  }

  /// Waits until the sentinel's data for the window that ends at `end` is there, or is late. False when there is no
  /// window to answer.
  func awaitWindow(endingAt end: Instant) -> Bool {
    let isSound = soundLengths[sentinel] != nil && state(of: sentinel).isAwake
    if isSound { rig.requestSound(sentinel, until: end) }
    while true {
      switch wait(for: sentinel, until: isSound ? end + Self.soundGrace : end) {
      // What was asked for; its time may lie a sample before the window's end, as clocks are fitted.
      case .data: if isSound { return true }
      case .changed: break
      case .deadline: return !isStopping
      case .over, .interrupted: return false
      }
    }
  }

  /// Wakes the sentinel. The first window ends when its first data is whole, or when that is overdue.
  func awaitFirstWindow() -> Instant {
    let deadline = rig.now + wakeDeadlines[sentinel] + (soundLengths[sentinel] ?? .zero)
    let (outcome, instant) = awaitData(of: sentinel, for: rig.now, notBefore: rig.now, until: deadline)
    return outcome == .delivered ? instant : rig.now
  }

  /// What became of waiting for a sensor's data.
  enum DataOutcome { case delivered, deadlineMissed, failed }

  /// Wakes a sensor and waits for data that belongs to the window that ends at `end`, at most until `deadline`.
  /// - Parameter earliest: a frame captured before that does not belong.
  /// - Returns: what became of it, and the instant the data is for.
  func awaitData(
    of sensor: Int, for end: Instant, notBefore earliest: Instant, until deadline: Instant
  ) -> (DataOutcome, Instant) {
    if isWithheld(sensor) { return (.failed, end) }
    if case .failed = wake(sensor) { return (.failed, end) }
    accounts[sensor].need(at: rig.now)
    if soundLengths[sensor] == nil { rig.requestFrame(sensor, notBefore: earliest) }
    while true {
      if let length = soundLengths[sensor], case .awake(let since) = state(of: sensor) {
        // A whole window of sound has to be heard first.
        rig.requestSound(sensor, until: max(end, since + length))
      }
      switch wait(for: sensor, until: deadline) {
      case .data(let instant): return (.delivered, max(end, instant))
      case .changed:
        if isWithheld(sensor) { return (.failed, end) }
        if case .failed = state(of: sensor) { return (.failed, end) }
      // It waits for the end of the window.
      case .interrupted: break
      case .deadline, .over: return (.deadlineMissed, end)
      }
    }
  }

  /// Waits until sound up to `end` is there, so that a window can be realigned to end there; at most its grace.
  func awaitSound(upTo end: Instant) {
    for place in order.indices {
      let sensor = order[place]
      guard soundLengths[sensor] != nil, state(of: sensor).isAwake else { continue }
      rig.requestSound(sensor, until: end)
      while case .interrupted = wait(for: sensor, until: end + Self.soundGrace) {}
    }
  }

  /// Waits until devices are closed that are to be, at most until `deadline`.
  func awaitClosing(until deadline: Instant) {
    while !closing.isEmpty && isPaused {
      switch wait(for: order[0], until: deadline) {
      case .deadline: closing = []
      case .over, .interrupted: return
      case .data, .changed: break
      }
    }
  }
}
