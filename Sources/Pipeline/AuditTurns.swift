import Adaptation
import Configuration
import Energy
import Engine
import Vocabulary

/// Whose turn it is to be audited: the schedule's draws, a window of the clock each. A value; nothing takes from the heap.
package struct AuditTurns: Sendable {
  private var schedule: AuditSchedule
  private let period: Nanoseconds
  /// Windows from the last turn to the next audit.
  private var windowsToNext: Int?
  /// Windows that had joined others when a turn was last taken.
  private var joined: UInt64 = 0

  /// Nil where nothing is to be audited.
  package init?(_ configuration: Configuration, _ model: Model, _ energy: EnergyModel) {
    let settings = configuration.adaptation
    guard settings.audits else { return nil }
    let period = configuration.general.windowPeriod
    var longest = Nanoseconds.zero
    var cost = energy.compute(macs: model.fusion.macs, parameters: model.fusion.parameters)
    for (index, modality) in model.modalities.enumerated() {
      let deadline = configuration.sensor(for: modality.name).wakeDeadline
      var wake = deadline
      if case .spectrogram(let spectrogram) = modality.features {
        wake = wake + Nanoseconds(Int64(spectrogram.window) * 1_000_000_000 / Int64(spectrogram.sampleRate))
      }
      longest = max(longest, wake)
      for segment in modality.segments {
        cost += energy.compute(macs: segment.macs, parameters: segment.parameters)
      }
      cost += energy.featureEnergy(index, nil)
      // A wake commonly takes half its deadline; a dearer audit replaces the figure.
      let isHot = configuration.sensor(for: modality.name).sleepMode == .hot
      cost += energy.wake(index, taking: isHot ? .zero : Nanoseconds(deadline.count / 2), awake: period)
    }
    // One period more: a sensor is woken at the end of a window. A wake that takes longer than a draw can lie ahead is
    // not over in time, and the audit goes without that sensor.
    let farthest = Nanoseconds(period.count * Int64(AuditSchedule.maximumLead))
    guard
      let schedule = AuditSchedule(
        seed: UInt64(settings.seed), probability: settings.probability, share: settings.energyShare,
        longestWake: min(longest + period, farthest), stride: period, expectedCost: cost)
    else { return nil }
    self.schedule = schedule
    self.period = period
  }

  /// Takes the turn of the window that comes due, and of those that joined the one before it.
  /// - Returns: whether it is audited.
  mutating func take(joined: UInt64) -> Bool {
    var turn = schedule.next()
    while self.joined < joined {
      self.joined += 1
      turn = schedule.next()
    }
    windowsToNext = turn.windowsToNext
    return turn.isAudited
  }

  mutating func post(_ decision: borrowing Decision) {
    let audit = decision.energy(of: .audit)
    schedule.post(decision: decision.totalEnergy - audit, audit: audit)
  }

  /// When the next audited window ends, seen from one that ended at `end`.
  func next(after end: Instant) -> Instant? {
    windowsToNext.map { end + Nanoseconds(period.count * Int64($0)) }
  }
}

extension Decision {
  /// What was posted under one account.
  package func energy(of account: EnergyPosting.Account) -> Nanojoules {
    var sum = Nanojoules.zero
    for index in energy.indices where energy[index].account == account { sum += energy[index].energy }
    return sum
  }
}
