import Vocabulary
import Wire

/// Windows in which nothing happened become counted records (docs/ledger.md): all that are alike, until something
/// happens, `SteadyWindows.maximumTime` is over, or no more have room. Sensors that wake, look and sleep again are
/// nothing that happened: else each look would part the windows around it.
extension LedgerChain {
  /// True where the window waits for others like it. Where it does not, those that wait are recorded: it goes behind
  /// them.
  mutating func wait(with decision: borrowing Decision, at stamp: LedgerStamp) -> Bool {
    guard steady != nil else { return false }
    // The first of a run is recorded at once: a ledger shows soon that it decides.
    guard decisions > 0, openEvents == 0, SteadyWindows.isSteady(decision, none: identity.names.none) else {
      let label = decision.answer.label
      if label != nil && label != identity.names.none { recordSteady() }
      return false
    }
    if steady?.take(decision, at: stamp) == true { return true }
    recordSteady()
    return steady?.take(decision, at: stamp) == true
  }

  /// Records what waits, where that waits for long enough.
  package mutating func recordSteady(at now: Instant) {
    if let since = steady?.since, now - since >= SteadyWindows.maximumTime { recordSteady() }
  }

  /// Records what waits.
  /// - Parameter alone: numbers of windows that something is said of: each gets a record of its own.
  mutating func recordSteady(alone: ClosedRange<UInt64>? = nil) {
    guard let count = steady?.count, count > 0 else { return }
    steady?.plan(alone: alone)
    var place = 0
    while place < count {
      if let record = steady?.record(endingAt: place) {
        let windows = record.counted?.count ?? 1
        // What was recorded meanwhile stands in front of it: times of records do not go back.
        let stamp = latest.boot > record.stamp.boot ? latest : record.stamp
        let isRecorded = add(.decision, stamp, windows: windows) { json, names in
          DecisionRecord.writeMembers(record.decision, names, into: &json, counted: record.counted)
        }
        if isRecorded { self.count(windows, record.decision.totalEnergy) }
      }
      place += 1
    }
    steady?.removeAll()
  }

  /// Knows by the records whether an event goes on.
  mutating func follow(_ event: LedgerEvent) {
    guard case .event(let event) = event else { return }
    openEvents = max(0, openEvents + (event.end == nil ? 1 : -1))
  }
}

extension LedgerEvent {
  /// Whether windows may go on waiting behind it.
  var isQuiet: Bool {
    switch self {
    case .wake, .sleep, .state, .audit, .meter: true
    default: false
    }
  }

  /// Numbers of the windows that it is about.
  var decisions: ClosedRange<UInt64>? {
    switch self {
    case .label(let number, _, _): number...number
    case .event(let event):
      event.firstDecision <= event.lastDecision ? event.firstDecision...event.lastDecision : nil
    default: nil
    }
  }
}
