import Glibc
import Ledger
import Linux
import Pipeline
import Sensing
import Synchronization
import Vocabulary

/// The threads of a daemon that runs, and their end: last event, recorder, ledger, devices, output; each with a bound.
extension Service {
  /// From the ledger's end on, for the devices' threads.
  private static var devicePatience: Nanoseconds { .milliseconds(700) }
  /// For the audits to be on disk; they are commonly by then.
  private static var plannerPatience: Nanoseconds { .milliseconds(300) }
  /// For the meters' last reading.
  private static var meterPatience: Nanoseconds { .milliseconds(100) }
  /// For the metrics' last figures.
  private static var textfilePatience: Nanoseconds { .milliseconds(500) }
  /// For lines that nobody has read yet.
  private static var outputPatience: Nanoseconds { .milliseconds(300) }

  func run<Rig: SensorRig>(
    _ rig: Rig, _ ledger: consuming OpenLedger, _ bell: Bell, _ signals: consuming SignalDescriptor,
    _ prints: Bool
  ) throws -> ExitCode {
    let beats = Heartbeats()
    let isReplay = recording != nil
    // Virtual time stands still while something is waited for; the machine's does not.
    let waits = isReplay && generation.configuration.replay.pace == .fast
    let events = try EventRing(waits: waits, bell: bell)
    let watch = try WatchRing { bell.ring() }
    let output = try OutputThread(entries: JournalSocket()) { bell.ring() }
    let commands = try CommandChannel()
    let link = ledger.link
    let wantsReload = ledger.wantsReload
    let threads = ledger.threads
    let recorder = Recorder(
      chain: ledger.chain, link: link, events: events, bell: bell, watch: watch, output: output, beats: beats,
      model: generation.model.model, directory: generation.configuration.ledger.directory, prints: prints,
      isReplay: isReplay, waits: waits)
    let orders = try OrderThread(generation, isReplay: isReplay, journal: Journal(queue: output.journal))
    // A replay's bytes may not depend on how long the machine took.
    let posts: @Sendable () -> Nanoseconds = { threads.time }
    let recordingTime = isReplay ? nil : posts
    let pipeline = Pipeline(
      rig: rig, model: generation.model.model, policy: generation.plan.policy, order: generation.plan.order,
      settings: PipelineSettings(generation.configuration, generation.model.model),
      energy: EnergyAccounts(
        generation.plan.energy, network: generation.model.model, recordingTime: recordingTime),
      audits: AuditTurns(generation.configuration, generation.model.model, generation.plan.energy),
      orders: orders.link,
      deliver: { events.put(.decision(copy $0)) }, note: { events.put(.note($0)) },
      beat: { beats.beatPipeline() },
      commands: CommandLink(channel: commands, record: { events.put(.command($0)) }))
    let nudge = pipeline.nudge
    let metrics = MetricsSource(
      start: generation, status: pipeline.status, ledger: recorder.ledgerStatus, board: recorder.metrics,
      journal: Journal(queue: output.journal))
    let textfile = try metricsTextfile(metrics)
    let meters = try meterThread(recorder.metrics, metrics.journal) { bell.ring() }
    var control = try ControlPlane(
      facts: DaemonFacts(
        start: generation, status: pipeline.status, order: orders.board, ledger: recorder.ledgerStatus,
        metrics: metrics, watch: watch,
        journal: Journal(queue: output.journal), beats: beats, commands: commands, nudge: nudge,
        ping: {
          bell.ring()
          nudge()
        }),
      signals: signals)
    let ends = try ThreadEnds()
    // Nobody joins these: their ends are waited for by `ThreadEnds`, `Recorder` and `OutputThread`, each with a bound.
    try Thread(named: "output") { output.run() }.abandon()
    try Thread(named: "planner") { orders.run() }.abandon()
    if let meters {
      try Thread(named: "meters") {
        threads.join()
        meters.run()
      }.abandon()
    }
    if let textfile { try Thread(named: "metrics") { textfile.run() }.abandon() }
    events.put(.start(order: generation.plan.order, at: rig.now))
    try Thread(named: "recorder") {
      threads.join()
      recorder.run()
      ends.endRecorder()
    }.abandon()
    let work = Handover(pipeline: pipeline)
    try Thread(named: "pipeline") {
      let pipeline = work.pipeline
      do throws(SensingError) {
        try pipeline.run()
      } catch {
        ends.fail(error)
      }
      let (closing, end) = pipeline.closeAccounts()
      events.put(.stop(reason: pipeline.isStopping ? "signal" : "end", closing: closing, at: end))
      // A driver that hangs may not keep records from the disk.
      ends.waitForRecorder()
      pipeline.stopSensors()
      for thread in pipeline.abandonedThreads {
        Log.write(.warning, "\(thread) hangs in its driver; ending without it")
      }
      orders.waitForEnd(within: Self.plannerPatience)
      ends.end()
    }.abandon()
    trimText()
    ServiceNotification.ready("\(generation.model.model.name), \(generation.sensors.count) sensors")
    if wantsReload { control.reload() }
    // An error here must not leave the pipeline running behind our back.
    let result = Result {
      try control.run(until: { recorder.hasEnded }) {
        ServiceNotification.stopping()
        meters?.end(within: Self.meterPatience)
        pipeline.stop()
        recorder.hurry()
      }
    }
    ServiceNotification.stopping()
    pipeline.stop()
    recorder.hurry()
    control.finish()
    let isThrough = ends.wait(for: Self.devicePatience) && recorder.hasEnded
    textfile?.end(within: Self.textfilePatience)
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    let isWritten = output.end(by: now + Self.outputPatience)
    let code = try exitCode(result, recorder, ends.failure)
    // A thread that hangs may hold what exit(3) waits for, the loader's lock for one: leave without it.
    if !isThrough || !isWritten || !pipeline.abandonedThreads.isEmpty { _exit(code.rawValue) }
    return code
  }

