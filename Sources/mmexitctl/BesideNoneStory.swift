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
      guard let beside = try hop.optional("threshold_beside_none")?.real() else { continue }
      let entropy = try hop.member("entropy").real()
      let gain = try hop.optional("gain")?.real()
      let doubt = gain.map { (1 + $0) / 2 } ?? entropy
      let own = try hop.optional("threshold")?.real()
      guard doubt <= max(beside, own ?? beside) else { continue }
      self.index = index
      exit = "\(try hop.member("modality").string())/\(try hop.member("exit").integer())"
      label = try hop.optional("label")?.string() ?? "nothing"
      self.doubt = doubt
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

  private func figure(_ value: Double) -> String { Output.fixed(value, 4) }
}
