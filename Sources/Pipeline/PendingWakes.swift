import Sensing
import Vocabulary

/// Wakes that no window waits for: the sensors that are awake answer meanwhile.
extension PipelineSensors {
  /// Wakes a sensor that no window waits for yet.
  /// - Returns: when its data is expected; nil where it cannot be had.
  func startWake(_ sensor: Int) -> Instant? {
    if isWithheld(sensor) { return nil }
    if case .failed = wake(sensor) { return nil }
    guard case .waking(let since) = state(of: sensor) else { return rig.now }
    return since + (accounts[sensor].lastWake ?? .zero)
  }

  /// It goes on waking, and no window waits for it.
  func leaveWaking(_ sensor: Int) {
    if case .waking = state(of: sensor) { left.insert(ModalitySet(index: sensor)) }
  }

  /// Whether a sensor that is waking has missed its deadline, so that no window waits for it any more.
  func isLate(_ sensor: Int) -> Bool {
    guard case .waking(let since) = state(of: sensor) else { return false }
    return rig.now - since >= wakeDeadlines[sensor]
  }
}
