import JSON
import Vocabulary

/// A `StreamEvent` as JSON: the body of the ledger's `event` records and of what `Watch` sends of events. Nothing
/// allocates.
package enum EventRecord {
  /// The event as one object.
  package static func write(_ event: StreamEvent, _ names: Names, into json: inout JSONWriter) {
    json.beginObject()
    writeMembers(event, names, into: &json)
    json.endObject()
  }

  /// Its members alone, into an object that is open.
  package static func writeMembers(_ event: StreamEvent, _ names: Names, into json: inout JSONWriter) {
    json.key("start_ns")
    json.value(event.start.sinceBoot)
    json.key("end_ns")
    if let end = event.end { json.value(end.sinceBoot) } else { json.null() }
    json.key("label")
    DecisionRecord.writeClass(event.label, names, into: &json)
    json.key("certainty")
    json.value(event.certainty)
    DecisionRecord.write(event.modalities, as: "modalities", names, into: &json)
    json.key("decisions")
    json.beginArray()
    json.value(event.firstDecision)
    json.value(event.lastDecision)
    json.endArray()
  }
}
