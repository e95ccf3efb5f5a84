import Configuration
import Energy
import Engine
import Policies
import Scheduling
import Vocabulary

/// The order, the gate's policy and the energy model that a configuration and a model make together.
package struct PolicyPlan: Sendable {
  package let policy: GatePolicy
  /// Modalities in the order they are asked.
  package let order: [Int]
  /// Expected utility of the order in joules; nil when the model states no figures to plan with.
  package let value: Double?
  package let energy: EnergyModel
  /// The model's figures at prices a window, whatever goes on in it: what audits, which are drawn from all windows, are
  /// priced at. Nil when the model states no figures.
  package let auditPrices: OrderingProblem?

  /// - Parameter places: where the configuration's settings stand, for what is wrong with them.
  package init(
    _ configuration: Configuration, _ model: Model,
    _ places: ConfigurationPlaces = ConfigurationPlaces(file: "configuration")
  ) throws(StartupError) {
    try Self.checkSensors(configuration, model, places)
    energy = try Self.energyModel(configuration, model, places)
    let costs = Self.costs(configuration, model, energy)
    var eachWindow = configuration
    eachWindow.gate.activeShare = 1
    auditPrices = model.orderingProblem(
      lambda: configuration.gate.valueOfRightAnswer, costs: Self.costs(eachWindow, model, energy))
    let gate = configuration.gate
    var walk = model.declaredWalk
    var value: Double?
    var continuation: ContinuationValue?
    do {
      if let problem = model.orderingProblem(lambda: gate.valueOfRightAnswer, costs: costs) {
        if let method = Self.method(gate.order) {
          let plan = try Scheduling.plan(problem, by: method)
          walk = plan.walk
          value = plan.value
        }
        if gate.giveUp { continuation = try ContinuationValue(problem) }
      } else if gate.giveUp {
        throw StartupError(
          "\(places.place("gate", "give-up")): give-up = yes: the model '\(model.name)' states no accuracy and hazard to weigh it by; set it to no",
          .configuration)
      }
    } catch let error as PlanningError {
      throw StartupError("model '\(model.name)': \(error.description)", .dataError)
    } catch let error as StartupError {
      throw error
    } catch {
      throw StartupError("\(error)", .software)
    }
    if !gate.first.isEmpty {
      guard let first = model.modalities.firstIndex(where: { $0.name.hasSameBytes(as: gate.first) }) else {
        throw StartupError(
          "\(places.place("gate", "first")): first = \(gate.first): "
            + Self.noSuchModality(model), .configuration)
      }
      walk = walk.starting(with: first)
    }
    self.value = value
    order = walk.modalityOrder
    policy = GatePolicy(
      steps: walk, thresholds: model.thresholdTable(override: gate.threshold.map(Float.init)),
      noneClass: model.noneClass, overridingClass: model.overridingClass, continuation: continuation,
      useActivity: gate.activityCheck && model.noneClass != nil,
      wakeDeadlines: model.modalities.map { configuration.sensor(for: $0.name).wakeDeadline })
  }

  private static func noSuchModality(_ model: Model) -> String {
    "the model '\(model.name)' has no such modality; it has \(model.modalities.map(\.name).joined(separator: ", "))"
  }

  /// Every [sensor NAME] is a modality of the model and has no key that its kind of sensor does nothing with.
  private static func checkSensors(
    _ configuration: Configuration, _ model: Model, _ places: ConfigurationPlaces
  ) throws(StartupError) {
    for rule in configuration.eventClasses {
      let section = "event \(rule.label)"
      guard let label = model.classes.firstIndex(bytesOf: rule.label), label != model.noneClass else {
        throw StartupError(
          "\(places.place(section, "")): [\(section)]: the model '\(model.name)' has no such command; they are "
            + model.classes.indices.filter { $0 != model.noneClass }.map { model.classes[$0] }.joined(
              separator: ", "), .configuration)
      }
    }
    for sensor in configuration.sensors {
      let section = "sensor \(sensor.modality)"
      guard let modality = model.modalities.first(where: { $0.name.hasSameBytes(as: sensor.modality) }) else {
        throw StartupError(
          "\(places.place(section, "")): [\(section)]: " + noSuchModality(model), .configuration)
      }
      var isHeard = false
      if case .spectrogram = modality.features { isHeard = true }
      let foreign = isHeard ? Keys.camera : Keys.microphone
      if let key = foreign.sorted().first(where: { places.isSet(section, $0) }) {
        let (whose, its) = isHeard ? ("camera", "heard by a microphone") : ("microphone", "seen by a camera")
        throw StartupError(
          "\(places.place(section, key)): '\(key)' is a \(whose)'s, and \(sensor.modality) is \(its); take it out",
          .configuration)
      }
    }
  }

  private static func method(_ order: Configuration.Order) -> OrderingMethod? {
    switch order {
    case .paper: .paper
    case .exact: .exact
    case .interleaved: .interleaved
    case .declared: nil
    }
  }

  /// The board's table with the configuration's figures in place of its own.
  private static func energyModel(
    _ configuration: Configuration, _ model: Model, _ places: ConfigurationPlaces
  ) throws(StartupError) -> EnergyModel {
    guard let board = Board(rawValue: configuration.energy.board) else {
      let names = Board.allCases.map(\.rawValue).joined(separator: ", ")
      throw StartupError(
        "\(places.place("energy", "board")): board = \(configuration.energy.board): no such board is known; "
          + "use one of \(names)", .configuration)
    }
    let settings = configuration.energy
    let own = settings.picojoulesPerMac != nil || settings.picojoulesPerByte != nil
    return EnergyModel(
      source: "model:\(board.rawValue)" + (own ? "+configuration" : ""),
      picojoulesPerMac: settings.picojoulesPerMac ?? board.picojoulesPerMac,
      picojoulesPerByte: settings.picojoulesPerByte ?? board.picojoulesPerByte,
      coreWatts: board.coreWatts,
      modalities: model.modalities.map { modality in
        let sensor = configuration.sensor(for: modality.name)
        var kind = Board.SensorKind.camera
        var features = Board.FeatureKind.image
        if case .spectrogram = modality.features { (kind, features) = (.microphone, .sound) }
        let power = kind.power
        let awake = sensor.awakeWatts ?? Double(power.awake) * 1e-6
        let standby: Double? =
          switch sensor.sleepMode {
          case .closed: nil
          case .warm: sensor.warmWatts ?? kind.warmWatts
          case .hot: awake
          }
        return EnergyModel.ModalityPower(
          sensor: EnergyModel.SensorPower(
            asleep: sensor.asleepWatts ?? Double(power.asleep) * 1e-6, standby: standby,
            waking: sensor.wakingWatts ?? Double(power.waking) * 1e-6, awake: awake),
          features: board.features(features))
      })
  }

  /// Joules, for the order and for giving up.
  ///
  /// A wake is priced at the time a replay takes for it, or at half the deadline of a device, whose latency nobody
  /// has measured yet, and at one window period awake; at nothing where its stream runs on asleep (`hot`). Of a device that stays
  /// open asleep, what that draws is no part of any price: it is drawn whatever the order. The linger is left out: it is spent on the next wake that it
  /// saves. The first sensor is awake all the time, and the windows that are asked bear that for those which the
  /// activity check answers: a period awake divided by the share of windows with something going on.
  private static func costs(
    _ configuration: Configuration, _ model: Model, _ energy: EnergyModel
  ) -> Costs {
    func compute(_ macs: Int64, _ parameters: Int64) -> Double {
      energy.compute(macs: macs, parameters: parameters).joules
    }
    let replay = !configuration.replay.recording.isEmpty
    let period = configuration.general.windowPeriod.seconds
    var costs = Costs(
      segments: model.modalities.map { $0.segments.map { compute($0.macs, $0.parameters) } },
      fusion: compute(model.fusion.macs, model.fusion.parameters), sensing: [], wake: [], standby: [])
    let checked = configuration.gate.activityCheck && model.noneClass != nil
    let activeShare = checked ? configuration.gate.activeShare : 1
    for (modality, power) in zip(model.modalities, energy.modalities) {
      let sensor = configuration.sensor(for: modality.name)
      let cold = replay ? sensor.replayWakeLatency.seconds : sensor.wakeDeadline.seconds / 2
      let latency =
        switch sensor.sleepMode {
        case .closed: cold
        case .warm: replay ? sensor.replayWarmLatency.seconds : cold
        case .hot: 0.0
        }
      let awake = Double(power.sensor.more(power.sensor.awake)) * 1e-6 * period
      costs.sensing.append(power.features.joules)
      costs.wake.append(Double(power.sensor.more(power.sensor.waking)) * 1e-6 * latency + awake)
      costs.standby.append(awake / activeShare)
    }
    return costs
  }
}
