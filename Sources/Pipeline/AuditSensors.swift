import Sensing
import Vocabulary

/// Sensors that are awake, or on their way, for an audit alone. To the gate they sleep.
extension PipelineSensors {
  /// Between two windows: wakes what has to be woken now to be awake for the window that ends at `end`.
  func wakeForAudit(endingAt end: Instant?, period: Nanoseconds) {
    guard let end else { return }
    for sensor in accounts.indices {
      guard case .asleep = state(of: sensor), isWantedForAudit(sensor, endingAt: end, period: period),
        startWake(sensor) != nil
      else { continue }
      forAudit.insert(ModalitySet(index: sensor))
      leaveWaking(sensor)
    }
  }

  /// Whether a sensor that slept now could not be awake for that window if it were not told so before the next.
  func isWantedForAudit(_ sensor: Int, endingAt end: Instant, period: Nanoseconds) -> Bool {
    end - now < expectedWakeToData(of: sensor) + period
  }

  private func expectedWakeToData(of sensor: Int) -> Nanoseconds {
    let account = accounts[sensor]
    if account.lastWake != nil { return account.expectedWake }
    return account.expectedWake + (soundLengths[sensor] ?? .zero)
  }

  /// Between two windows: what the planner has found. The next choice of who listens goes by it.
  func adopt(_ plan: PlannedOrder) {
    plan.exchange(order: &order)
    leftOut = plan.leftOut
  }

  /// Neither failed, nor kept from use.
  func canBeHad(_ sensor: Int) -> Bool {
    if case .failed = state(of: sensor) { return false }
    return !isWithheld(sensor)
  }

  /// Whether it sleeps, and full checks are made without it.
  func isLeftOut(_ sensor: Int) -> Bool {
    sensor != sentinel && (isFrugal || leftOut.contains(index: sensor))
  }
}
