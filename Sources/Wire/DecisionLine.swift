import JSON
import Vocabulary

/// One decision as a line for people: when, which exits were asked with entropy against threshold, what was
/// woken, the answer and why, and the energy. Made from a `Decision` or from its record.
package struct DecisionLine: Equatable, Sendable {
  package struct AskedExit: Equatable, Sendable {
    package var exit: String
    /// What the threshold is held against: the entropy, or half of 1 + the predicted gain of going on.
    package var doubt: Double
    package var threshold: Double?
    /// What a command was held against instead, beside another sensor's sure `none`.
    package var besideNone: Double?
    /// Where the exit was asked for nothing but the class that overrides.
    package var override: Override?
  }
  package struct Override: Equatable, Sendable {
    package var label: String
    package var probability: Double
    package var threshold: Double
    package var isMet: Bool { probability >= threshold }
  }
  package var number: Int64
  package var end: Double
  package var trace: [AskedExit] = []
  package var woken: [String] = []
  package var label: String?
  package var reason: String
  package var provisional: Bool
  package var millijoules: Double

  /// - Parameter overriding: index of the class that overrides.
  package init(
    _ decision: borrowing Decision, classes: [String], modalities: [String], overriding: Int? = nil
  ) {
    number = Int64(decision.number)
    end = Double(decision.end.sinceBoot) * 1e-9
    reason = decision.answer.reason.rawValue
    provisional = decision.provisional
    label = decision.answer.label.map { classes[$0] }
    millijoules = Double(decision.totalEnergy.count) * 1e-6
    for i in decision.trace.indices {
      let hop = decision.trace[i]
      let name =
        switch hop.reading.exit {
        case .encoder(let modality, let exit): "\(modalities[modality])/\(exit)"
        case .fusion: "fusion"
        }
      var asked = AskedExit(
        exit: name, doubt: Double(hop.reading.doubt), threshold: hop.threshold.map(Double.init),
        besideNone: hop.thresholdBesideNone.map(Double.init))
      if let threshold = hop.overrideThreshold, let probability = hop.reading.overriding {
        asked.override = Override(
          label: overriding.map { classes[$0] } ?? "-", probability: Double(probability),
          threshold: Double(threshold))
      }
      trace.append(asked)
    }
    for (index, name) in modalities.enumerated() where decision.woken.contains(index: index) {
      woken.append(name)
    }
  }

  /// From a decision's record, as the ledger and the protocol have it.
  package init(_ record: JSONPlace) throws(JSONError) {
    number = try record.member("number").integer()
    end = Double(try record.member("window").elements(count: 2...2)[1].integer()) * 1e-9
    reason = try record.member("reason").string()
    provisional = try record.member("provisional").bool()
    label = try record.optional("label")?.string()
    millijoules = Double(try record.member("total_nanojoules").integer()) * 1e-6
    for hop in try record.member("hops").elements() {
      let gain = try hop.optional("gain")?.real()
      let entropy = try hop.member("entropy").real()
      let name =
        if let modality = try hop.optional("modality")?.string() {
          "\(modality)/\(try hop.member("exit").integer())"
        } else {
          "fusion"
        }
      trace.append(
        AskedExit(
          exit: name, doubt: gain.map { (1 + $0) / 2 } ?? entropy,
          threshold: try hop.optional("threshold")?.real(),
          besideNone: try hop.optional("threshold_beside_none")?.real(), override: try Override(of: hop)))
    }
    for name in try record.member("woken").elements() { woken.append(try name.string()) }
  }

  /// `12    6.00s  #12      6.00s  7        sure             123.4 mJ  audio/1 .623>.250  image/1 .081<=.250  [woke image]`
  package var text: String {
    var asked = trace.map { hop -> String in
      if let override = hop.override { return "\(hop.exit) \(override.text)" }
      guard let threshold = hop.besideNone ?? hop.threshold else {
        return "\(hop.exit) \(Self.short(hop.doubt))"
      }
      let sign = hop.doubt <= threshold ? "<=" : ">"
      return "\(hop.exit) \(Self.short(hop.doubt))\(sign)\(Self.short(threshold))"
    }.joined(separator: "  ")
    if !woken.isEmpty { asked += "  [woke \(woken.joined(separator: ", "))]" }
    let answer = (label ?? "-") + (provisional ? "?" : "")
    let energy = Self.places(millijoules, 1)
    return "#\(Self.left(String(number), 4)) \(Self.right(Self.places(end, 2), 7))s  "
      + "\(Self.left(answer, 8)) \(Self.left(reason, 14)) \(Self.right(energy, 7)) mJ  \(asked)"
  }

  /// Entropies and thresholds lie in 0...1: `.623`, and `1.00`.
  static func short(_ value: Double) -> String {
    let text = places(value, 3)
    return text.hasPrefix("0.") ? String(text.dropFirst()) : String(text.prefix(4))
  }

  package static func places(_ value: Double, _ count: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "-" }
    let scale = (0..<count).reduce(1.0) { result, _ in result * 10 }
    let whole = Int64((abs(value) * scale).rounded(.toNearestOrEven))
    let digits = String(whole)
    let padded = String(repeating: "0", count: max(0, count + 1 - digits.count)) + digits
    return (value < 0 ? "-" : "") + padded.dropLast(count) + "." + padded.suffix(count)
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

extension DecisionLine.Override {
  /// Of a hop's record; nil where the exit was asked for an answer.
  package init?(of hop: JSONPlace) throws(JSONError) {
    guard let place = try hop.optional("override") else { return nil }
    self.init(
      label: try place.optional("label")?.string() ?? "-",
      probability: try place.member("probability").real(), threshold: try place.member("threshold").real())
  }

  /// `stop .020<.100`.
  fileprivate var text: String {
    "\(label) \(DecisionLine.short(probability))\(isMet ? ">=" : "<")\(DecisionLine.short(threshold))"
  }
}
