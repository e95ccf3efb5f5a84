import Vocabulary
import Wire

/// The journal's line about another order.
enum OrderLine {
  static func text(_ change: OrderChange, _ names: [String]) -> String {
    func list(_ order: [Int], _ asked: ModalitySet) -> String {
      order.map { asked.contains(index: $0) ? names[$0] : "(\(names[$0]))" }.joined(separator: ", ")
    }
    var text =
      "order: \(list(change.to, change.asked)); it was \(list(change.from, change.askedBefore))"
      + "; \(change.audits) audits, \(DecisionLine.places(1e3 * change.gain, 1)) mJ a window"
    if change.thresholdScale != 1 {
      text += "; thresholds times \(DecisionLine.places(change.thresholdScale, 2))"
    }
    if change.worthShare != 1 {
      text += "; gives up sooner: a right answer counts \(DecisionLine.places(change.worthShare, 2))"
    }
    for sensor in change.sensors {
      let count =
        sensor.events > 0
        ? "\(sensor.right) of \(sensor.events) audited events right"
        : sensor.isAsked ? "its data tells something again" : "its data tells nothing"
      text += "; \(names[sensor.modality]) \(sensor.isAsked ? "is asked again" : "is left out"): \(count)"
    }
    return text
  }
}
