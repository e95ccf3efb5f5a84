import Sensing
import Vocabulary

/// What happened besides decisions; goes to the ledger and the journal.
package enum PipelineNote: Sendable {
  /// `at`: when; the state is what the sensor is in from then on.
  case state(sensor: Int, SensorState, at: Instant, detail: String?)
  /// The wake limit of a minute is reached: the sensor is left awake.
  case heldAwake(sensor: Int, at: Instant)
  /// Another sensor has to stay awake, because the one before it failed.
  case sentinel(sensor: Int, at: Instant)
  /// No sensor can be had any more: windows go unanswered until one is back.
  case noSensor(at: Instant)
}

/// Waking sensors and letting them sleep.
extension Pipeline {
  func noteState(_ sensor: Int, _ state: SensorState) {
    hours.note(sensor, state, at: rig.now)
    status.note(sensor: sensor, state, now: rig.now)
    switch state {
    case .awake: reportedFaults[sensor].removeAll()
    case .failed(let fault, _): if !reportedFaults[sensor].insert(fault).inserted { return }
    case .asleep, .waking: break
    }
    let detail = rig.failure(of: sensor)?.description
    note(.state(sensor: sensor, state, at: rig.now, detail: detail))
  }

  @discardableResult func wake(_ sensor: Int) -> SensorState {
    let before = rig.state(of: sensor)
    let after = rig.wake(sensor)
    if after != before {
      if case .waking = after { budgets[sensor].note(wakeAt: rig.now) }
      noteState(sensor, after)
    }
    return after
  }

  func sleep(_ sensor: Int) {
    let before = rig.state(of: sensor)
    rig.sleep(sensor)
    let after = rig.state(of: sensor)
    if after != before { noteState(sensor, after) }
  }

  /// Chooses the sensor that listens, wakes it where it sleeps, and tries failed ones again.
  ///
  /// The first of the order that is awake listens. While none is, the first that may still wake in time is waited for;
  /// where its wake takes longer than its deadline, the next is woken as well. A sensor that is tried again after a
  /// fault is none of these until it delivers, so a try costs no window that another sensor can answer.
  func keepSentinel() {
    retryFailedSensors()
    var awake: Int?
    var waking: Int?
    var isCovered = false
    // By index: an unspecialized iterator over the elements would live on the heap.
    for place in order.indices {
      let sensor = order[place]
      var state = rig.state(of: sensor)
      if !isCovered, case .asleep = state { state = wake(sensor) }
      switch state {
      case .awake:
        awake = awake ?? sensor
        isCovered = true
      case .waking(let since):
        waking = waking ?? sensor
        if !isLate(sensor, since: since) { isCovered = true }
      case .asleep, .failed: break
      }
    }
    if awake == nil && waking == nil && !hasNoSensor {
      hasNoSensor = true
      note(.noSensor(at: rig.now))
    }
    let next = awake ?? waking ?? order[0]
    if next != sentinel {
      sentinel = next
      status.note(sentinel: next)
      sentinelIsNews = true
    }
    guard awake != nil else { return }
    hasNoSensor = false
    if sentinelIsNews {
      sentinelIsNews = false
      note(.sentinel(sensor: next, at: rig.now))
    }
  }

  /// Tries failed sensors again, for ever: the rig holds tries back for as long as its backoff says. Once a second at
  /// most, so that a short window period does not ask for nothing.
  private func retryFailedSensors() {
    guard rig.now >= nextTry else { return }
    nextTry = rig.now + .seconds(1)
    for place in order.indices {
      if case .failed = rig.state(of: order[place]) { wake(order[place]) }
    }
  }

  /// Whether a sensor that is waking has missed its deadline, so that no window waits for it any more.
  func isLate(_ sensor: Int, since: Instant) -> Bool {
    rig.now - since >= gate.policy.wakeDeadlines[sensor]
  }

  /// What the rig promises: nothing is waking for longer than its limit. `instant` lies before the rig's last look.
  func noStateIsOverdue(at instant: Instant) -> Bool {
    for place in order.indices {
      let sensor = order[place]
      if case .waking(let since) = rig.state(of: sensor),
        since + rig.configurations[sensor].wakeLimit < instant
      {
        return false
      }
    }
    return true
  }

  /// Puts sensors to sleep that have not been needed for their linger time.
  func letSleep(at now: Instant) {
    for place in order.indices {
      let sensor = order[place]
      guard sensor != sentinel, rig.state(of: sensor).isAwake else { continue }
      guard now - lastNeeded[sensor] >= settings.linger[sensor], isWorthSleeping(sensor, at: now) else {
        continue
      }
      if budgets[sensor].isSpent(at: now) {
        if status.holdAwake(sensor, true) { note(.heldAwake(sensor: sensor, at: now)) }
        continue
      }
      _ = status.holdAwake(sensor, false)
      sleep(sensor)
    }
  }

  /// Whether the next look leaves a sensor more sleep than its wake takes.
  private func isWorthSleeping(_ sensor: Int, at now: Instant) -> Bool {
    guard model.noneClass != nil else { return true }
    let wake = max(settings.period, looks.expectedWake(of: sensor))
    return looks.nextWake(of: sensor) - now >= wake
  }

  /// Wakes a sensor and waits for data that belongs to the window, at most until `deadline`.
  /// - Returns: what became of it, and the instant the data is for.
  func await(_ sensor: Int, for end: Instant, deadline: Instant) -> (WakeTale, Instant) {
    if case .failed = wake(sensor) { return (.failed, end) }
    lastNeeded[sensor] = rig.now
    let isSound = inputs.isSound(sensor)
    if !isSound { rig.requestFrame(sensor, notBefore: end - settings.maximumSkew) }
    while true {
      if isSound, case .awake(let since) = rig.state(of: sensor) {
        // A whole window of sound has to be heard first.
        rig.requestSound(sensor, until: max(end, since + inputs.length(of: sensor)))
      }
      switch nextEvent(until: deadline) {
      case .frame(let other, let captured) where other == sensor: return (.delivered, max(end, captured))
      case .sound(let other, let until) where other == sensor: return (.delivered, max(end, until))
      case .state(let other, .failed) where other == sensor: return (.failed, end)
      case .deadline, .ended: return (.deadlineMissed, end)
      case .interrupted: if isStopping { return (.deadlineMissed, end) }
      case .sound, .frame, .state: break
      }
    }
  }

  /// Waits until sound up to `end` is there, so that the pair can be cut anew; at most its grace.
  func awaitSound(upTo end: Instant) {
    for place in order.indices {
      let sensor = order[place]
      guard inputs.isSound(sensor), rig.state(of: sensor).isAwake else { continue }
      rig.requestSound(sensor, until: end)
      waiting: while true {
        switch nextEvent(until: end + Self.soundGrace) {
        case .sound(let other, _) where other == sensor: break waiting
        case .state(let other, _) where other == sensor: break waiting
        case .deadline, .ended: break waiting
        case .interrupted: if isStopping { break waiting }
        case .sound, .frame, .state: break
        }
      }
    }
  }

  enum WakeTale { case delivered, deadlineMissed, failed }
}
