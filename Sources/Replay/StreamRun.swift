import Configuration
import Engine
import Pipeline
import Sensing
import Startup
import Vocabulary

/// A recording through the daemon's own pipeline, as fast as it goes: no socket, no ledger, no other thread.
package struct StreamRun: Sendable {
  package let model: Model
  private let configuration: Configuration
  private let plan: PolicyPlan
  private let sensors: [SensorConfiguration]
  private let recording: RecordingFile

  /// - Parameters:
  ///   - directory: the recording; it takes the place of the configuration's [replay].
  ///   - place: what named it, for errors.
  package init(
    _ loaded: LoadedConfiguration, recording directory: String, at place: String
  ) throws(StartupError) {
    var configuration = loaded.configuration
    configuration.replay = Configuration.Replay()
    configuration.replay.recording = directory
    configuration.replay.pace = .fast
    self.configuration = configuration
    model = try LoadedModel(path: configuration.general.model, loaded.places).model
    plan = try PolicyPlan(configuration, model, loaded.places)
    sensors = try Rigs.configurations(configuration, model)
    recording = try RecordingFile(directory: directory, at: place)
    try recording.check(sensors)
  }

  /// Whether a modality of that name gives pictures; nil where the model has none.
  package func isPicture(_ name: String) -> Bool? {
    guard let modality = model.modalities.first(where: { $0.name.hasSameBytes(as: name) }) else { return nil }
    if case .image = modality.features { return true }
    return false
  }

  /// From one window to the next.
  package var period: Nanoseconds { configuration.general.windowPeriod }

  /// Takes what exits said of the recording's windows.
  package var answered: AnsweredWindows {
    AnsweredWindows(configuration, model, plan.energy, wakes: sensors.map(\.latencyAsleep))
  }

  /// Plays it once.
  /// - Parameters:
  ///   - report: takes a line for people about the recording's files.
  ///   - deliver: takes every decision.
  ///   - change: takes every change of the order, or of the sensors that are asked, and when it took effect.
  ///   - event: takes every event, once when it begins and once with its end.
  package func run(
    report: @escaping (String) -> Void, deliver: @escaping (borrowing Decision) -> Void = { _ in },
    change: @escaping (OrderChange, Instant) -> Void = { _, _ in },
    event: @escaping (StreamEvent) -> Void
  ) throws(StartupError) -> StreamEnergy {
    let planner = OrderPlanner(PlannerSetup(configuration, model, plan, fingerprint: 0))
    let orders: OrderLink
    do {
      orders = try OrderLink(waits: true, inline: planner)
    } catch {
      throw StartupError(error, remedy: "the recording could not be played")
    }
    do {
      let rig = try ReplayRig(
        recording.description, in: recording.directory, sensors: sensors, report: report)
      var energy = StreamEnergy()
      let pipeline = Pipeline(
        rig: rig, model: model, policy: plan.policy, order: plan.order,
        settings: PipelineSettings(configuration, model),
        energy: EnergyAccounts(plan.energy, network: model),
        audits: AuditTurns(configuration, model, plan.energy),
        orders: orders,
        deliver: { decision in
          energy.spent += decision.totalEnergy
          energy.alwaysOn += decision.alwaysOn
          deliver(decision)
        },
        note: {
          switch $0 {
          case .event(let it): event(it)
          case .reorder(let it, let now): change(it, now)
          default: break
          }
        })
      defer { pipeline.stopSensors() }
      try pipeline.run()
      let (closing, end) = pipeline.closeAccounts()
      energy.spent += closing.total
      energy.alwaysOn += closing.alwaysOn
      energy.time = end - .zero
      let status = pipeline.status.read()
      for sensor in model.modalities.indices {
        let durations = status.sensors[sensor].durations(at: end)
        let obtainable = durations.total - durations.failed
        let least =
          sensor == plan.order[0]
          ? plan.energy.sensing(sensor, for: obtainable) : plan.energy.idle(sensor, for: obtainable)
        energy.unavoidable += least?.energy ?? .zero
      }
      return energy
    } catch {
      throw StartupError(error)
    }
  }
}

/// What a stream took, by the configuration's table of powers.
package struct StreamEnergy: Sendable {
  /// Of the recording.
  package fileprivate(set) var time = Nanoseconds.zero
  package fileprivate(set) var spent = Nanojoules.zero
  /// What keeping every sensor awake and running everything would have taken.
  package fileprivate(set) var alwaysOn = Nanojoules.zero
  /// What no sleep can save: the first sensor of the order awake, the others asleep.
  package fileprivate(set) var unavoidable = Nanojoules.zero

  /// Share of always on, 0...1.
  package var saved: Double { alwaysOn > .zero ? (alwaysOn - spent).joules / alwaysOn.joules : 0 }
  /// Share of what sleeping could save at most; nil where that is nothing.
  package var avoidableSaved: Double? {
    let avoidable = alwaysOn - unavoidable
    return avoidable > .zero ? (alwaysOn - spent).joules / avoidable.joules : nil
  }
}
