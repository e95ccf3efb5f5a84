import Sensing
import Vocabulary

/// Who may sleep between two windows.
extension PipelineSensors {
  /// Puts sensors to sleep that have not been needed for their linger time, and that have time to.
  /// - Parameters:
  ///   - linger: by sensor.
  ///   - fullChecks: when all have to be awake again; nil where they never have to.
  ///   - isEventOpen: something goes on, or may: whoever is awake watches it, and nobody is put to sleep.
  func sleepIdleSensors(linger: [Nanoseconds], fullChecks: FullCheckClock?, isEventOpen: Bool) {
    guard !isEventOpen else { return }
    let now = rig.now
    for place in order.indices {
      let sensor = order[place]
      guard sensor != sentinel, state(of: sensor).isAwake,
        now - accounts[sensor].lastNeeded >= linger[sensor],
        accounts[sensor].maySleep(from: now, fullChecks)
      else { continue }
      if accounts[sensor].isWakeBudgetSpent(at: now) {
        let held = accounts[sensor].holdAwake(at: now)
        publish(sensor)
        if held.isNew { record(.heldAwake(sensor: sensor, at: now, isTold: held.isTold)) }
        continue
      }
      putToSleep(sensor)
    }
  }
}
