import Sensing
import Vocabulary

/// Sensors that the pipeline may not use: another program has them, or the daemon is paused.
extension PipelineSensors {
  /// Whether the pipeline may not use it.
  func isWithheld(_ sensor: Int) -> Bool { isPaused || acquired.contains(index: sensor) }

  var all: ModalitySet { .all(accounts.count) }

  /// Closes the device and leaves it alone, until `giveBack`.
  func withhold(_ sensor: Int) {
    guard !acquired.contains(index: sensor) else { return }
    acquired.insert(ModalitySet(index: sensor))
    if !isPaused { close(sensor) }
    accounts[sensor].withhold(true, at: rig.now)
  }

  /// The sensor may be used again; one that was in use is woken.
  func giveBack(_ sensor: Int) {
    acquired.remove(ModalitySet(index: sensor))
    accounts[sensor].withhold(isPaused, at: rig.now)
    if !isPaused { reopen(sensor) }
  }

  func pause() {
    isPaused = true
    for sensor in accounts.indices where !acquired.contains(index: sensor) {
      close(sensor)
      accounts[sensor].withhold(true, at: rig.now)
    }
  }

  func resume() {
    isPaused = false
    for sensor in accounts.indices {
      accounts[sensor].withhold(acquired.contains(index: sensor), at: rig.now)
    }
    for sensor in accounts.indices where !acquired.contains(index: sensor) { reopen(sensor) }
  }

  private func close(_ sensor: Int) {
    let set = ModalitySet(index: sensor)
    if state(of: sensor).isAwake { reopening.insert(set) }
    putToSleep(sensor)
    closing.insert(set)
    rig.requestClosed(sensor)
  }

  private func reopen(_ sensor: Int) {
    let set = ModalitySet(index: sensor)
    closing.remove(set)
    guard reopening.contains(set) else { return }
    reopening.remove(set)
    wakeAgain(sensor)
  }

  /// While paused: waits until devices are closed that are not yet, else until another thread wants something.
  func rest() {
    // A driver that hangs in its close is not waited for for ever; the rig's limits say when it has failed.
    if !closing.isEmpty { return awaitClosing(until: rig.now + .seconds(60)) }
    rig.rest()
    beat()
  }
}
