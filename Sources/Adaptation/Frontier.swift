import Scheduling
import Vocabulary

/// One way to run, and what it costs and achieves on the audited windows.
package struct FrontierPoint: Hashable, Sendable {
  /// By the model's indices.
  package var order: [Int]
  package var permitted: ModalitySet
  /// Factor on the model's thresholds.
  package var thresholdScale: Double
  /// What a right answer is worth for giving up, as a share of lambda; below 1 the gate concludes unsure sooner.
  package var lambdaShare: Double
  /// Mean a window, in the unit of the prices.
  package var cost: Double
  /// Share of windows answered right.
  package var accuracy: Double
  /// Share of windows answered otherwise than by full fusion.
  package var risk: Double

  /// The same way to run, whatever it achieves.
  package func isSameSetting(as other: FrontierPoint) -> Bool {
    order == other.order && permitted == other.permitted && thresholdScale == other.thresholdScale
      && lambdaShare == other.lambdaShare
  }
}

/// The energy-accuracy frontier of the audited windows.
package struct Frontier: Sendable {
  /// Sensors may be left out one by one beyond this number; up to it every set is tried.
  private static let everySetUpTo = 4
  package static let lambdaShares = [1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01]

  /// Every setting tried, in a fixed order.
  package let points: [FrontierPoint]

  /// - Parameters:
  ///   - policy: what the gate walks now.
  ///   - thresholds: for each factor to be tried.
  ///   - figures: prices and estimates, in the model's order.
  ///   - hopeless: sensors that tell nothing: not asked, unless they listen.
  ///   - dead: those of them that are taken as quiet where they listen.
  ///   - stream: what full checks and lingering cost.
  /// - Throws: `PlanningError` if the figures are unusable.
  package init(
    _ buffer: ValidationBuffer, policy: GatePolicy, thresholds: [(scale: Double, table: ThresholdTable)],
    figures: OrderingProblem, hopeless: ModalitySet = [], dead: ModalitySet = [],
    stream: StreamPrices = StreamPrices()
  ) throws(PlanningError) {
    let layout = buffer.layout
    let order = policy.steps.compactMap { step in
      if case .encoder(let modality, 1) = step { modality } else { nil }
    }
    var points: [FrontierPoint] = []
    for set in Self.sets(.all(layout.modalityCount), count: layout.modalityCount) {
      // Of those permitted each may be the one that stays awake; the others follow as in the present order.
      for first in order where set.contains(index: first) {
        let candidate = [first] + order.filter { $0 != first }
        for (scale, table) in thresholds {
          for share in Self.lambdaShares {
            var weighed = figures
            weighed.lambda *= share
            let variant = policy.with(
              steps: layout.walk(candidate), thresholds: table,
              continuation: .some(try ContinuationValue(weighed)))
            let worth = StreamWorth(
              buffer,
              AuditReplay(
                layout, prices: figures, policy: variant, permitted: set, hopeless: hopeless, dead: dead,
                stream: stream))
            guard worth.count > 0 else { continue }
            points.append(
              FrontierPoint(
                order: candidate, permitted: set, thresholdScale: scale, lambdaShare: share, cost: worth.cost,
                accuracy: worth.correct, risk: 1 - worth.agrees))
          }
        }
      }
    }
    self.points = points
  }

  private static func sets(_ allowed: ModalitySet, count: Int) -> [ModalitySet] {
    let members = (0..<count).filter { allowed.contains(index: $0) }
    if members.count <= everySetUpTo {
      return (1..<1 << members.count).map { bits in
        members.enumerated().reduce(into: ModalitySet()) { set, member in
          if bits & 1 << member.offset != 0 { set.insert(ModalitySet(index: member.element)) }
        }
      }
    }
    return [allowed] + members.map { allowed.subtracting(ModalitySet(index: $0)) }
  }

  /// Points that no other beats in both cost and accuracy, by rising cost.
  package var efficient: [FrontierPoint] {
    let sorted = points.enumerated().sorted {
      if $0.element.cost != $1.element.cost { return $0.element.cost < $1.element.cost }
      if $0.element.accuracy != $1.element.accuracy { return $0.element.accuracy > $1.element.accuracy }
      return $0.offset < $1.offset
    }
    var best = -1.0
    return sorted.compactMap { _, point in
      guard point.accuracy > best else { return nil }
      best = point.accuracy
      return point
    }
  }
}
