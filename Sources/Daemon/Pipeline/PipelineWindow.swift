import Engine
import Scheduling
import Sensing
import Vocabulary

/// One window's journey through the gate.
extension Pipeline {
  func answer(_ number: UInt64, windowEndingAt end: Instant) -> Decision {
    var decision = Decision(number: number, start: end - inputs.longest, end: end)
    energy.begin()
    realignments = 0
    isFullCheckDue = false
    var action = begin(&decision)
    while true {
      switch action {
      case .advance(let modality):
        guard setInput(modality) else {
          action = begin(&decision, doubted: true)
          continue
        }
        let reading = engine.advance(modality)
        enter(reading, in: &decision)
        energy.charge(segment: reading)
        action = gate.next(after: reading, at: sensors.now)
      case .wake(let modality, let deadline):
        action = afterWake(of: modality, deadline: deadline, in: &decision)
      case .fuse:
        action = fuse(&decision)
      case .conclude(let answer), .concludeUnsure(let answer):
        conclude(&decision, answer)
        return decision
      }
    }
  }

  /// Gathers what there is for the window that ends at `decision.end` and starts the gate on it.
  /// - Parameter doubted: a network was unsure of this window already, so stillness may not answer it any more.
  private func begin(_ decision: inout Decision, doubted: Bool = false) -> Action {
    engine.beginWindow()
    inputs.begin()
    var conditions = WindowConditions(now: sensors.now, present: [])
    for modality in model.modalities.indices {
      let set = ModalitySet(index: modality)
      switch sensors.state(of: modality) {
      case .asleep: conditions.wakeable.insert(set)
      case .waking:
        // One that a window has waited for in vain is not waited for again: it is taken in when it delivers.
        if sensors.isLate(modality) {
          decision.missing.insert(set)
        } else {
          conditions.wakeable.insert(set)
        }
      case .failed: decision.missing.insert(set)
      // It failed a moment ago, which the next event tells.
      case .awake where !sensors.rig.state(of: modality).isAwake: decision.missing.insert(set)
      case .awake:
        switch inputs.gather(
          modality, from: sensors.rig, endingAt: decision.end, maximumSkew: settings.maximumSkew)
        {
        case .whole(let active):
          conditions.present.insert(set)
          if !active && !doubted { conditions.inactive.insert(set) }
        case .lossy:
          conditions.present.insert(set)
          conditions.invalid.insert(set)
        case .notYet: conditions.wakeable.insert(set)
        }
      }
    }
    isFullCheckDue = isFullCheckDue || isFullCheckDue(conditions, at: decision.end)
    conditions.lookDue = isFullCheckDue
    return gate.begin(conditions)
  }

  private func isFullCheckDue(_ conditions: WindowConditions, at end: Instant) -> Bool {
    guard model.noneClass != nil else { return false }
    var wake = Nanoseconds.zero
    for modality in model.modalities.indices where conditions.wakeable.contains(index: modality) {
      wake = max(wake, sensors.accounts[modality].expectedWake)
    }
    return fullChecks.isDue(at: end, wake: wake)
  }

  /// Features of a modality, before its first segment. False when its data is gone.
  private func setInput(_ modality: Int) -> Bool {
    if inputs.isSet(modality) { return true }
    guard inputs.set(modality, of: &engine, from: sensors.rig) else { return false }
    energy.charge(featuresOf: modality)
    return true
  }

  private func enter(_ reading: Reading, in decision: inout Decision) {
    let threshold = gate.policy.thresholds.threshold(at: reading.exit, label: reading.label)
    decision.hops.append(Decision.Hop(reading: reading, threshold: threshold))
    decision.macs += reading.macs
  }

  /// Waits for a woken sensor. Where its data lies later than the window by more than the skew allowed, the pair is
  /// realigned from there: a new window, which the gate begins afresh with both present. Once for each sensor at most:
  /// two that are slower than the skew could each make the other late for ever.
  private func afterWake(of modality: Int, deadline: Instant, in decision: inout Decision) -> Action {
    let wasAwake = sensors.state(of: modality).isAwake
    let (outcome, instant) = sensors.awaitData(
      of: modality, for: decision.end, notBefore: decision.end - settings.maximumSkew, until: deadline)
    let set = ModalitySet(index: modality)
    if !wasAwake { decision.woken.insert(set) }
    switch outcome {
    case .delivered:
      if !wasAwake { sensors.accounts[modality].wakeTook(instant - decision.end) }
      if instant - decision.end > settings.maximumSkew {
        guard realignments < model.modalities.count else {
          return gate.next(after: .deadlineMissed, of: modality, at: sensors.now)
        }
        realignments += 1
        decision.end = instant
        decision.start = instant - inputs.longest
        sensors.awaitSound(upTo: instant)
        return begin(&decision, doubted: true)
      }
      guard
        case .whole = inputs.gather(
          modality, from: sensors.rig, endingAt: decision.end, maximumSkew: settings.maximumSkew)
      else { return gate.next(after: .deadlineMissed, of: modality, at: sensors.now) }
      return gate.next(after: .delivered, of: modality, at: sensors.now)
    case .deadlineMissed:
      return gate.next(after: .deadlineMissed, of: modality, at: sensors.now)
    case .failed:
      return gate.next(after: .failed, of: modality, at: sensors.now)
    }
  }

  private func fuse(_ decision: inout Decision) -> Action {
    let skew = inputs.skew(among: gate.fusing)
    if let skew, skew > settings.maximumSkew { return gate.fusionRefused() }
    let reading = engine.fuse(gate.fusing)
    enter(reading, in: &decision)
    energy.charge(segment: reading)
    return gate.next(after: reading, at: sensors.now)
  }

  private func conclude(_ decision: inout Decision, _ answer: Answer) {
    let now = sensors.now
    decision.answer = answer
    decision.decided = now
    decision.provisional = gate.provisional
    decision.look = gate.look
    decision.used = gate.asked
    decision.missing = decision.missing.union(gate.missing)
    decision.skew = inputs.skew(among: gate.asked)
    if gate.allLooked { fullChecks.completed(at: decision.end) }
    let sawNothing = gate.look && answer.label == model.noneClass
    for modality in model.modalities.indices where gate.asked.contains(index: modality) {
      // A look that found nothing is no need: a sensor woken for it may sleep again at once.
      let wasForLook = sawNothing && decision.woken.contains(index: modality)
      sensors.accounts[modality].need(at: wasForLook ? now - settings.linger[modality] : now)
    }
    energy.post(to: &decision, sensors: &sensors.accounts, at: now)
  }
}
