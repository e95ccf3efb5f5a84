import Glibc
import Ledger
import Linux
import Vocabulary

/// The wall clock by CLOCK_BOOTTIME. Both are slewed alike, so the distance between them changes only when somebody
/// sets the wall clock: a step, which is told. Replays have no wall clock.
struct UTCClock {
  /// What may be a matter of reading two clocks one after the other, and of small corrections. Several such steps add
  /// up, and are told together.
  static let leastStep = Nanoseconds.milliseconds(500)

  private let read: () -> (wall: Int64, boot: Int64)?
  private var told: Int64?

  /// - Parameter read: both clocks at one time in nanoseconds; nil where there is no wall clock.
  init(_ read: @escaping () -> (wall: Int64, boot: Int64)?) {
    self.read = read
    told = read().map { $0.wall - $0.boot }
  }

  static func machine() -> UTCClock {
    UTCClock {
      var wall = timespec()
      clock_gettime(CLOCK_REALTIME, &wall)
      return (Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec), bootTimeNanoseconds())
    }
  }

  /// No wall clock.
  static var none: UTCClock { UTCClock { nil } }

  /// The stamp of what happened at `boot`.
  func stamp(_ boot: Instant) -> LedgerStamp {
    guard let now = read() else { return LedgerStamp(boot: boot) }
    let (utc, overflow) = boot.sinceBoot.addingReportingOverflow(now.wall - now.boot)
    return LedgerStamp(boot: boot, utc: overflow ? nil : utc, synced: isWallClockSynchronized())
  }

  /// By how much the wall clock was set since it was last told; nil for too little to tell.
  mutating func step() -> Nanoseconds? {
    guard let told, let now = read() else { return nil }
    let step = Nanoseconds((now.wall - now.boot) - told)
    guard step.count.magnitude >= UInt64(Self.leastStep.count) else { return nil }
    self.told = now.wall - now.boot
    return step
  }
}
