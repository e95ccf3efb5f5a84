import Energy
import JSON
import Vocabulary

/// Members of the `stop` record.
extension ClosingEnergy {
  package func writeMembers(_ names: Names, into json: inout JSONWriter) {
    DecisionRecord.write(energy, names, into: &json)
    json.key("closing_nanojoules")
    json.value(total.count)
    json.key("always_on_nanojoules")
    json.value(alwaysOn.count)
    guard losses.contains(where: \.isLoss) else { return }
    json.key("losses")
    json.beginArray()
    for (modality, lost) in losses.enumerated() where lost.isLoss {
      json.beginObject()
      json.key("modality")
      DecisionRecord.writeModality(modality, names, into: &json)
      lost.writeMembers(into: &json)
      json.endObject()
    }
    json.endArray()
  }
}

/// What a sensor's device and driver lost, as the record has it.
extension SensorCounters {
  /// Frames are thrown away at every wake: that alone is none.
  var isLoss: Bool {
    faults > 0 || overruns > 0 || lostSamples > 0 || framesDropped > 0 || framesCorrupt > 0
  }

  /// Names as in the status; what is 0 is left out.
  func writeMembers(into json: inout JSONWriter) {
    for (key, count) in [
      ("faults", faults), ("overruns", overruns), ("lost_samples", lostSamples),
      ("frames_dropped", framesDropped), ("frames_corrupt", framesCorrupt),
      ("frames_settling", framesSettling),
    ] as [(StaticString, Int)] where count > 0 {
      json.key(key)
      json.value(count)
    }
  }
}
