import Vocabulary

/// All meters that are there, and the readings that follow from them: each covers an interval of which all was measured.
package struct MeterSet {
  private var meters: [(meter: any Meter, open: OpenReading?)]
  /// What no meter knew, by cause.
  package private(set) var gaps: [MeterGap: Int] = [:]

  private struct OpenReading {
    var start: Instant
    var end: Instant
    var energy: Nanojoules
    /// Of all accounts, when the interval began and at its end.
    var accountsBefore: Nanojoules
    var accountsAfter: Nanojoules
  }

  package init(_ meters: [any Meter]) { self.meters = meters.map { ($0, nil) } }

  /// What this machine has.
  package static func found(_ files: SystemFiles, handedOver descriptors: [Int32] = []) -> MeterSet {
    MeterSet(
      Powercap.meters(files, handedOver: descriptors) + HardwareMonitors.meters(files)
        + PowerSupplies.meters(files))
  }

  package var sources: [MeterSource] { meters.map(\.meter.source) }
  /// Whether one of them samples power, which is to be done often.
  package var samples: Bool { meters.contains { $0.meter is PowerMeter } }
  package var isEmpty: Bool { meters.isEmpty }

  /// Reads every meter once.
  /// - Parameter accounts: all energy that the daemon has posted so far.
  /// - Returns: readings that a gap has ended; `take` has the others.
  package mutating func sample(at now: MeterInstant, accounts: Nanojoules) -> [MeterReading] {
    var ended: [MeterReading] = []
    for index in meters.indices {
      switch meters[index].meter.read(at: now) {
      case .measured(let energy):
        guard var open = meters[index].open else { continue }
        open.energy = Nanojoules(open.energy.count.addingClamped(energy.count))
        open.end = now.boot
        open.accountsAfter = accounts
        meters[index].open = open
        continue
      case .begun: break
      case .unmeasured(let gap):
        gaps[gap, default: 0] += 1
        if let reading = close(index) { ended.append(reading) }
        // It knows nothing to begin from.
        guard gap == .suspended || gap == .late || gap == .implausible else {
          meters[index].open = nil
          continue
        }
      }
      meters[index].open = OpenReading(
        start: now.boot, end: now.boot, energy: .zero, accountsBefore: accounts, accountsAfter: accounts)
    }
    return ended
  }

  /// Ends the interval: the readings of those that were measured; the next interval begins where each ends.
  package mutating func take() -> [MeterReading] {
    meters.indices.compactMap { index in
      guard let open = meters[index].open, let reading = close(index) else { return nil }
      meters[index].open = OpenReading(
        start: open.end, end: open.end, energy: .zero, accountsBefore: open.accountsAfter,
        accountsAfter: open.accountsAfter)
      return reading
    }
  }

  private func close(_ index: Int) -> MeterReading? {
    guard let open = meters[index].open, open.end > open.start else { return nil }
    return MeterReading(
      source: meters[index].meter.source, start: open.start, end: open.end, energy: open.energy,
      accounts: open.accountsAfter - open.accountsBefore)
  }
}

/// What one source measured over an interval, and what the daemon's accounts say of it. Neither is ever fitted to the other.
package struct MeterReading: Equatable, Sendable {
  package var source: MeterSource
  package var start: Instant
  package var end: Instant
  package var energy: Nanojoules
  /// What was posted in that time: modelled, of what the daemon knows of. A decision's postings count when it is made.
  package var accounts: Nanojoules

  package init(source: MeterSource, start: Instant, end: Instant, energy: Nanojoules, accounts: Nanojoules) {
    self.source = source
    self.start = start
    self.end = end
    self.energy = energy
    self.accounts = accounts
  }

  /// What no account explains; below 0 where the accounts claim more than was drawn. Only where the source covers what the
  /// accounts are about: a package has no sensors in it.
  package var unattributed: Nanojoules? { source.scope == .board ? energy - accounts : nil }
}

extension Int64 {
  fileprivate func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }
}