  private func metricsTextfile(_ source: MetricsSource) throws(LinuxError) -> MetricsTextfile? {
    let settings = generation.configuration.metrics
    return settings.textfile.isEmpty
      ? nil : try MetricsTextfile(settings.textfile, every: settings.interval, source)
  }

  /// Nil where nothing is measured: in a replay, whose time is none of a board's.
  private func meterThread(
    _ board: MetricsBoard, _ journal: Journal, tell: @escaping @Sendable () -> Void
  ) throws(LinuxError) -> MeterThread? {
    let settings = generation.configuration.energy
    guard recording == nil, settings.meters == .auto else { return nil }
    return try MeterThread(
      every: settings.meterInterval, handedOver: ServiceNotification.files, board, journal, tell: tell)
  }

  private func exitCode(
    _ result: Result<Void, any Error>, _ recorder: Recorder, _ failure: SensingError?
  ) throws -> ExitCode {
    try result.get()
    if let failure { throw failure }
    let error =
      recorder.hasEnded
      ? recorder.error : .notConfirmed(path: generation.configuration.ledger.directory, errno: nil)
    guard let error else { return .success }
    Log.write(.error, error.description)
    return error.exitCode
  }
}

/// Carries the pipeline to its thread. Unchecked: from then on that thread alone uses it, but for `stop` and
/// `status`, which are safe from any.
private struct Handover<Rig: SensorRig>: @unchecked Sendable {
  let pipeline: Pipeline<Rig>
}

/// How the pipeline's thread ended, and the bells of those who wait for an end.
private final class ThreadEnds: Sendable {
  /// Rung when the ledger is closed.
  private let recorded: Bell
  private let bell: Bell
  private let state = Mutex<(ended: Bool, failure: SensingError?)>((false, nil))

  /// No longer do the devices wait for the ledger: what it has at the most, and a little.
  private static let recorderPatience = Nanoseconds.milliseconds(3200)

  init() throws(LinuxError) {
    recorded = try Bell()
    bell = try Bell()
  }

  func endRecorder() { recorded.ring() }
  func waitForRecorder() { recorded.wait(until: bootTimeNanoseconds() + Self.recorderPatience.count) }

  func fail(_ error: SensingError) { state.withLock { $0.failure = error } }
  func end() {
    state.withLock { $0.ended = true }
    bell.ring()
  }
  var failure: SensingError? { state.withLock { $0.failure } }

  /// Waits until the pipeline's thread is through, at most for so long; whether it is.
  func wait(for time: Nanoseconds) -> Bool {
    let limit = bootTimeNanoseconds() + time.count
    while true {
      if state.withLock({ $0.ended }) { return true }
      guard bootTimeNanoseconds() < limit else { return false }
      bell.wait(until: limit)
    }
  }
}
