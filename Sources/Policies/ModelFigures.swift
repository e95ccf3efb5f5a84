import Engine
import Scheduling
import Vocabulary

extension Model {
  /// Whether every exit states the accuracy and hazard that an order is computed from.
  package var hasFigures: Bool {
    fusion.exit.accuracy != nil
      && modalities.allSatisfy { $0.segments.allSatisfy { $0.exit.accuracy != nil && $0.exit.hazard != nil } }
  }

  /// The ordering problem that the model's own validation figures pose.
  /// - Parameter lambda: worth of a right answer, in the unit of `costs`.
  /// - Returns: nil when an exit does not state its figures.
  package func orderingProblem(lambda: Double, costs: Costs) -> OrderingProblem? {
    guard hasFigures, let fusionAccuracy = fusion.exit.accuracy else { return nil }
    return OrderingProblem(
      lambda: lambda,
      modalities: modalities.enumerated().map { m, modality in
        ModalityStatistics(
          name: modality.name, wakeCost: costs.wake[m], standbyCost: costs.standby[m],
          exits: modality.segments.enumerated().map { j, segment in
            ExitStatistics(
              accuracy: segment.exit.accuracy ?? 0,
              cost: costs.segments[m][j] + (j == 0 ? costs.sensing[m] : 0),
              hazard: segment.exit.hazard ?? 0)
          })
      },
      fusion: FusionStatistics(accuracy: fusionAccuracy, cost: costs.fusion))
  }

  /// Exits in the order the model declares them.
  package var declaredWalk: [ExitID] {
    modalities.enumerated().flatMap { m, modality in
      modality.segments.indices.map { ExitID.encoder(modality: m, exit: $0 + 1) }
    }
  }

  /// The thresholds as the file states them, or one for every encoder exit.
  /// - Parameter override: normalized entropy, 0...1; replaces thresholds and class thresholds of all exits but
  ///   fusion's.
  package func thresholdTable(override: Float? = nil) -> ThresholdTable {
    func thresholds(_ exit: ExitDescription) -> ExitThresholds {
      if let override { return ExitThresholds(override) }
      return ExitThresholds(exit.threshold, classThresholds: exit.classThresholds)
    }
    return ThresholdTable(
      classCount: classes.count, exits: modalities.map { $0.segments.map { thresholds($0.exit) } },
      fusion: ExitThresholds(fusion.exit.threshold, classThresholds: fusion.exit.classThresholds))
  }
}

extension [ExitID] {
  /// Modalities by their first exit.
  package var modalityOrder: [Int] {
    compactMap { step in
      if case .encoder(let modality, 1) = step { modality } else { nil }
    }
  }

  /// The same walk with one modality's exits moved to the front.
  package func starting(with first: Int) -> [ExitID] {
    func isFirst(_ exit: ExitID) -> Bool {
      if case .encoder(first, _) = exit { true } else { false }
    }
    return filter(isFirst) + filter { !isFirst($0) }
  }
}
