import Vocabulary

extension OrderingProblem {
  /// The order of single exits with the largest value, exits taken as independent.
  ///
  /// Each modality is a chain of exits that must be asked in turn. Chains merge optimally by repeatedly taking, of
  /// all chains, the prefix with the largest index (`ExitRun.index`): Simon and Kadane 1975; M. R. Garey,
  /// "Optimal task sequencing with precedence constraints", Discrete Mathematics 4 (1973) 37-56.
  ///
  /// With wake costs each modality is tried as the one that is always awake: its first exit comes first, every other
  /// chain pays its wake at its own first exit, and the rest merges as before. Any block order starting with that
  /// modality is among the merges, so the best of the n is never worse than `exact`; rounding is guarded against by
  /// comparing the two.
  func interleavedPlan() -> ExitPlan {
    var best: ExitPlan
    if isFirstPricedApart {
      best = price(merge(awake: 0))
      for awake in modalities.indices.dropFirst() {
        let candidate = price(merge(awake: awake))
        if exceeds(candidate.value, best.value) { best = candidate }
      }
    } else {
      best = price(merge(awake: nil))
    }
    let blocks = price(walk(ofBlocks: exactOrder()))
    return blocks.value > best.value ? blocks : best
  }

  /// Merges the chains. `awake`, if given, is the modality whose first exit is forced to the front and pays no wake.
  private func merge(awake: Int?) -> [ExitID] {
    var walk: [ExitID] = []
    var heads = [Int](repeating: 0, count: modalities.count)
    if let awake {
      walk.append(.encoder(modality: awake, exit: 1))
      heads[awake] = 1
    }
    while true {
      var best: (modality: Int, length: Int, index: Double)?
      for modality in modalities.indices where heads[modality] < modalities[modality].exits.count {
        let prefix = bestPrefix(of: modality, from: heads[modality], paysWake: awake != nil)
        if let incumbent = best, !(prefix.index > incumbent.index) { continue }
        best = (modality, prefix.length, prefix.index)
      }
      guard let taken = best else { return walk }
      for _ in 0..<taken.length {
        heads[taken.modality] += 1
        walk.append(.encoder(modality: taken.modality, exit: heads[taken.modality]))
      }
    }
  }

  /// The shortest prefix with the largest index of what is left of a chain. A rest that never answers is one
  /// prefix: cutting it would change nothing.
  private func bestPrefix(of modality: Int, from head: Int, paysWake: Bool) -> (length: Int, index: Double) {
    let chain = modalities[modality]
    var run = ExitRun()
    var best = (length: chain.exits.count - head, index: -Double.infinity)
    for number in head..<chain.exits.count {
      run.append(
        chain.exits[number], lambda: lambda, wakeCost: number == 0 && paysWake ? chain.wakeCost : 0)
      if run.index > best.index { best = (number - head + 1, run.index) }
    }
    return best
  }
}
