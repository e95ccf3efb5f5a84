import Linux
import Vocabulary

/// A counter of microjoules that only grows, and wraps where its range is known (powercap), or never does (hwmon).
package struct CounterMeter: Meter {
  package let source: MeterSource
  private let microjoules: @Sendable () throws(MeterFault) -> Int64
  /// The highest value before it begins at 0 again, in microjoules; nil: it does not.
  private let range: Int64?
  private var last: (value: Int64, at: MeterInstant)?

  /// - Parameter microjoules: the counter in microjoules.
  init(
    _ source: MeterSource, range: Int64?, microjoules: @escaping @Sendable () throws(MeterFault) -> Int64
  ) {
    self.source = source
    self.range = range
    self.microjoules = microjoules
  }

  package mutating func read(at now: MeterInstant) -> MeterOutcome {
    let value: Int64
    do throws(MeterFault) {
      value = try microjoules()
    } catch {
      last = nil
      return .unmeasured(error.gap)
    }
    guard value >= 0 else {
      last = nil
      return .unmeasured(.negative)
    }
    defer { last = (value, now) }
    guard let last else { return .begun }
    let time = now.boot - last.at.boot
    if now.wasSuspended(since: last.at) { return .unmeasured(.suspended) }
    if range != nil && time > MeterLimits.counter { return .unmeasured(.late) }
    var counted = Int128(value) - Int128(last.value)
    if counted < 0 {
      // One that cannot wrap was set back: the chip or its driver began anew.
      guard let range, range >= last.value else { return .unmeasured(.implausible) }
      counted += Int128(range) + 1
    }
    let energy = counted * 1000
    guard MeterLimits.isPlausible(energy, over: time) else { return .unmeasured(.implausible) }
    return .measured(Nanojoules(Int64(clamping: energy)))
  }
}
