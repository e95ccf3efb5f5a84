import Engine
import Scheduling
import Sensing
import Synchronization
import Vocabulary

/// How the pipeline is paced and when sensors sleep.
package struct PipelineSettings: Sendable {
  /// Time between the ends of two windows.
  package var period: Nanoseconds
  package var maximumSkew: Nanoseconds
  package var maximumBlind: Nanoseconds
  /// By modality: how long a woken sensor stays awake after it was last needed.
  package var linger: [Nanoseconds]
  package var wakesPerMinute: Int
  package var activityCheck: Bool

  package init(_ configuration: Configuration, _ model: Model) {
    period = configuration.general.windowPeriod
    maximumSkew = configuration.gate.maximumSkew
    maximumBlind = configuration.gate.maximumBlind
    linger = model.modalities.map { configuration.sensor(for: $0.name).linger }
    wakesPerMinute = configuration.gate.wakesPerMinute
    activityCheck = configuration.gate.activityCheck
  }
}

/// THE loop: takes a window, walks it through the gate, wakes what the gate wants woken, accounts for the energy
/// and hands the decision on. One thread runs it; the other threads may only call `stop`.
///
/// Sensor numbers are the model's modality numbers. After `init` nothing here allocates for a window.
package final class Pipeline<Rig: SensorRig> {
  /// Sound that ends at T is there this much later at the most: a capture period and the way through the kernel.
  static var soundGrace: Nanoseconds { .milliseconds(200) }

  let rig: Rig
  var engine: Engine
  let model: Model
  var gate: Gate
  let settings: PipelineSettings
  /// The sensor that listens: the first in the order that is awake, or that is waking when none is.
  var sentinel: Int
  /// The sentinel changed, and nobody has been told.
  var sentinelIsNews = false
  /// Every sensor has failed.
  var hasNoSensor = false
  /// When failed sensors are tried again.
  var nextTry = Instant.zero
  /// Modalities by their first exit in the plan.
  let order: [Int]

  var inputs: WindowInputs
  var hours: SensorHours
  var budgets: [WakeBudget]
  var lastNeeded: [Instant]
  /// By sensor: faults it has been reported with since it last delivered. A driver that hangs fails in several ways by
  /// turns, for as long as it is tried again.
  var reportedFaults: [Set<SensorFault>]
  var looks: LookClock
  var energy: EnergyAccounts
  var clock: WindowClock
  var number: UInt64 = 0
  /// How often the window at hand has been cut anew.
  var recuts = 0
  /// The window at hand has to be a look, however often it is cut anew.
  var lookDue = false
  var ended = false
  private var lastEnd: Instant?
  /// Threads that hang in a driver and were left to themselves when the pipeline ended.
  private(set) var abandonedThreads: [String] = []
  private let stopping = Atomic<Bool>(false)

  let deliver: (borrowing Decision) -> Void
  let note: (PipelineNote) -> Void
  private let beat: () -> Void
  package let status: PipelineStatusBoard

  /// - Parameters:
  ///   - rig: one sensor a modality, in the model's order.
  ///   - deliver: called on the pipeline's thread with every decision.
  ///   - note: called on the pipeline's thread with what happened besides decisions.
  ///   - beat: called on the pipeline's thread whenever a wait is over: a sign of life.
  package init(
    rig: Rig, model: Model, policy: GatePolicy, order: [Int], settings: PipelineSettings,
    energy: EnergyAccounts,
    deliver: @escaping (borrowing Decision) -> Void, note: @escaping (PipelineNote) -> Void,
    beat: @escaping () -> Void = {}
  ) {
    self.rig = rig
    self.model = model
    engine = Engine(model)
    gate = Gate(policy)
    self.settings = settings
    self.order = order
    sentinel = order[0]
    let start = rig.now
    inputs = WindowInputs(model: model, activityCheck: settings.activityCheck && model.noneClass != nil)
    hours = SensorHours(sensors: model.modalities.count, start: start)
    budgets = Array(
      repeating: WakeBudget(perMinute: settings.wakesPerMinute), count: model.modalities.count)
    lastNeeded = Array(repeating: start, count: model.modalities.count)
    reportedFaults = Array(repeating: [], count: model.modalities.count)
    looks = LookClock(
      period: settings.period, maximumBlind: settings.maximumBlind, wakeDeadlines: gate.policy.wakeDeadlines,
      start: start)
    self.energy = energy
    clock = WindowClock(first: start, period: settings.period)
    self.deliver = deliver
    self.note = note
    self.beat = beat
    status = PipelineStatusBoard(sensors: model.modalities.count, sentinel: order[0])
  }

  /// Makes `run` return soon; callable from any thread.
  package func stop() {
    stopping.store(true, ordering: .releasing)
    rig.bell.ring()
  }

  /// Has the pipeline take a turn though nothing happened; callable from any thread.
  package var nudge: @Sendable () -> Void {
    let bell = rig.bell
    return { bell.ring() }
  }

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Runs until the recording ends or `stop` is called. The sensors are as they were then, until `stopSensors`.
  package func run() throws(SensingError) {
    try rig.start()
    clock = WindowClock(first: firstEnd(), period: settings.period)
    keepSentinel()
    while !ended && !isStopping {
      guard waitForWindow(endingAt: clock.next) else { continue }
      let decision = answer(windowEndingAt: clock.next)
      clock.answered(windowEnding: decision.end, at: rig.now)
      publish(decision)
      // Before sensors are put to sleep: one that came back may be the one to listen from now on.
      keepSentinel()
      letSleep(at: rig.now)
    }
  }

  /// Closes all devices and waits for their threads, within the rig's bound. To be called once, when `run` has ended
  /// and the ledger is closed: a driver that hangs may not keep records from the disk.
  func stopSensors() {
    abandonedThreads = rig.stop()
    for thread in abandonedThreads {
      Log.write(.warning, "\(thread) hangs in its driver; ending without it")
    }
  }

  /// The rig's next event, at most until `deadline`; changes of state and the recording's end have been entered.
  func nextEvent(until deadline: Instant) -> SensorEvent {
    let asked = rig.now
    let event = rig.next(until: deadline)
    beat()
    switch event {
    case .state(let sensor, let state): noteState(sensor, state)
    case .ended: ended = true
    default: break
    }
    assert(noStateIsOverdue(at: asked), "a sensor has been waking for longer than its limit")
    return event
  }

  /// Wakes the sentinel. The first window ends when its first data is whole, or when that is overdue.
  private func firstEnd() -> Instant {
    let deadline = rig.now + gate.policy.wakeDeadlines[sentinel] + inputs.length(of: sentinel)
    let (tale, instant) = self.await(sentinel, for: rig.now, deadline: deadline)
    return tale == .delivered ? instant : rig.now
  }

  /// Waits until the sentinel's data for the window is there, or is late. False when there is no window to answer.
  private func waitForWindow(endingAt end: Instant) -> Bool {
    let isSound = inputs.isSound(sentinel) && rig.state(of: sentinel).isAwake
    if isSound { rig.requestSound(sentinel, until: end) }
    let deadline = isSound ? end + Self.soundGrace : end
    while true {
      switch nextEvent(until: deadline) {
      // The event that was asked for; its time may lie a sample before the window's end, as clocks are fitted.
      case .sound(let sensor, _) where sensor == sentinel: return true
      case .deadline: return !isStopping
      case .ended: return false
      case .interrupted: if isStopping { return false }
      case .sound, .frame, .state: break
      }
    }
  }

  private func publish(_ decision: borrowing Decision) {
    let end = decision.end
    assert(lastEnd.map { end > $0 } ?? true, "a window that is answered twice")
    lastEnd = end
    status.note(decision, joined: clock.joined, looked: gate.look, now: rig.now)
    deliver(decision)
  }
}
