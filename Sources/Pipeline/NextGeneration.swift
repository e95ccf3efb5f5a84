import Engine
import Scheduling
import Startup
import Vocabulary

/// A generation made ready for the pipeline: what takes long or takes from the heap has been done on another thread.
/// The pipeline exchanges what it has for what is in here, and whoever made it lets go of the rest.
package final class NextGeneration: @unchecked Sendable {
  // Unchecked: it is made by one thread, handed to the pipeline's by the lock of `CommandChannel`, and given up by
  // the control thread when the pipeline has answered.
  package let generation: Generation
  let fullPolicy: GatePolicy
  let settings: PipelineSettings
  let soundLengths: [Nanoseconds?]
  /// Labels by index mean something else than before.
  let hasOtherClasses: Bool
  /// Evidence is gathered in another way, or for other classes: the event that goes on ends with the former generation.
  let hasOtherEvents: Bool
  /// To be taken only where windows are drawn in another way; else the schedule goes on.
  let audits: AuditTurns?
  let hasOtherAudits: Bool
  /// To be taken only where the budget or the period is another; else what was spent counts on.
  let spending: SpendingGuard?
  let hasOtherBudget: Bool
  /// For the planner of the order.
  let planning: PlannerSetup?
  var energy: EnergyAccounts
  /// Nil where the model is the same: the pipeline goes on with its own.
  private var engine: Engine?
  /// Nil where they would be the same: the activity check goes on with what it has learnt.
  private(set) var inputs: WindowInputs?

  package init(_ generation: Generation, after former: Generation) {
    self.generation = generation
    let (model, old) = (generation.model.model, former.model.model)
    fullPolicy = generation.plan.policy.full
    let settings = PipelineSettings(generation.configuration, model)
    self.settings = settings
    hasOtherClasses = !model.classes.elementsEqual(old.classes) { $0.hasSameBytes(as: $1) }
    let (new, was) = (generation.configuration, former.configuration)
    hasOtherEvents =
      hasOtherClasses || model.noneClass != old.noneClass || new.events != was.events
      || new.eventClasses != was.eventClasses || new.general.windowPeriod != was.general.windowPeriod
    hasOtherAudits =
      new.adaptation != was.adaptation || new.general.windowPeriod != was.general.windowPeriod
      || generation.model.digest != former.model.digest
    audits = AuditTurns(new, model, generation.plan.energy)
    let before = PipelineSettings(former.configuration, old)
    hasOtherBudget = settings.budget != before.budget || settings.period != before.period
    spending = SpendingGuard(settings, model, generation.plan.energy, listening: generation.plan.order[0])
    planning = PlannerSetup(generation)
    energy = EnergyAccounts(generation.plan.energy, network: model)
    if generation.model.digest != former.model.digest { engine = Engine(model) }
    let checks = settings.checksActivity(for: model)
    let checked = before.checksActivity(for: old)
    let isSame = checks == checked && model.modalities.map(\.features) == old.modalities.map(\.features)
    let fresh = WindowInputs(model: model, activityCheck: checks)
    soundLengths = fresh.soundLengths
    inputs = isSame ? nil : fresh
  }

  var policy: GatePolicy { generation.plan.policy }

  func exchange(_ mine: inout Engine) {
    guard var other = engine.take() else { return }
    swap(&mine, &other)
    engine = consume other
  }

  func exchange(_ mine: inout WindowInputs) {
    guard var other = inputs.take() else { return }
    swap(&mine, &other)
    inputs = other
  }

  func exchange(_ mine: inout EnergyAccounts) {
    energy.adopt(recordingOf: mine)
    swap(&mine, &energy)
  }
}
