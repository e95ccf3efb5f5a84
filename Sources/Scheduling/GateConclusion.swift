import Vocabulary

/// What the readings amount to.
extension Gate {
  /// What kept the window from being answered with everything the plan wanted; nil if nothing did.
  var limit: Reason? {
    if passedInvalid { return .windowInvalid }
    if missedDeadline { return .wakeDeadlineMissed }
    if isWakePending { return .wakePending }
    if !missing.isEmpty { return .modalityMissing }
    return isWakeRefused ? .gainBelowCost : nil
  }

  /// Enters a reading. The best answer so far is the one most certain; of equals, the first.
  mutating func note(_ reading: Reading, of modality: Int) {
    let set = ModalitySet(index: modality)
    done[modality] += 1
    asked.insert(set)
    if isComplete(modality) { looked.insert(set) }
    if let best, !(reading.certainty > best.certainty), !best.certainty.isNaN { return }
    best = reading
  }

  /// The answer, if this reading concludes the window.
  mutating func judge(_ reading: Reading, of modality: Int) -> Answer? {
    let beside = thresholdBesideNone(for: reading)
    let stands = beside.map { reading.doubt <= $0 } ?? false
    let own = policy.thresholds.threshold(at: reading.exit, label: reading.label)
    let threshold = stands ? beside : own
    guard let threshold, reading.doubt <= threshold, !isLeftToFusion(reading.exit) else { return nil }
    let set = ModalitySet(index: modality)
    sure.insert(set)
    looked.insert(set)
    let answer = Answer(reading, threshold: threshold, reason: .sure)
    if policy.noneClass == reading.label {
      held = held ?? answer
      return nil
    }
    if held == nil || stands { return answer }
    disagreement = true
    return nil
  }

  /// The threshold that a command of the exit being asked is held against beside the `none` that is held; nil where no
  /// `none` is held, a sure answer has contradicted it already, or the exit has none.
  package func thresholdBesideNone(for reading: Reading) -> Float? {
    guard phase == .walking, held != nil, !disagreement, reading.label != policy.noneClass else { return nil }
    return policy.thresholds.thresholdBesideNone(at: reading.exit)
  }

  /// Fusion has spoken: the last answer there is.
  mutating func concludeFusion(_ reading: Reading) -> Action {
    let threshold = policy.thresholds.threshold(at: .fusion, label: reading.label)
    // Without a threshold fusion answers whatever it is asked; NaN never answers.
    let isSure = threshold.map { reading.doubt <= $0 } ?? !reading.entropy.isNaN
    let reason = limit ?? (isSure ? .fused : .fusedUnsure)
    return conclude(Answer(reading, threshold: threshold, reason: reason), sure: isSure)
  }

  /// Going on gains too little. What befell this window goes before that as the reason.
  mutating func giveUp() -> Action {
    if passedInvalid { return concludeBest(.windowInvalid) }
    return concludeBest(missedDeadline ? .wakeDeadlineMissed : .gainBelowCost)
  }

  /// Answers, unsure, with the best reading there is; without a label if there is none.
  mutating func concludeBest(_ reason: Reason) -> Action {
    guard let best else {
      let answer = Answer(label: nil, exit: nil, entropy: 1, certainty: 0, threshold: nil, reason: reason)
      return conclude(answer, sure: false)
    }
    let threshold = policy.thresholds.threshold(at: best.exit, label: best.label)
    return conclude(Answer(best, threshold: threshold, reason: reason), sure: false)
  }

  /// Ends the window. An answer after lost samples were passed over is never sure.
  mutating func conclude(_ answer: Answer, sure: Bool) -> Action {
    phase = .concluded
    var answer = answer
    if passedInvalid && answer.reason != .skewAboveLimit { answer.reason = .windowInvalid }
    let isNone = answer.label != nil && answer.label == policy.noneClass
    provisional = isNone && (answer.reason == .inactive || !allLooked)
    return sure && !passedInvalid ? .conclude(answer) : .concludeUnsure(answer)
  }
}

extension Answer {
  /// What is not a number counts as knowing nothing: entropy 1, certainty 0.
  init(_ reading: Reading, threshold: Float?, reason: Reason) {
    self.init(
      label: reading.label, exit: reading.exit, entropy: reading.entropy.isNaN ? 1 : reading.entropy,
      certainty: reading.certainty.isNaN ? 0 : reading.certainty, threshold: threshold, reason: reason)
  }
}
