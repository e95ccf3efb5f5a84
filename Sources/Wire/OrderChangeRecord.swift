import JSON
import Vocabulary

/// An `OrderChange` as JSON: the body of the ledger's `reorder` records.
enum OrderChangeRecord {
  /// Its members, into an object that is open.
  static func writeMembers(_ change: OrderChange, _ names: Names, into json: inout JSONWriter) {
    json.key("method")
    json.value("audits")
    write(change.from, as: "from", names, into: &json)
    write(change.to, as: "to", names, into: &json)
    DecisionRecord.write(change.askedBefore, as: "asked_before", names, into: &json)
    DecisionRecord.write(change.asked, as: "asked", names, into: &json)
    for (key, value) in [
      ("former_value", change.formerValue), ("value", change.value), ("gain", change.gain),
      ("standard_error", change.standardError),
    ] as [(StaticString, Double)] {
      json.key(key)
      json.value(value)
    }
    // Of a budget or a bound on the risk; else they are the model's.
    for (key, value) in [
      ("threshold_scale", change.thresholdScale), ("worth_share", change.worthShare),
    ] as [(StaticString, Double)] where value != 1 {
      json.key(key)
      json.value(value)
    }
    json.key("audits")
    json.value(change.audits)
    json.key("moved")
    json.beginArray()
    for moved in change.moved { write(moved, names, into: &json) }
    json.endArray()
    json.key("sensors")
    json.beginArray()
    for sensor in change.sensors { write(sensor, names, into: &json) }
    json.endArray()
  }

  private static func write(
    _ order: [Int], as key: StaticString, _ names: Names, into json: inout JSONWriter
  ) {
    json.key(key)
    json.beginArray()
    for modality in order { DecisionRecord.writeModality(modality, names, into: &json) }
    json.endArray()
  }

  private static func write(_ moved: OrderChange.Moved, _ names: Names, into json: inout JSONWriter) {
    json.beginObject()
    json.key("figure")
    json.value(moved.quantity)
    json.key("modality")
    DecisionRecord.writeModality(moved.modality, names, into: &json)
    json.key("exit")
    json.value(moved.exit)
    for (key, value) in [("from", moved.from), ("to", moved.to), ("audits", moved.audits)]
      as [(StaticString, Double)]
    {
      json.key(key)
      json.value(value)
    }
    json.endObject()
  }

  private static func write(_ sensor: OrderChange.Sensor, _ names: Names, into json: inout JSONWriter) {
    json.beginObject()
    json.key("modality")
    DecisionRecord.writeModality(sensor.modality, names, into: &json)
    json.key("asked")
    json.value(sensor.isAsked)
    json.key("right")
    json.value(sensor.right)
    json.key("events")
    json.value(sensor.events)
    json.endObject()
  }
}
