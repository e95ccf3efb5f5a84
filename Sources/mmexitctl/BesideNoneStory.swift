import JSON
import Wire

/// How a sure command fared beside another sensor's sure `none`.
struct BesideNoneStory {
  /// Of the command's hop.
  let index: Int
  private let exit: String
  private let label: String
  private let doubt: Double
  private let threshold: Double

  /// Of a decision's hops; nil where no sure command was held against a threshold beside a `none`.
  init?(_ hops: [JSONPlace]) throws(JSONError) {
    for (index, hop) in hops.enumerated() {
      let judgement = try Judgement(hop)
      guard let beside = judgement.besideNone, judgement.doubt <= max(beside, judgement.own ?? beside) else {
        continue
      }
      self.index = index
      exit = "\(try hop.member("modality").string())/\(try hop.member("exit").integer())"
      label = try hop.optional("label")?.string() ?? "nothing"
      doubt = judgement.doubt
      threshold = beside
      // Left to fusion for having a gain head.
      if stands, index + 1 < hops.count, try hops[index + 1].optional("override") == nil { return nil }
      return
    }
    return nil
  }

  /// It was sure enough.
  var stands: Bool { doubt <= threshold }

  /// One sentence.
  var why: String {
    "another sensor was sure of nothing, and \(exit) was sure "
      + (stands
        ? "enough of '\(label)' to stand beside that (\(figure(doubt)) <= \(figure(threshold)))"
        : "of '\(label)', but not enough to stand beside that (\(figure(doubt)) > \(figure(threshold))), so everything asked was "
          + "fused")
  }

  /// What would have made it come out otherwise.
  var otherwise: String {
    stands
      ? "a threshold_beside_none of \(exit) below \(figure(doubt)) in the model would have had everything fused"
      : "a threshold_beside_none of \(exit) of \(figure(doubt)) or more in the model would have let it answer"
  }

  private func figure(_ value: Double) -> String { Judgement.figure(value) }
}
