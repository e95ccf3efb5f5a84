import Adaptation
import Vocabulary

extension Keys {
  /// What [adaptation] knows.
  package static let adaptation: [Key<Configuration.Adaptation>] = [
    .flag("audits", \.audits, "Run every exit on some windows, drawn at random."),
    share("probability", \.probability, "Chance that a window is audited, while energy allows."),
    share("energy-share", \.energyShare, "Largest share of all energy that audits may take."),
    .count("seed", 0...Int(Int32.max), \.seed, "Of the draws: the same windows for the same seed."),
    .flag("reorder", \.reorder, "Let audits choose the order of modalities and which of them are asked."),
    .optional(
      "budget", takes: "power", unit: "W", \.budget,
      "With reorder: what all may take, on the average of any hour; order, sensors and thresholds keep to it."
    ) { (text) throws(ValueError) in try Quantity.watts(text, 0.001...1000) },
    .optional(
      "risk-bound", takes: "number, 0 to 1", unit: "", \.riskBound,
      "With reorder: largest share of windows that may be answered otherwise than by full fusion."
    ) { (text) throws(ValueError) in try Quantity.number(text, 0...1) },
    .flag("risk-outranks", \.riskOutranks, "Where both cannot be kept, risk-bound is, and budget is broken."),
    .count("buffer", 1...ValidationBuffer.maximumCapacity, \.buffer, "Audits that are kept, the newest."),
    share(
      "label-share", \.labelShare,
      "Largest share of them whose label may be a client's; the rest have fusion's."),
  ]

  private static func share(
    _ name: String, _ path: WritableKeyPath<Configuration.Adaptation, Double> & Sendable, _ help: String
  ) -> Key<Configuration.Adaptation> {
    Key(name: name, takes: "number, 0 to 1", help: help) { (text, target) throws(ValueError) in
      target[keyPath: path] = try Quantity.number(text, 0...1)
    } show: {
      "\($0[keyPath: path])"
    }
  }
}
