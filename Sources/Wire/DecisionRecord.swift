import JSON
import Vocabulary

/// What indices in a `Decision` are called.
package struct Names: Equatable, Sendable {
  /// Class names, in the model's order.
  package var classes: [String]
  /// Modality names, in the model's order.
  package var modalities: [String]
  /// Where the figures of energy come from, e.g. `EnergyModel.source`.
  package var energySource: String
  /// The class that means "nothing": its index; nil where the model has none.
  package var none: Int?
  /// The class that overrides what another sensor is sure of: its index; nil where the model names none.
  package var overriding: Int?

  package init(
    classes: [String], modalities: [String], energySource: String, none: Int? = nil, overriding: Int? = nil
  ) {
    self.classes = classes
    self.modalities = modalities
    self.energySource = energySource
    self.none = none
    self.overriding = overriding
  }
}

/// A `Decision` as JSON: the body of the ledger's `decision` records and of the Varlink stream. The schema stands in
/// docs/ledger.md. Nothing allocates.
package enum DecisionRecord {
  /// The decision as one object.
  package static func write(_ decision: Decision, _ names: Names, into json: inout JSONWriter) {
    json.beginObject()
    writeMembers(decision, names, into: &json)
    json.endObject()
  }

  /// Its members alone, into an object that is open.
  /// - Parameter counted: the other windows that the record stands for; the decision is the first, with the sums of all.
  package static func writeMembers(
    _ decision: Decision, _ names: Names, into json: inout JSONWriter, counted: CountedWindows? = nil
  ) {
    json.key("number")
    json.value(decision.number)
    json.key("window")
    json.beginArray()
    json.value(decision.start.sinceBoot)
    json.value(decision.end.sinceBoot)
    json.endArray()
    json.key("decided_ns")
    json.value(decision.decided.sinceBoot)
    write(decision.answer, names, into: &json)
    json.key("provisional")
    json.value(decision.provisional)
    json.key("look")
    json.value(decision.look)
    write(decision.woken, as: "woken", names, into: &json)
    write(decision.used, as: "used", names, into: &json)
    write(decision.missing, as: "missing", names, into: &json)
    if let skew = decision.skew {
      json.key("skew_ms")
      json.value(Double(skew.count) / 1e6)
    }
    json.key("hops")
    json.beginArray()
    for index in decision.trace.indices {
      write(decision.trace[index], names, into: &json, range: counted.map { $0.exits[index] })
    }
    json.endArray()
    json.key("macs")
    json.value(decision.macs)
    writeEnergy(decision, names, into: &json)
    if let counted { counted.writeMembers(into: &json) }
  }

  private static func write(_ answer: Answer, _ names: Names, into json: inout JSONWriter) {
    json.key("label")
    writeClass(answer.label, names, into: &json)
    json.key("exit")
    if let exit = answer.exit {
      json.beginObject()
      write(exit, names, into: &json)
      json.endObject()
    } else {
      json.null()
    }
    json.key("entropy")
    json.value(answer.entropy)
    if let threshold = answer.threshold {
      json.key("threshold")
      json.value(threshold)
    }
    json.key("certainty")
    json.value(answer.certainty)
    json.key("reason")
    json.value(answer.reason.rawValue)
  }

  static func write(
    _ hop: Decision.AskedExit, _ names: Names, into json: inout JSONWriter, range: ClosedRange<Float>? = nil
  ) {
    json.beginObject()
    write(hop.reading.exit, names, into: &json)
    json.key("entropy")
    json.value(hop.reading.entropy)
    if let gain = hop.reading.gain {
      json.key("gain")
      json.value(gain)
    }
    if let threshold = hop.threshold {
      json.key("threshold")
      json.value(threshold)
    }
    if let threshold = hop.thresholdBesideNone {
      json.key("threshold_beside_none")
      json.value(threshold)
    }
    if let threshold = hop.overrideThreshold, let probability = hop.reading.overriding {
      json.key("override")
      json.beginObject()
      json.key("label")
      writeClass(names.overriding, names, into: &json)
      json.key("probability")
      json.value(probability)
      json.key("threshold")
      json.value(threshold)
      json.endObject()
    }
    json.key("label")
    writeClass(hop.reading.label, names, into: &json)
    json.key("certainty")
    json.value(hop.reading.certainty)
    if let range { CountedWindows.write(range, into: &json) }
    json.endObject()
  }

  private static func writeEnergy(_ decision: Decision, _ names: Names, into json: inout JSONWriter) {
    write(decision.energy, names, into: &json)
    json.key("total_nanojoules")
    json.value(decision.totalEnergy.count)
    json.key("always_on_nanojoules")
    json.value(decision.alwaysOn.count)
  }

  /// Members: `energy`, and how many postings found no room.
  static func write(
    _ energy: Bounded<64, EnergyPosting>, _ names: Names, into json: inout JSONWriter
  ) {
    json.key("energy")
    json.beginArray()
    for index in energy.indices {
      let posting = energy[index]
      json.beginObject()
      json.key("account")
      json.value(posting.account.rawValue)
      if let modality = posting.modality {
        json.key("modality")
        writeModality(modality, names, into: &json)
      }
      if let exit = posting.exit {
        json.key("exit")
        json.value(exit)
      }
      json.key("nanojoules")
      json.value(posting.energy.count)
      json.key("scope")
      json.value(posting.scope.rawValue)
      json.key("source")
      json.value(names.energySource)
      json.key("kind")
      json.value(posting.kind.rawValue)
      json.endObject()
    }
    json.endArray()
    if energy.dropped > 0 {
      json.key("postings_dropped")
      json.value(energy.dropped)
    }
  }

  /// Members, not an object: `modality` and `exit`, or `fusion` alone.
  private static func write(_ exit: ExitID, _ names: Names, into json: inout JSONWriter) {
    switch exit {
    case .encoder(let modality, let number):
      json.key("modality")
      writeModality(modality, names, into: &json)
      json.key("exit")
      json.value(number)
    case .fusion:
      json.key("fusion")
      json.value(true)
    }
  }

  static func write(
    _ set: ModalitySet, as key: StaticString, _ names: Names, into json: inout JSONWriter
  ) {
    json.key(key)
    json.beginArray()
    for index in names.modalities.indices where set.contains(index: index) {
      json.value(names.modalities[index])
    }
    json.endArray()
  }

  /// An index without a name (the names belong to another model) is null: never a trap, never a wrong name.
  static func writeModality(_ index: Int, _ names: Names, into json: inout JSONWriter) {
    names.modalities.indices.contains(index) ? json.value(names.modalities[index]) : json.null()
  }

  static func writeClass(_ index: Int?, _ names: Names, into json: inout JSONWriter) {
    if let index, names.classes.indices.contains(index) {
      json.value(names.classes[index])
    } else {
      json.null()
    }
  }
}
