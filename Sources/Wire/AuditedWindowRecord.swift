import JSON
import Vocabulary

/// An `AuditedWindow` as JSON: the body of the ledger's `audit` records. Nothing allocates.
enum AuditedWindowRecord {
  /// Its members, into an object that is open.
  static func writeMembers(_ window: AuditedWindow, _ names: Names, into json: inout JSONWriter) {
    json.key("decision")
    json.value(window.decision)
    json.key("end_ns")
    json.value(window.end.sinceBoot)
    DecisionRecord.write(window.available, as: "modalities", names, into: &json)
    DecisionRecord.write(window.inactive, as: "inactive", names, into: &json)
    json.key("label")
    DecisionRecord.writeClass(window.label, names, into: &json)
    json.key("fused")
    DecisionRecord.writeClass(window.readings.last?.label, names, into: &json)
    json.key("readings")
    json.beginArray()
    for index in window.readings.indices {
      let hop = Decision.AskedExit(reading: window.readings[index], threshold: nil)
      DecisionRecord.write(hop, names, into: &json)
    }
    json.endArray()
    json.key("audit_nanojoules")
    json.value(window.cost.count)
  }
}
