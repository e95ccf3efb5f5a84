/// Which modalities are meant, as a bit per modality in the model's order. At most 32.
package struct ModalitySet: OptionSet, Hashable, Sendable {
  package var rawValue: UInt32
  @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }
  /// The set with the one modality at this index (0-based, the model's order).
  @inlinable package init(index: Int) { rawValue = 1 << UInt32(index) }
  /// The first `count` modalities.
  @inlinable package static func all(_ count: Int) -> ModalitySet {
    ModalitySet(rawValue: count >= 32 ? .max : (1 << UInt32(count)) - 1)
  }
  @inlinable package func contains(index: Int) -> Bool { rawValue & (1 << UInt32(index)) != 0 }
  @inlinable package var count: Int { rawValue.nonzeroBitCount }
}

/// A place where a window may be answered.
package enum ExitID: Hashable, Sendable {
  /// Exit `exit` (from 1) of the modality at index `modality` (from 0). Exit 0 is the modality's activity
  /// check, which runs before any network.
  case encoder(modality: Int, exit: Int)
  /// The exit of the fusion network, the last of all.
  case fusion
}

/// What one exit said of one window.
package struct Reading: Hashable, Sendable {
  package var exit: ExitID
  /// Normalized entropy of the calibrated class probabilities (paper eq. 2), 0...1.
  package var entropy: Float
  /// Index of the most probable class; the first of equals.
  package var label: Int
  /// Calibrated probability of that class, 0...1.
  package var certainty: Float
  /// Multiply-accumulates spent for this reading, its segment and its exit.
  package var macs: Int64
  /// Weights and biases touched for this reading, its segment and its exit.
  package var parameters: Int64
  /// What going on is predicted to gain, -1...1: how much likelier fusion is right than this exit. Nil where the exit
  /// has no gain head (docs/model-format.md).
  package var gain: Float?
  /// Calibrated probability of the class that overrides what other sensors say, 0...1. Nil where the model names none.
  package var overriding: Float?

  /// What an exit's threshold is held against, 0...1: half of 1 + the gain of going on where it is predicted, else the
  /// entropy.
  package var doubt: Float { gain.map { (1 + $0) / 2 } ?? entropy }

  package init(
    exit: ExitID, entropy: Float, label: Int, certainty: Float, macs: Int64, parameters: Int64,
    gain: Float? = nil, overriding: Float? = nil
  ) {
    self.gain = gain
    self.overriding = overriding
    self.exit = exit
    self.entropy = entropy
    self.label = label
    self.certainty = certainty
    self.macs = macs
    self.parameters = parameters
  }
}
