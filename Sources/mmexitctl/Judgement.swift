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
    let threshold = besideNone ?? own
    guard let gain = try hop.optional("gain")?.real() else {
      doubt = try hop.member("entropy").real()
      text = " (\(Self.sureness(doubt, own: own, besideNone: besideNone)))"
      return
    }
    doubt = (1 + gain) / 2
    let (isEnough, limit) = (doubt <= threshold ?? 0, threshold.map { Self.figure(2 * $0 - 1) })
    let left = isFusionNext ? "; fusion was asked all the same" : ""
    text =
      ", going on would gain \(Self.figure(gain)) "
      + "(\(limit.map { isEnough ? "not worth it, at or below \($0)\(left)" : "worth it, above \($0)" } ?? "no threshold"))"
  }

  private static func sureness(_ doubt: Double, own: Double?, besideNone: Double?) -> String {
    guard let threshold = besideNone ?? own else { return "no threshold" }
    if doubt <= threshold { return "sure, at or below \(figure(threshold))" }
    guard let own, besideNone != nil, doubt <= own else { return "not sure, above \(figure(threshold))" }
    return "sure, at or below \(figure(own)), "
      + "but beside another sensor's sure none not enough, above \(figure(threshold))"
  }

  static func figure(_ value: Double) -> String { Output.fixed(value, 4) }
}
