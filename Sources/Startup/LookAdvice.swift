import Configuration
import Engine
import Vocabulary

/// Settings that are allowed and work against each other.
package enum LookAdvice {
  /// One line for a configuration whose looks need more wakes than a sensor may have; nil where they do not.
  package static func text(_ configuration: Configuration, _ model: Model) -> String? {
    let gate = configuration.gate
    guard model.noneClass != nil, model.modalities.count > 1 else { return nil }
    // From one look to the next passes `max-blind` less a window, or a little more.
    let least = Nanoseconds(60_000_000_000 / Int64(gate.wakesPerMinute)) + configuration.general.windowPeriod
    let blind = min(gate.maximumBlindAfterEvent ?? gate.maximumBlind, gate.maximumBlind)
    guard blind < least else { return nil }
    let name = blind < gate.maximumBlind ? "max-blind-after-event" : "max-blind"
    let rounded = Nanoseconds.milliseconds((least.count + 99_999_999) / 100_000_000 * 100)
    return "\(name) = \(Quantity.text(blind)) asks for more looks than wakes-per-minute = "
      + "\(gate.wakesPerMinute) has wakes for, so the sensors that could sleep will mostly be kept awake; "
      + "set \(name) to \(Quantity.text(rounded)) or more, or allow more wakes"
  }
}
