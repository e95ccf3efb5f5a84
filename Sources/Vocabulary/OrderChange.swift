/// Another order of modalities, or another set of them that is asked, and the figures that moved it.
package struct OrderChange: Hashable, Sendable {
  /// A figure of an exit that is another than when the order was last chosen.
  package struct Moved: Hashable, Sendable {
    /// `hazard` or `accuracy`.
    package var quantity: String
    package var modality: Int
    /// From 1.
    package var exit: Int
    package var from: Double
    package var to: Double
    /// Effective number of audits behind the new one.
    package var audits: Double

    package init(quantity: String, modality: Int, exit: Int, from: Double, to: Double, audits: Double) {
      self.quantity = quantity
      self.modality = modality
      self.exit = exit
      self.from = from
      self.to = to
      self.audits = audits
    }
  }

  /// A sensor that is left out from now on, or asked again.
  package struct Sensor: Hashable, Sendable {
    package var modality: Int
    package var isAsked: Bool
    /// Its right answers, of so many audited events, the newest.
    package var right: Int
    package var events: Int

    package init(modality: Int, isAsked: Bool, right: Int, events: Int) {
      self.modality = modality
      self.isAsked = isAsked
      self.right = right
      self.events = events
    }
  }

  package var from: [Int]
  package var to: [Int]
  package var askedBefore: ModalitySet
  package var asked: ModalitySet
  /// Joules a window, by the audits.
  package var formerValue: Double
  /// Factors on the model's thresholds, and on what a right answer is worth for giving up: a budget's or a risk bound's.
  package var thresholdScale = 1.0
  package var worthShare = 1.0
  package var value: Double
  /// What the new order gains a window when the gate walks the audited windows, and its standard error, joules.
  package var gain: Double
  package var standardError: Double
  /// Audits looked at.
  package var audits: Int
  package var moved: [Moved] = []
  package var sensors: [Sensor] = []

  package init(
    from: [Int], to: [Int], askedBefore: ModalitySet, asked: ModalitySet, formerValue: Double, value: Double,
    gain: Double, standardError: Double, audits: Int
  ) {
    self.from = from
    self.to = to
    self.askedBefore = askedBefore
    self.asked = asked
    self.formerValue = formerValue
    self.value = value
    self.gain = gain
    self.standardError = standardError
    self.audits = audits
  }
}
