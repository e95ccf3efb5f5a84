/// What the gate wants done next. The only arrow from the scheduler back to the sensors is `.wake`, a value.
package enum Action: Equatable, Sendable {
  /// Run the next segment of this modality, and its exit.
  case advance(modality: Int)
  /// Wake this modality's sensor; report back whether its data came by the deadline.
  case wake(modality: Int, deadline: Instant)
  /// Run the fusion network over the modalities whose encoders have run to their end.
  case fuse
  /// Answer: an exit was sure enough, or fusion has spoken.
  case conclude(Answer)
  /// Answer from what is there, knowing that it is not sure.
  case concludeUnsure(Answer)
}

/// The answer to a window and why it was given there.
package struct Answer: Hashable, Sendable {
  /// Index of the class; nil when no modality could say anything.
  package var label: Int?
  /// The exit that gave it; nil when none did.
  package var exit: ExitID?
  /// Its normalized entropy, 0...1; 1 when there is no label.
  package var entropy: Float
  /// Calibrated probability of the label; 0 when there is no label.
  package var certainty: Float
  /// The threshold the entropy was held against; nil when the exit had none.
  package var threshold: Float?
  package var reason: Reason

  package init(
    label: Int?, exit: ExitID?, entropy: Float, certainty: Float, threshold: Float?, reason: Reason
  ) {
    self.label = label
    self.exit = exit
    self.entropy = entropy
    self.certainty = certainty
    self.threshold = threshold
    self.reason = reason
  }
}

/// Why a window was concluded where it was. One reason for every outcome.
package enum Reason: String, Hashable, Sendable, CaseIterable {
  /// An exit's entropy was at or below its threshold.
  case sure
  /// An activity check found nothing going on.
  case inactive
  /// Fusion of every modality that could be had, at or below fusion's threshold or without one.
  case fused
  /// Fusion spoke with an entropy above its threshold; nothing is left to ask.
  case fusedUnsure
  /// Going on was expected to gain less than it costs.
  case gainBelowCost
  /// A sensor that was woken had not delivered by its deadline; answered from what was there.
  case wakeDeadlineMissed
  /// A sensor is being woken and the window does not wait for it; answered from what was awake.
  case wakePending
  /// A modality that was wanted could not be had (unplugged, failed, forbidden); answered from the rest.
  case modalityMissing
  /// The pair of sound and picture lay further apart than allowed, so fusion was refused.
  case skewAboveLimit
  /// Samples or frames of the window were lost, so it was not trusted.
  case windowInvalid
  /// There was nothing to answer from: no sensor, or no modality of the window, had any data.
  case noData
}
