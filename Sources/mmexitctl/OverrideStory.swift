import JSON
import Wire

/// How a sure answer fared when others were asked, for their first exits, whether they say the class that overrides.
struct OverrideStory {
  private let sure: String
  private let asked: [(sensor: String, override: DecisionLine.Override)]

  /// Of a decision's hops; nil where nobody was asked.
  init?(_ hops: [JSONPlace]) throws(JSONError) {
    var sure: String?
    var asked: [(String, DecisionLine.Override)] = []
    for hop in hops {
      guard let override = try DecisionLine.Override(of: hop) else {
        if asked.isEmpty, let modality = try hop.optional("modality")?.string() {
          let label = try hop.optional("label")?.string() ?? "nothing"
          sure = "\(modality)/\(try hop.member("exit").integer()) was sure of '\(label)'"
        }
        continue
      }
      asked.append((try hop.member("modality").string(), override))
    }
    guard let sure, !asked.isEmpty else { return nil }
    self.sure = sure
    self.asked = asked
  }

  var isOverridden: Bool { asked.contains { $0.override.isMet } }

  /// One sentence.
  var why: String {
    let questions = asked.map { sensor, override in
      "\(sensor) was asked whether it says '\(override.label)' (\(Self.figure(override.probability)) "
        + "\(override.isMet ? ">=" : "<") \(Self.figure(override.threshold)))"
    }
    return "\(sure); \(questions.joined(separator: ", ")), so "
      + (isOverridden ? "everything asked was fused" : "the answer stands")
  }

  /// What would have made it come out otherwise.
  var otherwise: [String] {
    asked.filter { !isOverridden || $0.override.isMet }.map { sensor, override in
      let figure = Self.figure(override.probability)
      return override.isMet
        ? "an override_threshold of \(sensor)/1 above \(figure) in the model would not have had everything fused"
        : "an override_threshold of \(sensor)/1 of \(figure) or less in the model would have had everything fused"
    }
  }

  /// What stands behind the exit's entropy.
  static func text(_ override: DecisionLine.Override) -> String {
    ", asked for '\(override.label)' alone: \(figure(override.probability)) "
      + "(\(override.isMet ? "at or above" : "below") \(figure(override.threshold)))"
  }

  private static func figure(_ value: Double) -> String { Output.fixed(value, 4) }
}
