/// Everything that is to be said of one answered window. A value without heap storage: it crosses threads,
/// is posted in the ledger, and goes to subscribers unchanged.
package struct Decision: Sendable {
  /// Exits a model may have, fusion's included (`Model` refuses more).
  package static let maximumExits = 24
  package static let maximumPostings = 64

  /// One exit that was asked.
  package struct AskedExit: Sendable {
    package var reading: Reading
    /// The threshold held against it; nil when the exit is switched off, or was asked for the class that overrides alone.
    package var threshold: Float?
    /// At or above which the probability of the class that overrides took a sure answer's end; nil where the exit was not
    /// asked for it.
    package var overrideThreshold: Float?
    /// At or below which a command stands beside the sure `none` of another sensor; nil where it was not held against it.
    package var thresholdBesideNone: Float?
    package init(
      reading: Reading, threshold: Float?, overrideThreshold: Float? = nil, thresholdBesideNone: Float? = nil
    ) {
      self.reading = reading
      self.threshold = threshold
      self.overrideThreshold = overrideThreshold
      self.thresholdBesideNone = thresholdBesideNone
    }
  }

  /// From 1, without gaps, in one run of the daemon.
  package var number: UInt64
  /// The window's interval.
  package var start: Instant
  package var end: Instant
  /// When the answer was there.
  package var decided: Instant
  package var answer: Answer
  /// A sure `none` from fewer than all live sensors: it may be overturned at the next full look.
  package var provisional: Bool
  /// Every live sensor was asked because `max_blind` had run out.
  package var look: Bool
  /// Sensors woken for this window.
  package var woken: ModalitySet
  /// Modalities whose data took part.
  package var used: ModalitySet
  /// Modalities that could not be had.
  package var missing: ModalitySet
  /// Distance between sound window's end and the frame, where a pair was made.
  package var skew: Nanoseconds?
  /// Room for two walks over every exit: a window that is realigned is asked afresh.
  package var trace: Bounded<48, AskedExit>
  /// One posting for each account, modality and exit: 23 segments, fusion, and 5 accounts of 8 modalities.
  package var energy: Bounded<64, EnergyPosting>
  /// What running every modality to the end and fusing would have cost by the same model of energy.
  package var alwaysOn: Nanojoules
  package var macs: Int64

  package init(number: UInt64, start: Instant, end: Instant) {
    self.number = number
    self.start = start
    self.end = end
    decided = end
    answer = Answer(
      label: nil, exit: nil, entropy: 1, certainty: 0, threshold: nil, reason: .noData)
    provisional = false
    look = false
    woken = []
    used = []
    missing = []
    skew = nil
    let nothing = Reading(exit: .fusion, entropy: 1, label: 0, certainty: 0, macs: 0, parameters: 0)
    trace = Bounded(filler: AskedExit(reading: nothing, threshold: nil))
    energy = Bounded(filler: EnergyPosting(account: .idle, energy: .zero))
    alwaysOn = .zero
    macs = 0
  }

  /// Sum of all postings.
  package var totalEnergy: Nanojoules {
    var sum = Nanojoules.zero
    for i in energy.indices { sum += energy[i].energy }
    return sum
  }
}
