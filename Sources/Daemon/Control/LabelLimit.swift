import Vocabulary

/// How many labels may be given: labels choose what audits are held to, and each is a record in the ledger, so that a client
/// that goes wrong may not flood them. So many at once, and as many more a minute; a value.
struct LabelLimit {
  /// A person does not give one a second for longer.
  static let perMinute = 60

  private var left = perMinute
  private var counted: Instant?

  /// Takes one; false where none is left.
  mutating func take(at now: Instant) -> Bool {
    let unit = 60_000_000_000 / Int64(Self.perMinute)
    if let before = counted {
      let more = max(0, (now - before).count / unit)
      left = min(Self.perMinute, left + Int(min(more, Int64(Self.perMinute))))
      counted = before + Nanoseconds(more * unit)
    } else {
      counted = now
    }
    guard left > 0 else { return false }
    // The time that gives the next one begins when there is room for it.
    if left == Self.perMinute { counted = now }
    left -= 1
    return true
  }
}
