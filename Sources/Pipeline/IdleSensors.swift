import Sensing
import Vocabulary

/// Who may sleep between two windows.
extension PipelineSensors {
  /// Between two windows: puts to sleep who is not needed, and wakes who has to be awake for an audit.
  /// - Parameter audit: when the next audited window ends. Where there is nothing to spare, none is.
  func prepare(
    _ settings: PipelineSettings, fullChecks: FullCheckClock?, isEventOpen: Bool, audit next: Instant?
  ) {
    if isFrugal { forAudit = [] }
    let audit = isFrugal ? nil : next
    sleepIdleSensors(
      linger: settings.linger, fullChecks: fullChecks,
      isEventOpen: settings.eventsKeepAwake && isEventOpen && !isFrugal, audit: audit, period: settings.period
    )
    wakeForAudit(endingAt: audit, period: settings.period)
  }

  /// Puts sensors to sleep that have not been needed for their linger time, and that have time to.
  /// - Parameters:
  ///   - linger: by sensor.
  ///   - fullChecks: when all have to be awake again; nil where they never have to.
  ///   - isEventOpen: something goes on, or may: whoever is awake watches it, and nobody is put to sleep.
  ///   - audit: when the next audited window ends. A sensor that would have to be woken again for it stays awake for it.
  func sleepIdleSensors(
    linger: [Nanoseconds], fullChecks: FullCheckClock?, isEventOpen: Bool, audit: Instant? = nil,
    period: Nanoseconds = .zero
  ) {
    guard !isEventOpen else { return }
    let now = rig.now
    for place in order.indices {
      let sensor = order[place]
      guard sensor != sentinel, state(of: sensor).isAwake, !forAudit.contains(index: sensor),
        now - accounts[sensor].lastNeeded >= linger[sensor],
        accounts[sensor].maySleep(from: now, isLeftOut(sensor) ? nil : fullChecks)
      else { continue }
      if !isFrugal && accounts[sensor].isWakeBudgetSpent(at: now) {
        let held = accounts[sensor].holdAwake(at: now)
        publish(sensor)
        if held.isNew { record(.heldAwake(sensor: sensor, at: now, isTold: held.isTold)) }
        continue
      }
      if let audit, isWantedForAudit(sensor, endingAt: audit, period: period) {
        forAudit.insert(ModalitySet(index: sensor))
        continue
      }
      putToSleep(sensor)
    }
  }
}
