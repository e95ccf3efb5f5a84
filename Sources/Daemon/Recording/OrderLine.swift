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
    for sensor in change.sensors {
      let count = "\(sensor.right) of \(sensor.events) audited events right"
      text += "; \(names[sensor.modality]) \(sensor.isAsked ? "is asked again" : "is left out"): \(count)"
    }
    return text
  }
}
