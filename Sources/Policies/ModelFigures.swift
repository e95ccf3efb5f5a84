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
    ThresholdTable(
      classCount: classes.count, exits: exitThresholds(override: override), fusion: fusionThresholds)
  }

  /// Of every encoder exit, by modality, then exit; `override` as in `thresholdTable`.
  package func exitThresholds(override: Float? = nil) -> [[ExitThresholds]] {
    modalities.map {
      $0.segments.map { segment in
        ExitThresholds(
          override ?? segment.exit.threshold,
          classThresholds: override == nil ? segment.exit.classThresholds : [:],
          yieldsToFusion: segment.predictsGain && isFusionNearlyFree,
          override: segment.exit.overrideThreshold,
          besideNone: segment.exit.thresholdBesideNone)
      }
    }
  }

  package var fusionThresholds: ExitThresholds {
    ExitThresholds(fusion.exit.threshold, classThresholds: fusion.exit.classThresholds)
  }

  /// Whether fusion takes at most a fiftieth of the MACs of running everything: once the encoders have run to their
  /// ends, whatever a gain head says of going on is worth less than what fusion knows.
  package var isFusionNearlyFree: Bool { fusion.macs * 50 <= totalMacs }
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
