import Vocabulary

/// Where the walk goes next.
extension Gate {
  var lookDue: Bool { window.lookDue && policy.noneClass != nil }
  func isComplete(_ modality: Int) -> Bool {
    Int(done[modality]) == policy.thresholds.exitCounts[modality]
  }

  /// The answer of the activity checks, if all present sensors are quiet; otherwise notes who is quiet.
  mutating func inactivity() -> Answer? {
    guard policy.useActivity, !policy.always, let none = policy.noneClass, !window.present.isEmpty
    else { return nil }
    let silent = window.inactive.intersection(window.present).subtracting(window.invalid)
    if silent != window.present.subtracting(window.invalid) {
      quiet = silent
      return nil
    }
    guard !lookDue, silent == window.present else { return nil }
    for index in policy.steps.indices {
      guard case .encoder(let modality, 1) = policy.steps[index], silent.contains(index: modality) else {
        continue
      }
      return Answer(
        label: none, exit: .encoder(modality: modality, exit: 0), entropy: 0,
        certainty: policy.activityCertainty, threshold: nil, reason: .inactive)
    }
    return nil
  }

  /// How a step of the walk stands in this window.
  private enum Standing { case ask, wake, passOver, notNeeded, invalid, unobtainable }

  /// Every sensor that was asked is sure of `none`, and no look is due: what is awake is asked still, and nothing is missed.
  private var isSettled: Bool { held != nil && !disagreement && !lookDue && asked.isSubset(of: sure) }

  private func standing(of modality: Int) -> Standing {
    if sure.contains(index: modality) || lost.contains(index: modality) { return .passOver }
    let isSettled = isSettled
    if window.invalid.contains(index: modality) { return isSettled ? .notNeeded : .invalid }
    if window.present.contains(index: modality) { return .ask }
    if isSettled { return .notNeeded }
    guard window.wakeable.contains(index: modality) else { return .unobtainable }
    if missedDeadline || (passedInvalid && !lookDue) { return .passOver }
    return .wake
  }

  /// The exit yields to fusion, and of what can be had for this window nothing else is left to run. Not where a single
  /// modality would be fused: fusion then knows nothing more.
  func isLeftToFusion(_ exit: ExitID) -> Bool {
    guard policy.thresholds.yieldsToFusion(at: exit) else { return false }
    var complete = 0
    for modality in 0..<policy.modalityCount {
      if isComplete(modality) {
        complete += 1
        continue
      }
      if asked.contains(index: modality) { return false }
      let standing = standing(of: modality)
      if standing == .ask || standing == .wake { return false }
    }
    return complete > 1
  }

  /// The next step of the walk, or what comes after it.
  mutating func proceed(at now: Instant) -> Action {
    while phase == .walking {
      guard cursor < policy.steps.count else {
        if secondPass || quiet.isEmpty { return endWalk() }
        (cursor, secondPass) = (0, true)
        continue
      }
      guard case .encoder(let modality, let exit) = policy.steps[cursor],
        quiet.contains(index: modality) == secondPass, exit > Int(done[modality])
      else {
        cursor += 1
        continue
      }
      switch standing(of: modality) {
      case .ask: return isWorthGoingOn() ? advance(modality, exit) : giveUp()
      case .wake:
        guard isWorthGoingOn() else { return giveUp() }
        waking = modality
        wanted.insert(ModalitySet(index: modality))
        return .wake(modality: modality, deadline: now + policy.wakeDeadlines[modality])
      case .passOver: break
      // Not later in the window either: its first exit's turn is over.
      case .notNeeded: lost.insert(ModalitySet(index: modality))
      case .invalid:
        passedInvalid = true
        missing.insert(ModalitySet(index: modality))
      case .unobtainable: missing.insert(ModalitySet(index: modality))
      }
      cursor += 1
    }
    return finish()
  }

  private mutating func advance(_ modality: Int, _ exit: Int) -> Action {
    asking = .encoder(modality: modality, exit: exit)
    if phase == .walking && !isSettled { wanted.insert(ModalitySet(index: modality)) }
    return .advance(modality: modality)
  }

  /// Every exit that could be asked has been.
  private mutating func endWalk() -> Action {
    if asked.isEmpty { return concludeBest(live.isEmpty ? .noData : limit ?? .noData) }
    if var answer = held, !disagreement, asked.isSubset(of: sure) {
      if lookDue, !allLooked, let limit { answer.reason = limit }
      return conclude(answer, sure: true)
    }
    guard isWorthGoingOn() else { return giveUp() }
    phase = .finishing
    return finish()
  }

  /// Runs what was asked to its end, in plan order, and fuses it.
  mutating func finish() -> Action {
    // By index: an unspecialized iterator over the elements would live on the heap.
    for index in policy.steps.indices {
      guard case .encoder(let modality, let exit) = policy.steps[index] else { continue }
      if asked.contains(index: modality) && exit > Int(done[modality]) { return advance(modality, exit) }
    }
    phase = .fusing
    asking = .fusion
    return .fuse
  }

  /// Whether some way of going on is expected to gain more than it costs.
  private func isWorthGoingOn() -> Bool {
    guard let figures = policy.continuation, !policy.always, !lookDue, held == nil, let best else {
      return true
    }
    let certainty = best.certainty.isNaN ? 0 : Double(best.certainty)
    var sum = ContinuationGain(lambda: figures.lambda, certainty: certainty)
    for pass in (secondPass ? 1 : 0)...1 {
      for index in (pass == 1) == secondPass ? cursor..<policy.steps.count : policy.steps.indices {
        guard case .encoder(let modality, let exit) = policy.steps[index],
          quiet.contains(index: modality) == (pass == 1), exit > Int(done[modality])
        else { continue }
        let standing = standing(of: modality)
        guard standing == .ask || standing == .wake else { continue }
        let figure = figures.statistics(modality, exit)
        let wake = standing == .wake && exit == 1 ? figures.wakeCost(modality) : 0
        if sum.add(hazard: figure.hazard, accuracy: figure.accuracy, cost: figure.cost + wake) { return true }
      }
    }
    // A sensor that was sure has concluded the window, or holds a `none`: none has exits left to be run before fusion.
    return sum.add(hazard: 1, accuracy: figures.fusion.accuracy, cost: figures.fusion.cost)
  }
}
