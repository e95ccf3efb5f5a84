import JSON

/// What the gate made of an exit: its entropy against its threshold, or the gain of going on that its head predicts.
struct Judgement {
  /// What the threshold is held against, 0 to 1.
  let doubt: Double
  /// Of the exit itself; nil where it is off.
  let own: Double?
  /// What a command is held against in its place, beside another sensor's sure `none`.
  let besideNone: Double?
  let text: String
  /// The one that counts.
  var threshold: Double? { besideNone ?? own }

  /// - Parameter isFusionNext: fusion was asked after it. That leaves the answer to fusion where the gain is not worth it.
  init(_ hop: JSONPlace, isFusionNext: Bool = false) throws(JSONError) {
    own = try hop.optional("threshold")?.real()
    besideNone = try hop.optional("threshold_beside_none")?.real()
    let gain = try hop.optional("gain")?.real()
    if let gain { doubt = (1 + gain) / 2 } else { doubt = try hop.member("entropy").real() }
    let sureness = Self.sureness(
      doubt, own: own, besideNone: besideNone, isGain: gain != nil, isFusionNext: isFusionNext)
    text = "\(gain.map { ", going on would gain \(Self.figure($0))" } ?? "") (\(sureness))"
  }

  private static func sureness(
    _ doubt: Double, own: Double?, besideNone: Double?, isGain: Bool, isFusionNext: Bool
  ) -> String {
    guard let threshold = besideNone ?? own else { return "no threshold" }
    func limit(_ value: Double) -> String { figure(isGain ? 2 * value - 1 : value) }
    let (met, missed) = isGain ? ("not worth it", "worth it") : ("sure", "not sure")
    if doubt <= threshold {
      let left = isGain && isFusionNext ? "; fusion was asked all the same" : ""
      return "\(met), at or below \(limit(threshold))\(left)"
    }
    guard let own, besideNone != nil, doubt <= own else { return "\(missed), above \(limit(threshold))" }
    return "\(met), at or below \(limit(own)), "
      + "but beside another sensor's sure none not enough, above \(limit(threshold))"
  }

  static func figure(_ value: Double) -> String { Output.fixed(value, 4) }
}
