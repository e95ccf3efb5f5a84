import Scheduling
import Vocabulary

extension GatePolicy {
  /// The same policy with other steps, thresholds or figures.
  package func with(
    steps: [ExitID]? = nil, thresholds: ThresholdTable? = nil, continuation: ContinuationValue?? = nil
  ) -> GatePolicy {
    GatePolicy(
      steps: steps ?? self.steps, thresholds: thresholds ?? self.thresholds, noneClass: noneClass,
      overridingClass: overridingClass, continuation: continuation ?? self.continuation,
      useActivity: useActivity,
      activityCertainty: activityCertainty,
      always: always, wakeDeadlines: wakeDeadlines)
  }
}

extension ExitLayout {
  /// The order of whole modalities as a walk over their exits.
  package func walk(_ order: [Int]) -> [ExitID] {
    order.flatMap { modality in
      (1...exitCounts[modality]).map { ExitID.encoder(modality: modality, exit: $0) }
    }
  }
}

extension ValidationBuffer {
  /// The recorded windows as the question in what order whole modalities are asked, at these prices.
  ///
  /// Thresholds may differ by class, which the empirical order does not know: each reading is entered as 0 where its exit
  /// answers and as 1 where it does not, against a threshold of 0.5.
  package func empiricalProblem(_ prices: OrderingProblem, _ thresholds: ThresholdTable) -> EmpiricalProblem {
    let modalities = prices.modalities.map { modality in
      EmpiricalModality(
        name: modality.name, wakeCost: modality.wakeCost, standbyCost: modality.standbyCost,
        exits: modality.exits.map { EmpiricalExit(cost: $0.cost, threshold: 0.5) })
    }
    var windows: [RecordedWindow] = []
    windows.reserveCapacity(count)
    for index in indices {
      let record = self[index]
      guard record.reference != nil else { continue }
      let readings = layout.exitCounts.enumerated().map { modality, exits in
        (1...exits).map { exit in
          let outcome = record.exits[layout.row(modality: modality, exit: exit)]
          let answers = thresholds.answers(outcome, at: .encoder(modality: modality, exit: exit))
          return RecordedReading(entropy: answers ? 0 : 1, correct: record.isCorrect(outcome) ?? false)
        }
      }
      windows.append(
        RecordedWindow(readings: readings, fusionCorrect: record.isCorrect(record.fusion) ?? false))
    }
    return EmpiricalProblem(
      lambda: prices.lambda, modalities: modalities, fusionCost: prices.fusion.cost, windows: windows)
  }
}
