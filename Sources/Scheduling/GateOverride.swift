import Vocabulary

/// A class that overrides what another sensor is sure of.
extension Gate {
  /// Modalities that were asked for an answer, or said the class that overrides.
  package var answering: ModalitySet { asked.subtracting(unopposing) }

  /// The threshold that the exit being asked is held against for the overriding class; nil where it is asked for an answer.
  package var overrideThreshold: Float? {
    guard phase == .checking, case .encoder(let modality, _)? = asking else { return nil }
    return policy.thresholds.overrideThreshold(of: modality)
  }

  /// Concludes with a sure answer where no other sensor is to be asked whether it overrides it; else asks the first.
  mutating func concludeUnlessOverridden(_ answer: Answer) -> Action {
    guard let overriding = policy.overridingClass, answer.label != overriding else {
      return conclude(answer, sure: true)
    }
    contested = answer
    phase = .checking
    return checkNext(answer)
  }

  /// Goes on after a first exit that was asked about a sure answer.
  mutating func check(_ reading: Reading, of modality: Int) -> Action {
    guard let contested else { preconditionFailure("nothing is contested") }
    let set = ModalitySet(index: modality)
    if let probability = reading.overriding,
      let threshold = policy.thresholds.overrideThreshold(of: modality),
      probability >= threshold
    {
      wanted.insert(set)
      phase = .finishing
      return finish()
    }
    unopposing.insert(set)
    return checkNext(contested)
  }

  private mutating func checkNext(_ answer: Answer) -> Action {
    let open = intact.subtracting(asked).subtracting(lost)
    for index in policy.steps.indices {
      guard case .encoder(let modality, 1) = policy.steps[index], open.contains(index: modality),
        policy.thresholds.overrideThreshold(of: modality) != nil
      else { continue }
      asking = policy.steps[index]
      return .advance(modality: modality)
    }
    return conclude(answer, sure: true)
  }
}
