import Vocabulary

/// Power that is sampled: energy by the trapezoid between two samples. What the power does between them is not seen, so its
/// error is that of the sampling.
package struct PowerMeter: Meter {
  package let source: MeterSource
  private let microwatts: @Sendable () throws(MeterFault) -> Int64
  private var last: (microwatts: Int64, at: MeterInstant)?

  /// - Parameter microwatts: what is drawn now.
  init(_ source: MeterSource, microwatts: @escaping @Sendable () throws(MeterFault) -> Int64) {
    self.source = source
    self.microwatts = microwatts
  }

  package mutating func read(at now: MeterInstant) -> MeterOutcome {
    let power: Int64
    do throws(MeterFault) {
      power = try microwatts()
    } catch {
      last = nil
      return .unmeasured(error.gap)
    }
    guard power >= 0 else {
      last = nil
      return .unmeasured(.negative)
    }
    guard power <= MeterLimits.watts * 1_000_000 else {
      last = nil
      return .unmeasured(.implausible)
    }
    defer { last = (power, now) }
    guard let last else { return .begun }
    let time = now.boot - last.at.boot
    if now.wasSuspended(since: last.at) { return .unmeasured(.suspended) }
    if time > MeterLimits.sample { return .unmeasured(.late) }
    // Microwatts for nanoseconds are femtojoules; half up.
    let femtojoules = (Int128(last.microwatts) + Int128(power)) * Int128(max(0, time.count)) / 2
    return .measured(Nanojoules(Int64(clamping: (femtojoules + 500_000) / 1_000_000)))
  }
}

/// Voltage times current beside a driver's own figure of power: which of them to believe.
enum PowerFigures {
  /// - Parameters:
  ///   - stated: microwatts by the driver; nil where it states none.
  ///   - product: microwatts by voltage and current; nil where one is missing.
  /// - Returns: the driver's, but where it is a thousandth of the product: a driver that means milliwatts.
  static func microwatts(stated: Int64?, product: Int64?) -> Int64? {
    guard let stated else { return product }
    guard let product, product >= 1000, stated > 0 else { return stated }
    let thousandfold = Int128(stated) * 1000
    let isThousandth = thousandfold * 2 >= Int128(product) && thousandfold <= Int128(product) * 2
    return isThousandth ? product : stated
  }
}
