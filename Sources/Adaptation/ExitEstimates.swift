import Scheduling
import Vocabulary

/// Accuracy and hazard of every exit, from audits and from what the model's training says of them.
///
/// Each is a share with a Beta prior whose mean is the model's figure and whose weight is a number of windows, so that few
/// audits do not swing it. Audits near in time are alike: counts are effective ones (`Autocorrelation`).
package struct ExitEstimates: Hashable, Sendable {
  /// A Beta posterior.
  package struct Share: Hashable, Sendable {
    /// 0...1.
    package var mean: Double
    /// Standard deviation of the posterior.
    package var deviation: Double
    /// Effective number of audits behind it, the prior not among them.
    package var count: Double

    /// - Parameters:
    ///   - prior: mean of the prior, 0...1.
    ///   - weight: windows the prior counts for, > 0.
    ///   - of: trials, of which so many succeeded.
    ///   - factor: effective trials for each trial, 0...1.
    init(prior: Double, weight: Double, successes: Int, of trials: Int, factor: Double) {
      let a = weight * prior + factor * Double(successes)
      let b = weight * (1 - prior) + factor * Double(trials - successes)
      let sum = a + b
      mean = a / sum
      deviation = (a * b / (sum * sum * (sum + 1))).squareRoot()
      count = factor * Double(trials)
    }
  }

  /// By modality, then exit: probability that it answers where the modality's earlier exits did not.
  package private(set) var hazards: [[Share]] = []
  /// By modality, then exit: share of right answers among the windows that leave there.
  package private(set) var accuracies: [[Share]] = []
  /// Share of fusion's answers that are right. Only clients' labels tell: fusion agrees with itself.
  package let fusion: Share

  /// - Parameters:
  ///   - prior: the model's figures, in the model's order, with exits as in the buffer.
  ///   - weight: windows that the prior counts for, > 0.
  ///   - isCounted: which records count; nil counts all.
  package init(
    _ buffer: ValidationBuffer, prior: OrderingProblem, thresholds: ThresholdTable, weight: Double = 16,
    where isCounted: ((AuditRecord) -> Bool)? = nil
  ) {
    let layout = buffer.layout
    precondition(prior.modalities.map(\.exits.count) == layout.exitCounts && weight > 0)
    for (modality, figures) in prior.modalities.enumerated() {
      let exits = figures.exits.count
      var reached = [Int](repeating: 0, count: exits)
      var left = reached
      var right = reached
      var series = [[Double]](repeating: [], count: exits)
      for index in buffer.indices where isCounted?(buffer[index]) ?? true {
        let record = buffer[index]
        for exit in 1...exits {
          let outcome = record.exits[layout.row(modality: modality, exit: exit)]
          guard let correct = record.isCorrect(outcome) else { break }
          reached[exit - 1] += 1
          let leaves = thresholds.answers(outcome, at: .encoder(modality: modality, exit: exit))
          series[exit - 1].append(leaves ? (correct ? 1 : -1) : 0)
          if leaves {
            left[exit - 1] += 1
            if correct { right[exit - 1] += 1 }
            break
          }
        }
      }
      let factors = series.map { $0.isEmpty ? 1 : Autocorrelation.effectiveCount($0) / Double($0.count) }
      hazards.append(
        (0..<exits).map {
          Share(
            prior: figures.exits[$0].hazard, weight: weight, successes: left[$0], of: reached[$0],
            factor: factors[$0])
        })
      accuracies.append(
        (0..<exits).map {
          Share(
            prior: figures.exits[$0].accuracy, weight: weight, successes: right[$0], of: left[$0],
            factor: factors[$0])
        })
    }
    var (labelled, agreeing) = (0, 0)
    for index in buffer.indices {
      let record = buffer[index]
      guard record.clientLabel != nil, let correct = record.isCorrect(record.fusion) else { continue }
      labelled += 1
      if correct { agreeing += 1 }
    }
    fusion = Share(
      prior: prior.fusion.accuracy, weight: weight, successes: agreeing, of: labelled, factor: 1)
  }

  /// The ordering problem with these figures in place of the model's, at the same prices.
  package func problem(_ prior: OrderingProblem) -> OrderingProblem {
    var problem = prior
    for modality in problem.modalities.indices {
      for exit in problem.modalities[modality].exits.indices {
        problem.modalities[modality].exits[exit].hazard = hazards[modality][exit].mean
        problem.modalities[modality].exits[exit].accuracy = accuracies[modality][exit].mean
      }
    }
    problem.fusion.accuracy = fusion.mean
    return problem
  }
}

extension ThresholdTable {
  /// Whether this outcome answers at the exit.
  func answers(_ outcome: ExitOutcome, at exit: ExitID) -> Bool {
    guard outcome.wasRun, let threshold = threshold(at: exit, label: Int(outcome.label)) else { return false }
    return outcome.entropy <= threshold
  }
}
