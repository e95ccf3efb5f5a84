import Engine
import Ledger
import Vocabulary

/// Collects what a window costs while it is being answered, one posting for each account, modality and exit, and
/// posts it to the decision: compute by its MACs and bytes, sensors by the time they spent in each state.
package struct EnergyAccounts: Sendable {
  package let model: EnergyModel
  private let macs: Int64
  private let parameters: Int64
  private var postings = Bounded<64, EnergyPosting>(filler: EnergyPosting(account: .idle, energy: .zero))
  private var lastPosted: Instant

  /// - Parameter start: from when on the sensors' time counts.
  package init(_ energy: EnergyModel, network: Model, start: Instant) {
    model = energy
    macs = network.lateFusionMacs
    parameters = network.lateFusionParameters
    lastPosted = start
  }

  mutating func begin() { postings.removeAll() }

  mutating func charge(segment reading: Reading) { add(model.compute(reading)) }
  mutating func charge(featuresOf modality: Int) { add(model.features(modality)) }

  /// Closes the window's account at `now`: the sensors' time since the last decision belongs to this one.
  mutating func post(to decision: inout Decision, hours: inout SensorHours, at now: Instant) {
    addSensors(&hours, at: now)
    decision.energy = postings
    decision.alwaysOn = model.alwaysOn(window: now - lastPosted, macs: macs, parameters: parameters)
    lastPosted = now
  }

  /// Closes the run's account at `now`: the sensors' time since the last decision belongs to no window.
  mutating func close(hours: inout SensorHours, at now: Instant) -> ClosingEnergy {
    begin()
    addSensors(&hours, at: now)
    var closing = ClosingEnergy()
    closing.energy = postings
    for sensor in model.modalities.indices {
      closing.alwaysOn += model.sensing(sensor, for: now - lastPosted)?.energy ?? .zero
    }
    lastPosted = now
    return closing
  }

  private mutating func addSensors(_ hours: inout SensorHours, at now: Instant) {
    for sensor in model.modalities.indices {
      let spans = hours.settle(sensor, at: now)
      add(model.sensing(sensor, for: spans.awake))
      add(model.waking(sensor, for: spans.waking))
      add(model.idle(sensor, for: spans.asleep))
    }
  }

  /// A pair that is cut anew runs its exits again; their energy is one posting.
  private mutating func add(_ posting: EnergyPosting?) {
    guard let posting else { return }
    for i in postings.indices
    where postings[i].account == posting.account && postings[i].modality == posting.modality
      && postings[i].exit == posting.exit
    {
      postings[i].energy += posting.energy
      return
    }
    postings.append(posting)
  }
}
