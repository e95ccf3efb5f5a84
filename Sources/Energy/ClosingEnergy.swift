import Vocabulary

/// What was spent between the last decision and the end of a run: it stands in the `stop` record, so that the sums
/// over a run cover all the time the daemon ran.
package struct ClosingEnergy: Sendable {
  package var energy = Bounded<64, EnergyPosting>(filler: EnergyPosting(account: .idle, energy: .zero))
  /// What the sensors would have drawn in that time had all been awake.
  package var alwaysOn = Nanojoules.zero

  /// By modality, over the whole run; empty where nobody counted.
  package var losses: [SensorCounters] = []

  package init() {}

  /// Sum of all postings.
  package var total: Nanojoules {
    var sum = Nanojoules.zero
    for index in energy.indices { sum += energy[index].energy }
    return sum
  }
}
