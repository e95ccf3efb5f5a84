import Vocabulary

/// An average power or an energy a day, as energy a window.
package struct EnergyLimit: Hashable, Sendable {
  /// Joules a window.
  package let joulesPerWindow: Double

  /// - Parameter stride: from one window to the next.
  package init(watts: Double, stride: Nanoseconds) { joulesPerWindow = watts * stride.seconds }

  package init(joulesPerDay: Double, stride: Nanoseconds) {
    joulesPerWindow = joulesPerDay / 86_400 * stride.seconds
  }
}

/// Chooses how to run within an energy limit.
package struct Budget: Sendable {
  package struct Settings: Hashable, Sendable {
    /// Largest share of windows that may be answered otherwise than by full fusion; nil where no bound is set.
    package var riskBound: Double? = 0.03
    /// Where both cannot be kept, the bound is kept and the limit broken, else the other way round.
    package var riskOutranks = true
    /// Share of windows answered right by which another setting has to be better for a change.
    package var margin = 0.01
    /// The present setting stays until it costs more than the limit times 1 + this; a new one has to cost less than the
    /// limit times 1 - this. Between the two nothing moves.
    package var slack = 0.03

    package init() {}
  }

  package enum Breach: Hashable, Sendable {
    /// Nothing within the risk bound costs so little.
    case limit
    /// Nothing within the limit has so small a risk.
    case risk
  }

  package struct Choice: Hashable, Sendable {
    package var point: FrontierPoint
    package var isChanged: Bool
    package var breach: Breach?
    /// Accuracy of the best setting within the risk bound without a limit, less that of the choice: what the limit costs.
    package var accuracyCost: Double
  }

  package let settings: Settings
  private var present: FrontierPoint?

  package init(settings: Settings = Settings()) { self.settings = settings }

  /// - Parameter frontier: on the newest audits.
  /// - Returns: nil where no setting could be tried.
  package mutating func choose(_ frontier: Frontier, limit: EnergyLimit) -> Choice? {
    choose(frontier.points, limit: limit.joulesPerWindow)
  }

  /// - Parameters:
  ///   - points: settings with what they cost and achieve.
  ///   - limit: mean cost of a window, in the points' unit.
  package mutating func choose(_ points: [FrontierPoint], limit: Double) -> Choice? {
    guard !points.isEmpty else { return nil }
    let safe = points.filter { isSafe($0) }
    let cheap = points.filter { $0.cost <= limit * (1 - settings.slack) }
    let both = safe.filter { $0.cost <= limit * (1 - settings.slack) }
    let now = present.flatMap { present in points.first { $0.isSameSetting(as: present) } }
    let staysWithin = now.map { isSafe($0) && $0.cost <= limit * (1 + settings.slack) } ?? false
    let choice: FrontierPoint
    var breach: Breach?
    if let best = Self.mostAccurate(both) {
      if let now, staysWithin, best.accuracy <= now.accuracy + settings.margin {
        choice = now
      } else {
        choice = best
      }
    } else if let now, staysWithin {
      choice = now
    } else if settings.riskOutranks, let cheapest = Self.cheapest(safe) {
      (choice, breach) = (cheapest, .limit)
    } else if let best = Self.mostAccurate(cheap) {
      (choice, breach) = (best, .risk)
    } else if let cheapest = Self.cheapest(safe) ?? Self.cheapest(points) {
      (choice, breach) = (cheapest, .limit)
    } else {
      return nil
    }
    let isChanged = !(present?.isSameSetting(as: choice) ?? false)
    present = choice
    let free = Self.mostAccurate(safe.isEmpty ? points : safe)?.accuracy ?? choice.accuracy
    return Choice(
      point: choice, isChanged: isChanged, breach: breach, accuracyCost: max(0, free - choice.accuracy))
  }

  private func isSafe(_ point: FrontierPoint) -> Bool {
    settings.riskBound.map { point.risk <= $0 } ?? true
  }

  /// Of equals the cheaper, then the first.
  private static func mostAccurate(_ points: [FrontierPoint]) -> FrontierPoint? {
    var best: FrontierPoint?
    for point in points {
      if let incumbent = best,
        point.accuracy < incumbent.accuracy
          || (point.accuracy == incumbent.accuracy && point.cost >= incumbent.cost)
      {
        continue
      }
      best = point
    }
    return best
  }

  private static func cheapest(_ points: [FrontierPoint]) -> FrontierPoint? {
    var best: FrontierPoint?
    for point in points {
      if let incumbent = best,
        point.cost > incumbent.cost || (point.cost == incumbent.cost && point.accuracy <= incumbent.accuracy)
      {
        continue
      }
      best = point
    }
    return best
  }
}
