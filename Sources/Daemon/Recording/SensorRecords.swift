import Ledger
import Pipeline
import Sensing
import Vocabulary
import Wire

/// Ledger records and journal lines for what happens to sensors. All that stands in them is in the notes.
struct SensorRecords {
  private let names: [String]

  init(names: [String]) { self.names = names }

  /// What is to be recorded, when, and what is to be said.
  struct Outcome {
    var event: LedgerEvent
    var at: Instant
    var line: (level: Log.Level, text: String)?
  }

  func take(_ note: PipelineNote) -> Outcome {
    switch note {
    case .state(let transition): return take(transition)
    case .heldAwake(let sensor, let now, let isTold):
      let message = "\(names[sensor]): woken too often in a minute; it stays awake until the minute is over"
      var outcome = Outcome(event: .fault(modality: sensor, message: message), at: now)
      if isTold {
        outcome.line = (
          .notice,
          message + "; it may be so again without being said for an hour (wakes-per-minute in [gate])"
        )
      }
      return outcome
    case .noSensor(let now):
      let message = "no sensor can be had; windows go unanswered until one is back, and each is tried again"
      return Outcome(event: .fault(modality: nil, message: message), at: now, line: (.error, message))
    case .event(let event): return Outcome(event: .event(event), at: event.end ?? event.start)
    case .reorder(let change, let now):
      return Outcome(event: .reorder(change), at: now, line: (.notice, OrderLine.text(change, names)))
    case .bound(let change, let now):
      return Outcome(
        event: .bound(change), at: now, line: (change.isKept ? .notice : .warning, BoundRecord.text(change)))
    case .audit(let window): return Outcome(event: .audit(window), at: window.at)
    case .sentinel(let sensor, let now):
      let message = "\(names[sensor]) listens now: the first in the order that can be had"
      return Outcome(event: .fault(modality: sensor, message: message), at: now, line: (.warning, message))
    }
  }

  private func take(_ transition: SensorTransition) -> Outcome {
    let sensor = transition.sensor
    var outcome = Outcome(
      event: .state(
        modality: sensor, from: transition.from.name, to: transition.to.name, reason: transition.detail),
      at: transition.at)
    switch transition.to {
    case .waking: outcome.event = .wake(modality: sensor, decision: nil)
    case .asleep: outcome.event = .sleep(modality: sensor, awake: transition.awake)
    case .awake: if transition.isRecovery { outcome.line = (.notice, "\(names[sensor]) is back") }
    case .failed: outcome.line = (.warning, transition.detail ?? "\(names[sensor]) failed")
    }
    return outcome
  }
}

extension SensorState {
  /// As in the ledger and the protocol.
  package var name: String {
    switch self {
    case .asleep: "asleep"
    case .waking: "waking"
    case .awake: "awake"
    case .failed: "failed"
    }
  }
}
