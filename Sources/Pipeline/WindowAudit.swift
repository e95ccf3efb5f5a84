import Engine
import Policies
import Scheduling
import Vocabulary

/// What an audit runs of a window when the gate has concluded it, and what that costs. It is known before anything of it
/// runs, so that the decision, which bears the energy, is handed on first.
struct WindowAudit: Sendable {
  /// Sensors that have the window's data.
  let available: ModalitySet
  let inactive: ModalitySet

  /// By modality, what the exits cost that the gate did not ask; nil's is fusion's.
  func charge(
    _ walk: borrowing WindowWalk, _ engine: borrowing Engine, _ inputs: WindowInputs,
    to energy: inout EnergyAccounts
  ) {
    let modalities = engine.model.modalities
    for modality in modalities.indices where available.contains(index: modality) {
      let done = engine.exitsRead(of: modality)
      if done == 0 { energy.charge(auditedFeaturesOf: modality, inputs.work(modality, of: engine)) }
      var exit = done
      while exit < modalities[modality].segments.count {
        let segment = modalities[modality].segments[exit]
        energy.charge(auditOf: modality, macs: segment.macs, parameters: segment.parameters)
        exit += 1
      }
    }
    if fusionReading(walk) == nil {
      energy.charge(auditOf: nil, macs: engine.model.fusion.macs, parameters: engine.model.fusion.parameters)
    }
  }

  /// The gate's own, where it has fused the same modalities.
  private func fusionReading(_ walk: borrowing WindowWalk) -> Reading? {
    guard let last = walk.trace.last?.reading, last.exit == .fusion, walk.gate.fusing == available else {
      return nil
    }
    return last
  }

  /// Runs what the gate left out. `didSet` is told of features that were made.
  func run(
    _ walk: borrowing WindowWalk, _ decision: borrowing Decision, _ engine: inout Engine,
    _ inputs: WindowInputs, didSet: (Int, SpectrogramWork) -> Void
  ) -> AuditedWindow {
    var audited = AuditedWindow(
      decision: decision.number, end: decision.end, available: available, inactive: inactive,
      label: decision.answer.label, cost: decision.energy(of: .audit))
    for modality in engine.model.modalities.indices where available.contains(index: modality) {
      let done = engine.exitsRead(of: modality)
      if done == 0, let work = inputs.set(modality, of: &engine) { didSet(modality, work) }
      var exit = 1
      while exit <= done {
        if let reading = Self.reading(.encoder(modality: modality, exit: exit), walk) {
          audited.readings.append(reading)
        }
        exit += 1
      }
      while !engine.isComplete(modality) { audited.readings.append(engine.advance(modality)) }
    }
    let fusion = fusionReading(walk)
    audited.readings.append(fusion ?? engine.fuse(available))
    return audited
  }

  /// The latest of an exit: a window that was realigned asks afresh.
  private static func reading(_ exit: ExitID, _ walk: borrowing WindowWalk) -> Reading? {
    var found: Reading?
    for index in walk.trace.indices where walk.trace[index].reading.exit == exit {
      found = walk.trace[index].reading
    }
    return found
  }
}
