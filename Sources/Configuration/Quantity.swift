import Glibc
import Vocabulary

/// Reads the values of a configuration file. Numbers with a dimension must carry their unit.
package enum Quantity {
  /// Splits `1.5ms` into 1.5 and `ms`.
  private static func split(_ text: String) -> (Double, Substring)? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-" || $0 == "+") }
    guard let value = Double(String(number)), value.isFinite else { return nil }
    let unit = text.dropFirst(number.count).drop { $0 == " " }
    return (value, unit)
  }

  private static func scaled(
    _ text: String, units: KeyValuePairs<String, Double>, what: String, range: ClosedRange<Double>
  ) throws(ValueError) -> Double {
    let names = units.map(\.key).joined(separator: ", ")
    guard let (number, unit) = split(text) else {
      throw ValueError(message: "'\(text)' is not \(what); write a number and one of \(names)")
    }
    guard let factor = units.first(where: { $0.key == unit })?.value else {
      let shown = unit.isEmpty ? "has no unit" : "has the unknown unit '\(unit)'"
      throw ValueError(message: "'\(text)' \(shown); use one of \(names)")
    }
    let value = number * factor
    guard range.contains(value) else {
      throw ValueError(
        message: "'\(text)' is out of range; use \(range.lowerBound) to \(range.upperBound) \(units[0].key)")
    }
    return value
  }

  static func duration(_ text: String, _ range: ClosedRange<Double>) throws(ValueError) -> Nanoseconds {
    let seconds = try scaled(
      text, units: ["s": 1, "ms": 1e-3, "us": 1e-6, "min": 60, "h": 3600], what: "a duration", range: range)
    return Nanoseconds(Int64((seconds * 1e9).rounded(.toNearestOrEven)))
  }

  static func joules(_ text: String, _ range: ClosedRange<Double>) throws(ValueError) -> Double {
    try scaled(
      text, units: ["J": 1, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9], what: "an energy", range: range)
  }

  static func watts(_ text: String, _ range: ClosedRange<Double>) throws(ValueError) -> Double {
    try scaled(text, units: ["W": 1, "mW": 1e-3, "uW": 1e-6], what: "a power", range: range)
  }

  /// Whole ones.
  static func decibels(_ text: String, _ range: ClosedRange<Int>) throws(ValueError) -> Int {
    let value = try scaled(
      text, units: ["dB": 1], what: "a ratio", range: Double(range.lowerBound)...Double(range.upperBound))
    guard value == value.rounded() else { throw ValueError(message: "'\(text)' is not a whole number of dB") }
    return Int(value)
  }

  static func number(_ text: String, _ range: ClosedRange<Double>) throws(ValueError) -> Double {
    guard let value = Double(text), range.contains(value) else {
      throw ValueError(
        message: "'\(text)' is not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  static func count(_ text: String, _ range: ClosedRange<Int>) throws(ValueError) -> Int {
    guard let value = Int(text), range.contains(value) else {
      throw ValueError(
        message: "'\(text)' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  static func bytes(_ text: String, _ range: ClosedRange<Double>) throws(ValueError) -> Int {
    Int(
      try scaled(
        text, units: ["B": 1, "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824], what: "a size",
        range: range))
  }

  static func flag(_ text: String) throws(ValueError) -> Bool {
    switch text {
    case "yes", "true", "on": return true
    case "no", "false", "off": return false
    default: throw ValueError(message: "'\(text)' is neither yes nor no")
    }
  }

  static func choice<T: RawRepresentable & CaseIterable>(_ text: String, of type: T.Type) throws(ValueError)
    -> T where T.RawValue == String
  {
    if let value = T(rawValue: text) { return value }
    let names = T.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValueError(message: "'\(text)' is not one of \(names)")
  }

  /// Prints a duration so that `duration` reads it back exactly.
  package static func text(_ time: Nanoseconds) -> String {
    if time.count % 1_000_000_000 == 0 { return "\(time.count / 1_000_000_000)s" }
    if time.count % 1_000_000 == 0 { return "\(time.count / 1_000_000)ms" }
    return "\(Double(time.count) / 1000)us"
  }
}
