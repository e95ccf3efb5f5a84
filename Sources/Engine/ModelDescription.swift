import Vocabulary

/// One modality as a model has it.
package struct ModalityDescription: Equatable, Sendable {
  package let name: String
  package let features: Features
  /// Of the first activation: `[height, width, channels]`, `[frames, bands, 1]` or `[length]`.
  package let inputShape: [Int]
  /// From the input on; segment j (from 0) ends with exit j + 1.
  package let segments: [SegmentDescription]
}

extension ModalityDescription {
  /// The same with what gain heads cost, by exit.
  func with(_ heads: [GainHead?]) -> ModalityDescription {
    ModalityDescription(
      name: name, features: features, inputShape: inputShape,
      segments: zip(segments, heads).map { segment, head in
        guard let head else { return segment }
        return SegmentDescription(
          exit: segment.exit, macs: segment.macs + head.macs,
          parameters: segment.parameters + head.parameters,
          exitMacs: segment.exitMacs + head.macs, exitParameters: segment.exitParameters + head.parameters,
          gain: GainDescription(
            macs: head.macs, looks: head.looks.reduce(into: []) { $0.insert(ModalitySet(index: $1.modality)) }
          ))
      })
  }
}

/// A part of an encoder and the exit after it.
package struct SegmentDescription: Equatable, Sendable {
  package let exit: ExitDescription
  /// Of the segment and its exit, for one window.
  package let macs: Int64
  /// Weights and biases of the segment and its exit.
  package let parameters: Int64
  /// The exit's share in `macs` and `parameters`.
  package let exitMacs: Int64
  package let exitParameters: Int64
  /// Of the exit's gain head, where it has one.
  package var gain: GainDescription?
  /// Whether the exit's threshold is held against the gain of going on, not the entropy.
  package var predictsGain: Bool { gain != nil }
}

/// What an exit's gain head costs, and what it looks at.
package struct GainDescription: Equatable, Sendable {
  /// With the additions of looks that are billed with it; part of the exit's.
  package let macs: Int64
  package let looks: ModalitySet
}

/// The fusion network and its exit.
package struct FusionDescription: Equatable, Sendable {
  package let exit: ExitDescription
  package let macs: Int64
  package let parameters: Int64
}

/// When an exit may answer, and what is known of it.
package struct ExitDescription: Equatable, Sendable {
  /// Logits are divided by it before softmax. Above 0.
  package let temperature: Float
  /// Normalized entropy at or below which the exit answers, 0...1; nil switches it off. Where the exit has a gain head
  /// it is held against half of 1 + the predicted gain instead (`Reading.doubt`).
  package let threshold: Float?
  /// By class index: stands in place of `threshold` for that answer.
  package let classThresholds: [Int: Float]
  /// On validation windows: among those that leave here.
  package let accuracy: Double?
  /// On validation windows: the share that leaves here of those that come here.
  package let hazard: Double?
  /// Of a modality's first exit: probability of the overriding class, 0...1, at or above which another sensor's sure answer
  /// does not conclude; nil: it is not asked for that.
  package let overrideThreshold: Float?
  /// Of an encoder's exit, in `threshold`'s unit, 0...1: at or below which it answers with a command though another sensor
  /// is sure of `none`, whatever its threshold; nil: never.
  package let thresholdBesideNone: Float?

  package init(
    temperature: Float, threshold: Float?, classThresholds: [Int: Float] = [:], accuracy: Double? = nil,
    hazard: Double? = nil, overrideThreshold: Float? = nil, thresholdBesideNone: Float? = nil
  ) {
    self.temperature = temperature
    self.threshold = threshold
    self.classThresholds = classThresholds
    self.accuracy = accuracy
    self.hazard = hazard
    self.overrideThreshold = overrideThreshold
    self.thresholdBesideNone = thresholdBesideNone
  }

  /// The threshold for an answer; nil when the exit is switched off for it.
  package func threshold(for label: Int) -> Float? { classThresholds[label] ?? threshold }
}
