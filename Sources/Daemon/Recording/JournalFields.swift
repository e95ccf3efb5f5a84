import Vocabulary
import Wire

/// What an entry of the journal has beside its message, for `journalctl MMEXIT_SENSOR=image` (docs/ledger.md).
package struct JournalFields: Sendable {
  /// Modalities' names.
  package var sensors: [String] = []
  /// What happened: the type of the ledger's record of it.
  package var event: String?
  /// A class's name.
  package var label: String?
  /// Number of a decision in this run.
  package var decision: UInt64?
  /// Of configuration and model: 1 at the start.
  package var generation: Int?

  package init() {}

  /// What the record of it says.
  init(_ record: LedgerEvent, _ names: Names, generation: Int) {
    event = record.type.rawValue
    self.generation = generation
    switch record {
    case .wake(let modality, let number):
      add(modality, names)
      decision = number
    case .sleep(let modality, _), .state(let modality, _, _, _): add(modality, names)
    case .fault(let modality, _), .command(_, let modality, _): if let modality { add(modality, names) }
    case .label(let number, let index, _):
      decision = number
      label = Self.name(index, names.classes)
    case .event(let event):
      for index in names.modalities.indices where event.modalities.contains(index: index) {
        add(index, names)
      }
      label = Self.name(event.label, names.classes)
      decision = event.end == nil ? event.firstDecision : event.lastDecision
    case .audit(let window): decision = window.decision
    case .start, .stop, .reorder, .clock, .adopt, .meter, .bound: break
    }
  }

  private mutating func add(_ modality: Int, _ names: Names) {
    if let name = Self.name(modality, names.modalities) { sensors.append(name) }
  }

  private static func name(_ index: Int, _ names: [String]) -> String? {
    names.indices.contains(index) ? names[index] : nil
  }
}
