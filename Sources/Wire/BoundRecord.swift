import JSON
import Vocabulary

/// What ledger and journal say of a budget or a bound on the risk that is broken, or kept again.
package enum BoundRecord {
  package static func text(_ change: BoundChange) -> String {
    let again = change.isKept ? " is kept again" : ""
    switch change.bound {
    case .budget:
      let figures =
        "\(DecisionLine.places(change.value, 3)) W over the last hour, \(DecisionLine.places(change.limit, 3)) W are allowed"
      return "budget\(again): \(figures)"
        + (change.isKept
          ? ""
          : "; who listens takes more alone, risk-bound outranks it, or people ask for windows: raise it in [adaptation]")
    case .risk:
      return
        "risk-bound\(again): \(DecisionLine.places(100 * change.value, 1)) % of the audits were answered otherwise than by full fusion, at most \(DecisionLine.places(100 * change.limit, 1)) % may be"
    }
  }

  static func writeMembers(_ change: BoundChange, into json: inout JSONWriter) {
    json.key("message")
    json.value(text(change))
    json.key("bound")
    json.value(change.bound.rawValue)
    json.key("kept")
    json.value(change.isKept)
    json.key("limit")
    json.value(change.limit)
    json.key("value")
    json.value(change.value)
  }
}
