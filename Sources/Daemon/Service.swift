import Engine
import Glibc
import Ledger
import Linux
import Sensing
import Synchronization
import Varlink
import Vocabulary

/// The daemon from start to end. Start order: model, plan, recording, ledger, sensors, socket, pipeline; what was
/// started last ends first.
package struct Service: Sendable {
  let loaded: LoadedConfiguration
  let model: LoadedModel
  let plan: PolicyPlan
  let recording: RecordingFile?
  let sensors: [SensorConfiguration]

  /// Reads and checks everything that can be without touching a device or writing a file.
  package init(_ loaded: LoadedConfiguration) throws(StartupError) {
    self.loaded = loaded
    do {
      try UnixSocket.check(loaded.configuration.general.socket)
    } catch {
      throw StartupError(error, at: loaded.places.place("daemon", "socket"))
    }
    model = try LoadedModel(path: loaded.configuration.general.model, loaded.places)
    plan = try PolicyPlan(loaded.configuration, model.model, loaded.places)
    sensors = try Rigs.configurations(loaded.configuration, model.model)
    let directory = loaded.configuration.replay.recording
    recording =
      directory.isEmpty
      ? nil : try RecordingFile(directory: directory, at: loaded.places.place("replay", "recording"))
    try recording?.check(sensors)
  }

  /// Every setting with its value: a configuration file again.
  package func printedConfiguration() -> String {
    ConfigurationListing(loaded.configuration, model: model.model, energy: plan.energy).text
  }

  /// What is allowed and works against itself; one line, or nil.
  package var advice: String? { LookAdvice.text(loaded.configuration, model.model) }

  /// Runs until the recording ends or a signal comes.
  package func run(printingDecisions prints: Bool) throws(StartupError) -> ExitCode {
    do {
      let signals = try SignalDescriptor()
      // Clients, and some for sensors, ledger and libraries.
      raiseOpenFileLimit(to: VarlinkLimits().clients + 256)
      let ledger = try openLedger()
      if let recording {
        let replay = loaded.configuration.replay
        let rig = try ReplayRig(
          recording.description, in: recording.directory, sensors: sensors,
          pace: replay.pace == .fast ? .asFastAsPossible : .realTime(BootClock()), loops: replay.loop,
          report: { Log.write(.warning, $0) })
        return try run(rig, ledger, signals, prints)
      }
      return try run(try DeviceRig(sensors: sensors), ledger, signals, prints)
    } catch let error as StartupError {
      throw error
    } catch let error as SensingError {
      throw StartupError(error)
    } catch let error as LedgerError {
      throw StartupError(error)
    } catch let error as LinuxError {
      throw StartupError(error, remedy: "the daemon could not start")
    } catch {
      throw StartupError("\(error)", .software)
    }
  }

  private func openLedger() throws(StartupError) -> LedgerWriter {
    let settings = loaded.configuration.ledger
    var options = LedgerOptions()
    options.segmentBytes = settings.segmentBytes
    options.flushInterval = settings.flushInterval
    let names = Names(
      classes: model.model.classes, modalities: model.model.modalities.map(\.name),
      energySource: plan.energy.source)
    let bootID = recording.map { "replay-" + $0.digest.hexString.prefix(16) } ?? Self.kernelBootID()
    // A first start finds no folder. Where it cannot be made, the ledger says what is wrong.
    mkdir(settings.directory, 0o750)
    do throws(LedgerError) {
      return try LedgerWriter(
        directory: settings.directory,
        identity: LedgerIdentity(
          bootID: bootID, model: model.digest, configuration: loaded.digest, names: names),
        at: LedgerStamp(boot: recording == nil ? Instant(sinceBoot: bootTimeNanoseconds()) : .zero),
        options: options)
    } catch {
      throw StartupError(error, at: "\(loaded.places.place("ledger", "directory")): directory")
    }
  }

  /// The kernel's; where that is hidden (systemd's ProcSubset=pid) an id of this run, and a line that says so.
  private static func kernelBootID() -> String {
    let path = "/proc/sys/kernel/random/boot_id"
    do {
      let bytes = try readFile(path, limit: 128)
      return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    } catch {
      Log.write(
        .warning,
        "\(error); the ledger's boot_id is one of this run alone; let the daemon read \(path) (ProcSubset=all)"
      )
      return "run-\(bootTimeNanoseconds())"
    }
  }

  private func run<Rig: SensorRig>(
    _ rig: Rig, _ ledger: consuming LedgerWriter, _ signals: consuming SignalDescriptor, _ prints: Bool
  ) throws -> ExitCode {
    let channel = try DecisionChannel()
    let sink = DecisionSink(
      ledger: ledger, channel: channel, model: model.model, prints: prints, isReplay: recording != nil)
    let pipeline = Pipeline(
      rig: rig, model: model.model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(loaded.configuration, model.model),
      energy: EnergyAccounts(plan.energy, network: model.model, start: rig.now),
      deliver: { sink.deliver($0) }, note: { sink.note($0) })
    let outcome = PipelineOutcome()
    var control = try ControlPlane(
      facts: DaemonFacts(
        model: model, order: plan.order, configuration: loaded.configuration, places: loaded.places,
        plan: plan,
        status: pipeline.status, ledger: sink.ledgerStatus, channel: channel),
      signals: signals)
    sink.start(order: plan.order, at: rig.now)
    let work = Handover(pipeline: pipeline, sink: sink)
    let thread = try Thread(named: "pipeline") {
      do throws(SensingError) {
        try work.pipeline.run()
      } catch {
        outcome.fail(error)
      }
      work.sink.finish(
        reason: work.pipeline.isStopping ? "signal" : "end", closing: work.pipeline.closeAccounts(),
        at: work.pipeline.rig.now)
      work.pipeline.stopSensors()
      outcome.end()
      channel.bell.ring()
    }
    ServiceNotification.ready("\(model.model.name), \(sensors.count) sensors")
    // An error here must not leave the pipeline running behind our back.
    let result = Result { try control.run(until: { outcome.hasEnded }) }
    ServiceNotification.stopping()
    pipeline.stop()
    thread.join()
    control.finish()
    try result.get()
    if let failure = outcome.failure { throw failure }
    // A thread that hangs in a driver may hold what exit(3) waits for, the loader's lock for one: leave without it.
    if !pipeline.abandonedThreads.isEmpty { _exit(ExitCode.success.rawValue) }
    return .success
  }
}

/// Carries the pipeline to its thread. Unchecked: from then on that thread alone uses it, but for `stop` and
/// `status`, which are safe from any.
private struct Handover<Rig: SensorRig>: @unchecked Sendable {
  let pipeline: Pipeline<Rig>
  let sink: DecisionSink
}

/// How the pipeline's thread ended.
private final class PipelineOutcome: Sendable {
  private let state = Mutex<(ended: Bool, failure: SensingError?)>((false, nil))
  func fail(_ error: SensingError) { state.withLock { $0.failure = error } }
  func end() { state.withLock { $0.ended = true } }
  var hasEnded: Bool { state.withLock { $0.ended } }
  var failure: SensingError? { state.withLock { $0.failure } }
}
