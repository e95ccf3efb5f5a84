/// An order of whole modalities and what it is worth a window, in the unit of the prices.
package struct RankedOrder: Hashable, Sendable {
  package var order: [Int]
  package var value: Double

  package init(order: [Int], value: Double) {
    self.order = order
    self.value = value
  }
}

/// A figure that is another than when the order was last chosen.
package struct MovedFigure: Hashable, Sendable {
  package enum Quantity: String, Hashable, Sendable { case hazard, accuracy }

  package var quantity: Quantity
  package var modality: Int
  /// From 1.
  package var exit: Int
  package var from: Double
  package var to: Double
  /// Effective audits behind the new one.
  package var count: Double
}

/// What a review of the order found, and why the order stays or changes.
package struct OrderReview: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    /// From now on `best` is the order.
    case change
    /// No order is worth more.
    case keepBest
    /// There are fewer audits than a change takes.
    case keepTooFewAudits
    /// The other order is worth more, by less than it takes.
    case keepWithinMargin
    /// The last change is too recent.
    case keepDwelling
  }

  package var verdict: Verdict
  package var present: RankedOrder
  /// The best order on the audits.
  package var best: RankedOrder
  /// The best order that begins with another sensor than `best`; nil with one sensor.
  package var runnerUp: RankedOrder?
  /// What `best` gains a window over `present` when the gate walks the audited windows, and its standard error.
  package var gain: Double
  package var standardError: Double
  /// What the gain has to exceed.
  package var required: Double
  /// Audits looked at: those since the scene last changed.
  package var audits: Int
  /// The effective number of them.
  package var effectiveAudits: Double
  /// The figures that moved furthest since the last change of the order, in standard deviations; at most four.
  package var moved: [MovedFigure]

  /// By how much more a window would have to gain for a change; 0 where it is enough.
  package var shortfall: Double { max(0, required - gain) }
}
