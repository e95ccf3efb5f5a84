import Ledger
import Sensing
import Vocabulary

/// Ledger records and journal lines for what happens to sensors. The ledger has every time; the journal is told once.
struct SensorRecords {
  private let names: [String]
  private var states: [String]
  private var awakeSince: [Instant?]
  /// What was last said of each sensor in the journal; a fault that comes back at every try is said once.
  private var lastFault: [String?]
  /// When the journal was last told that a sensor is held awake.
  private var heldSaid: [Instant?]

  init(names: [String]) {
    self.names = names
    states = names.map { _ in "asleep" }
    awakeSince = names.map { _ in nil }
    lastFault = names.map { _ in nil }
    heldSaid = names.map { _ in nil }
  }

  /// What is to be recorded, when, and what is to be said.
  struct Outcome {
    var event: LedgerEvent
    var at: Instant
    var line: (level: Log.Level, text: String)?
  }

  mutating func take(_ note: PipelineNote) -> Outcome {
    switch note {
    case .state(let sensor, let state, let now, let detail):
      return take(sensor, state, now, detail)
    case .heldAwake(let sensor, let now):
      let message = "\(names[sensor]): woken too often in a minute; it stays awake until the minute is over"
      var outcome = Outcome(event: .fault(modality: sensor, message: message), at: now)
      if let said = heldSaid[sensor], now - said < .seconds(3600) { return outcome }
      heldSaid[sensor] = now
      outcome.line = (
        .notice, message + "; it may be so again without being said for an hour (wakes-per-minute in [gate])"
      )
      return outcome
    case .noSensor(let now):
      let message = "no sensor can be had; windows go unanswered until one is back, and each is tried again"
      return Outcome(event: .fault(modality: nil, message: message), at: now, line: (.error, message))
    case .sentinel(let sensor, let now):
      let message = "\(names[sensor]) listens now: the first in the order that can be had"
      return Outcome(event: .fault(modality: sensor, message: message), at: now, line: (.warning, message))
    }
  }

  private mutating func take(
    _ sensor: Int, _ state: SensorState, _ now: Instant, _ detail: String?
  ) -> Outcome {
    let former = states[sensor]
    states[sensor] = state.name
    switch state {
    case .waking: return Outcome(event: .wake(modality: sensor, decision: nil), at: now)
    case .asleep:
      let awake = awakeSince[sensor].map { now - $0 } ?? .zero
      awakeSince[sensor] = nil
      return Outcome(event: .sleep(modality: sensor, awake: awake), at: now)
    case .awake:
      awakeSince[sensor] = now
      var outcome = Outcome(
        event: .state(modality: sensor, from: former, to: state.name, reason: nil), at: now)
      if lastFault[sensor] != nil { outcome.line = (.notice, "\(names[sensor]) is back") }
      lastFault[sensor] = nil
      return outcome
    case .failed:
      awakeSince[sensor] = nil
      var outcome = Outcome(
        event: .state(modality: sensor, from: former, to: state.name, reason: detail), at: now)
      let fault = detail ?? "\(names[sensor]) failed"
      if lastFault[sensor] != fault { outcome.line = (.warning, fault) }
      lastFault[sensor] = fault
      return outcome
    }
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
