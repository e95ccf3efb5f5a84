import Configuration
import Engine
import Policies
import Scheduling
import Sensing
import Vocabulary
import Wire

/// All that the daemon goes by and may be exchanged while it runs: a configuration, its model, and what follows from the
/// two. Immutable; the pipeline goes over to another one whole, between two windows.
package final class Generation: Sendable {
  /// How it came about.
  package enum Cause: String, Sendable { case start, reload, preference }

  /// From 1 in one run of the daemon.
  package let number: Int
  package let cause: Cause
  package let loaded: LoadedConfiguration
  package let model: LoadedModel
  package let plan: PolicyPlan
  package let sensors: [SensorConfiguration]
  /// What indices in its decisions are called.
  package let names: Names

  /// Reads the model and checks what can be without touching a device.
  /// - Parameter former: the generation before it, whose model is kept where the file is the same.
  package init(
    _ loaded: LoadedConfiguration, cause: Cause = .start, after former: Generation? = nil
  ) throws(StartupError) {
    number = (former?.number ?? 0) + 1
    self.cause = cause
    self.loaded = loaded
    model = try LoadedModel(path: loaded.configuration.general.model, loaded.places, former: former?.model)
    plan = try PolicyPlan(loaded.configuration, model.model, loaded.places)
    sensors = try Rigs.configurations(loaded.configuration, model.model)
    names = Self.names(model.model, plan)
  }

  /// The same with another worth of a right answer. The files are not read again.
  /// - Parameter lambda: joules.
  package init(_ former: Generation, lambda: Double) throws(StartupError) {
    number = former.number + 1
    cause = .preference
    loaded = former.loaded.with(lambda: lambda)
    model = former.model
    plan = try PolicyPlan(loaded.configuration, model.model, loaded.places)
    sensors = former.sensors
    names = Self.names(model.model, plan)
  }

  private static func names(_ model: Model, _ plan: PolicyPlan) -> Names {
    Names(
      classes: model.classes, modalities: model.modalities.map(\.name), energySource: plan.energy.source,
      none: model.noneClass, overriding: model.overridingClass)
  }

  package var configuration: Configuration { loaded.configuration }
  /// What a right answer is worth, in joules.
  package var lambda: Double { configuration.gate.valueOfRightAnswer }
  /// Modalities in the order they are asked, by name.
  package var order: String { plan.order.map { names.modalities[$0] }.joined(separator: ", ") }
}
