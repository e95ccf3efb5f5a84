import Vocabulary

/// Which sample number was at which instant, learned from the stamps that come with a device's periods.
///
/// A first-order loop: each stamp moves the clock by 1/16 of its error, which averages out the jitter of stamps
/// and follows a device that is off by 100 ppm (2 us in a period of 20 ms) within 32 us.
struct SampleClock: Sendable {
  /// An error beyond this is no jitter: sound was lost, or the device was stopped for a while.
  static let jump = Nanoseconds.milliseconds(100)
  /// Instants further away than this are taken as this far; keeps products within 64 bits.
  private static let horizon = Nanoseconds.seconds(3_600)

  let rate: Int
  private var number = 0
  private var instant = Instant.zero
  private(set) var isSet = false
  /// Where it was last set by force: the device's rate is judged from there.
  private var anchor = (number: 0, instant: Instant.zero)

  init(rate: Int) { self.rate = rate }

  /// Puts sample `number` at `instant`, whatever was known before.
  mutating func set(_ number: Int, at instant: Instant) {
    self.number = number
    self.instant = instant
    anchor = (number, instant)
    isSet = true
  }

  /// Takes a stamp that is not a jump away: sample `number` was at about `stamp`.
  mutating func learn(_ number: Int, at stamp: Instant) {
    let expected = time(of: number)
    self.number = number
    instant = expected + Nanoseconds((stamp - expected).count / 16)
  }

  /// What the device's clock is fast by, in millionths, by all stamps since it was set; nil for the first ten seconds, in which
  /// the jitter of stamps would be taken for it.
  var partsPerMillion: Double? {
    let nominal = Double(number - anchor.number) * 1e9 / Double(rate)
    let measured = Double((instant - anchor.instant).count)
    return measured >= 10e9 ? (nominal / measured - 1) * 1e6 : nil
  }

  /// Rounded down to the nanosecond.
  func time(of number: Int) -> Instant {
    let samples = Int64(number - self.number)
    let (seconds, rest) = samples.quotientAndRemainder(dividingBy: Int64(rate))
    return instant + Nanoseconds(seconds * 1_000_000_000 + floorDivide(rest * 1_000_000_000, Int64(rate)))
  }

  /// How many samples had begun before `instant`; negative for before sample 0.
  func number(at instant: Instant) -> Int {
    let distance = max(Nanoseconds.zero - Self.horizon, min(Self.horizon, instant - self.instant))
    // One nanosecond more undoes the rounding of `time(of:)`.
    return number + Int(floorDivide((distance.count + 1) * Int64(rate), 1_000_000_000))
  }
}

/// a / b rounded down.
/// - Precondition: `b` is positive.
func floorDivide<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
  let (q, r) = a.quotientAndRemainder(dividingBy: b)
  return r < 0 ? q - 1 : q
}
