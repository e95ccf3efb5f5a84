import Adaptation
import JSON
import Pipeline
import Startup
import Vocabulary

/// The reply to `GetOrder`.
enum OrderReply {
  static func write(
    _ report: OrderReport, _ status: PipelineStatus, _ generation: Generation, into json: inout JSONWriter
  ) {
    let names = generation.names.modalities
    func list(_ key: StaticString, _ order: [Int]) {
      json.key(key)
      json.beginArray()
      for modality in order { json.value(names[modality]) }
      json.endArray()
    }
    list("order", (0..<status.sensorCount).map { status.order[$0] })
    json.key("follows")
    json.value(report.isOn)
    json.key("state")
    json.value(state(report, generation))
    json.key("audits")
    json.value(report.audits)
    json.key("client_labels")
    json.value(report.clientLabels)
    json.key("sensors")
    json.beginArray()
    for modality in names.indices {
      json.beginObject()
      json.key("name")
      json.value(names[modality])
      json.key("asked")
      json.value(!status.leftOut.contains(index: modality))
      if report.events.indices.contains(modality) {
        json.key("right")
        json.value(report.events[modality].right)
        json.key("events")
        json.value(report.events[modality].count)
      }
      json.endObject()
    }
    json.endArray()
    write(report.bounds, into: &json)
    guard let review = report.review else { return }
    list("best", review.best.order)
    if let runnerUp = review.runnerUp { list("runner_up", runnerUp.order) }
    for (key, value) in [
      ("value", review.present.value), ("best_value", review.best.value),
      ("runner_up_value", review.runnerUp?.value), ("gain", review.gain),
      ("standard_error", review.standardError), ("required", review.required),
      ("shortfall", review.shortfall), ("effective_audits", review.effectiveAudits),
    ] as [(StaticString, Double?)] {
      guard let value else { continue }
      json.key(key)
      json.value(value)
    }
  }

  private static func write(_ bounds: BoundsReport, into json: inout JSONWriter) {
    for (key, value) in [
      ("risk_bound", bounds.riskBound), ("risk", bounds.risk), ("budget_watts", bounds.budgetWatts),
      ("expected_watts", bounds.expectedWatts), ("accuracy_cost", bounds.accuracyCost),
    ] as [(StaticString, Double?)] {
      guard let value else { continue }
      json.key(key)
      json.value(value)
    }
    if let assurance = bounds.assurance {
      json.key("risk_state")
      let state =
        switch assurance {
        case .tested: "tested"
        case .monitored: "monitored"
        case .exceeded: "exceeded"
        }
      json.value(state)
    }
    if let text = bounds.announcement {
      json.key("breach")
      json.value(text)
    }
  }

  /// Why the order is as it is, for people.
  private static func state(_ report: OrderReport, _ generation: Generation) -> String {
    let settings = generation.configuration.adaptation
    guard report.isOn else {
      if !settings.audits { return "audits = no in [adaptation]: nothing follows" }
      if !settings.reorder { return "reorder = no in [adaptation]: nothing follows" }
      if generation.names.modalities.count == 1 { return "there is one sensor" }
      return "the model states no accuracy and hazard of its exits: nothing follows"
    }
    guard let review = report.review else { return "no audit yet" }
    guard report.isOrderFree else {
      return
        "the configuration sets the order (first, or order = declared in [gate]); sensors may be left out"
    }
    return switch review.verdict {
    case .change: "changed by the last audit"
    case .keepBest: "no order is worth more"
    case .keepTooFewAudits: "too few audits for a change: \(review.audits) since the scene changed"
    case .keepWithinMargin: "another order is worth more, by less than a change takes"
    case .keepDwelling: "another order is worth more; the last change is too recent"
    }
  }
}
