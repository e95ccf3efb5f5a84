import Vocabulary

extension OrderingProblem {
  /// Refuses figures no order can be computed from.
  /// - Throws: `PlanningError` for the first fault, in declared order, with the modality's name and the exit's number.
  package func validate() throws(PlanningError) {
    try requireNotNegative(lambda, .lambda, at: .init())
    try requireNames(modalities.map(\.name))
    var total = lambda
    for modality in modalities {
      try requireNotNegative(modality.wakeCost, .wake, at: .init(modality: modality.name))
      try requireNotNegative(modality.standbyCost, .standby, at: .init(modality: modality.name))
      guard !modality.exits.isEmpty else {
        throw PlanningError(.noExits, at: .init(modality: modality.name))
      }
      total += modality.wakeCost + modality.standbyCost
      for (index, exit) in modality.exits.enumerated() {
        let place = PlanningError.Place(modality: modality.name, exit: index + 1)
        try requireShare(exit.accuracy, .accuracy, at: place)
        try requireNotNegative(exit.cost, .cost, at: place)
        try requireShare(exit.hazard, .hazard, at: place)
        total += exit.cost
      }
    }
    try requireShare(fusion.accuracy, .accuracy, at: .init(modality: "fusion"))
    try requireNotNegative(fusion.cost, .cost, at: .init(modality: "fusion"))
    // A factor in hand, for sums and differences of terms that each stay below the total.
    guard (8 * (total + fusion.cost)).isFinite else { throw PlanningError(.tooLarge) }
  }
}

extension EmpiricalProblem {
  /// More modalities than this make the dynamic programme over subsets too slow: it visits 2^n of them.
  package static let maximumModalities = 12

  /// Refuses figures and windows no order can be computed from. A NaN entropy is no fault: it never answers.
  /// - Throws: `PlanningError` for the first fault, with the modality's name, the exit's and the window's number.
  package func validate() throws(PlanningError) {
    try requireNotNegative(lambda, .lambda, at: .init())
    try requireNames(modalities.map(\.name))
    guard modalities.count <= Self.maximumModalities else {
      throw PlanningError(
        .tooManyModalities(count: modalities.count, limit: Self.maximumModalities))
    }
    var total = lambda
    for modality in modalities {
      try requireNotNegative(modality.wakeCost, .wake, at: .init(modality: modality.name))
      try requireNotNegative(modality.standbyCost, .standby, at: .init(modality: modality.name))
      guard !modality.exits.isEmpty else {
        throw PlanningError(.noExits, at: .init(modality: modality.name))
      }
      total += modality.wakeCost + modality.standbyCost
      for (index, exit) in modality.exits.enumerated() {
        let place = PlanningError.Place(modality: modality.name, exit: index + 1)
        try requireNotNegative(exit.cost, .cost, at: place)
        guard exit.threshold?.isFinite ?? true else {
          throw PlanningError(.notFinite(.threshold), at: place)
        }
        total += exit.cost
      }
    }
    try requireNotNegative(fusionCost, .cost, at: .init(modality: "fusion"))
    guard (8 * (total + fusionCost) * Double(max(windows.count, 1))).isFinite else {
      throw PlanningError(.tooLarge)
    }
    try validateWindows()
  }

  private func validateWindows() throws(PlanningError) {
    guard !windows.isEmpty else { throw PlanningError(.noWindows) }
    for (number, window) in windows.enumerated() {
      guard window.readings.count == modalities.count else {
        throw PlanningError(
          .raggedWindow(modalities: window.readings.count, expected: modalities.count),
          at: .init(window: number + 1))
      }
      for (modality, readings) in zip(modalities, window.readings)
      where readings.count != modality.exits.count {
        throw PlanningError(
          .raggedReadings(count: readings.count, expected: modality.exits.count),
          at: .init(modality: modality.name, window: number + 1))
      }
    }
  }
}

private func requireNames(_ names: [String]) throws(PlanningError) {
  guard !names.isEmpty else { throw PlanningError(.noModality) }
  var seen: Set<BytewiseText> = []
  for name in names where !seen.insert(BytewiseText(name)).inserted {
    throw PlanningError(.duplicateName, at: .init(modality: name))
  }
}

private func requireNotNegative(
  _ value: Double, _ quantity: PlanningError.Quantity, at place: PlanningError.Place
) throws(PlanningError) {
  guard value.isFinite else { throw PlanningError(.notFinite(quantity), at: place) }
  guard value >= 0 else { throw PlanningError(.negative(quantity, value), at: place) }
}

private func requireShare(
  _ value: Double, _ quantity: PlanningError.Quantity, at place: PlanningError.Place
) throws(PlanningError) {
  guard value.isFinite else { throw PlanningError(.notFinite(quantity), at: place) }
  guard (0...1).contains(value) else {
    throw PlanningError(.outsideUnitInterval(quantity, value), at: place)
  }
}
