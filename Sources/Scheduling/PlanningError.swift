/// Why no order can be computed: what is wrong with the figures, and where.
package struct PlanningError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number that is wrong.
  package enum Quantity: String, Hashable, Sendable {
    case lambda, accuracy, cost, hazard, wake, standby, threshold
  }

  package enum Fault: Hashable, Sendable {
    /// The problem names no modality.
    case noModality
    /// More modalities than the method can take.
    case tooManyModalities(count: Int, limit: Int)
    /// Two modalities share a name.
    case duplicateName
    /// A modality has no exit.
    case noExits
    /// NaN or infinite.
    case notFinite(Quantity)
    /// Below 0 where that makes no sense.
    case negative(Quantity, Double)
    /// A probability or share outside 0...1.
    case outsideUnitInterval(Quantity, Double)
    /// All is finite, but lambda and the costs together are not.
    case tooLarge
    /// No recorded window.
    case noWindows
    /// A window names another number of modalities than the problem.
    case raggedWindow(modalities: Int, expected: Int)
    /// A window has another number of readings for a modality than that has exits.
    case raggedReadings(count: Int, expected: Int)
    /// `empirical` was asked for without windows; it takes an `EmpiricalProblem`.
    case windowsNeeded
  }

  /// What the fault is about; nil in all for the problem as a whole.
  package struct Place: Hashable, Sendable {
    /// Name of the modality; `"fusion"` for fusion.
    package var modality: String?
    /// From 1.
    package var exit: Int?
    /// From 1, in the order recorded.
    package var window: Int?

    package init(modality: String? = nil, exit: Int? = nil, window: Int? = nil) {
      self.modality = modality
      self.exit = exit
      self.window = window
    }
  }

  package let fault: Fault
  package let place: Place

  package init(_ fault: Fault, at place: Place = Place()) {
    self.fault = fault
    self.place = place
  }

  /// One line: where, what, and what to do.
  package var description: String {
    var parts: [String] = []
    if let window = place.window { parts.append("window \(window)") }
    if let modality = place.modality {
      parts.append(modality == "fusion" ? "fusion" : "modality \"\(modality)\"")
    }
    if let exit = place.exit { parts.append("exit \(exit)") }
    let location = parts.joined(separator: ", ")
    return location.isEmpty ? explanation : "\(location): \(explanation)"
  }

  private var explanation: String {
    switch fault {
    case .noModality: "there is no modality to order; name at least one"
    case .tooManyModalities(let count, let limit):
      "\(count) modalities are more than the \(limit) this method takes; leave some out or use exact"
    case .duplicateName: "the name is used twice; give every modality its own"
    case .noExits: "it has no exit; give it at least the one at its encoder's end"
    case .notFinite(let quantity): "\(quantity.rawValue) is not a finite number; state one"
    case .negative(let quantity, let value): "\(quantity.rawValue) is \(value); it must be 0 or more"
    case .outsideUnitInterval(let quantity, let value):
      "\(quantity.rawValue) is \(value); it must lie in 0...1"
    case .tooLarge: "lambda and the costs together exceed what a number can hold; use a larger unit of cost"
    case .noWindows: "there is no recorded window; record at least one"
    case .raggedWindow(let count, let expected):
      "it has readings of \(count) modalities where there are \(expected); record every modality"
    case .raggedReadings(let count, let expected):
      "it has \(count) readings where the modality has \(expected) exits; record every exit"
    case .windowsNeeded: "the empirical order needs recorded windows; give them or choose another method"
    }
  }
}
