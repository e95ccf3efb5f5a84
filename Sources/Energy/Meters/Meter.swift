import Vocabulary

/// Something that measures energy. One thread uses it; a read may wait for a driver or a bus.
package protocol Meter {
  var source: MeterSource { get }

  /// Reads the hardware.
  /// - Returns: the energy since the last call, or why it is not known. The first call only begins. Never 0 for "unknown".
  mutating func read(at now: MeterInstant) -> MeterOutcome
}

/// What is measured, and where.
package struct MeterSource: Hashable, Sendable {
  /// `rapl:package-0`, `hwmon:ina219/power1`, `power-supply:BAT0`: stands in records. Printable ASCII without spaces.
  package var name: String
  package var scope: EnergyPosting.Scope

  package init(name: String, scope: EnergyPosting.Scope) {
    self.name = String(
      decoding: name.utf8.prefix(96).map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "_") },
      as: UTF8.self)
    self.scope = scope
  }
}

/// When something was read: by the clock of records, and by the one that stands still while the machine is suspended.
package struct MeterInstant: Equatable, Sendable {
  package var boot: Instant
  package var running: Nanoseconds

  package init(boot: Instant, running: Nanoseconds) {
    self.boot = boot
    self.running = running
  }

  /// The machine slept in between: counters may have begun anew, and power was not what it is when awake.
  func wasSuspended(since former: MeterInstant) -> Bool {
    (boot - former.boot).count - (running - former.running).count > 100_000_000
  }
}

package enum MeterOutcome: Equatable, Sendable {
  /// Energy since the last call.
  case measured(Nanojoules)
  /// The first call, or the first behind something that was not known.
  case begun
  /// Nothing is known of the time since the last call.
  case unmeasured(MeterGap)
}

/// Why nothing is known.
package enum MeterGap: String, Equatable, Sendable, CaseIterable {
  /// The machine was suspended.
  case suspended
  /// The file is gone, or the driver has an error.
  case unreadable
  /// It is no number.
  case malformed
  /// Below 0: a shunt the wrong way round, or a battery that is charged.
  case negative
  /// More than any board draws (`MeterLimits.watts`), or a counter that ran backwards.
  case implausible
  /// The battery is charged, full, or not there: what it says is not what the board draws.
  case notDischarging
  /// Too long since the last call for samples of power to say anything, or for a counter to wrap but once.
  case late
}

package enum MeterLimits {
  /// A reading above is a unit gone wrong, or a counter that was set back.
  package static let watts: Int64 = 2000
  /// Between two samples of power.
  package static let sample = Nanoseconds.seconds(30)
  /// Between two readings of a counter that wraps: 2^32 uJ last 165 W for 26 s, and RAPL's 2^18 J for 26 minutes.
  package static let counter = Nanoseconds.seconds(600)

  static func isPlausible(_ energy: Int128, over time: Nanoseconds) -> Bool {
    // A watt is a nanojoule a nanosecond. A millisecond more, for the reads themselves.
    energy <= Int128(watts) * (Int128(time.count) + 1_000_000)
  }
}
