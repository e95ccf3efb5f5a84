import Energy
import JSON
import Vocabulary

/// A `MeterReading` as JSON: the body of the ledger's `meter` records.
enum MeterRecord {
  /// Its members, into an object that is open.
  static func writeMembers(_ reading: MeterReading, into json: inout JSONWriter) {
    json.key("source")
    json.value(reading.source.name)
    json.key("scope")
    json.value(reading.source.scope.rawValue)
    json.key("kind")
    json.value(EnergyPosting.Kind.measured.rawValue)
    json.key("start_ns")
    json.value(reading.start.sinceBoot)
    json.key("end_ns")
    json.value(reading.end.sinceBoot)
    json.key("nanojoules")
    json.value(reading.energy.count)
    json.key("accounts_nanojoules")
    json.value(reading.accounts.count)
    if let residue = reading.unattributed {
      json.key("unattributed")
      json.value(residue.count)
    }
  }
}
