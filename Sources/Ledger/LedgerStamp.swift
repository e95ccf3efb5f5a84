import Vocabulary

/// When a record was written, by both clocks. An input: a replay passes its virtual clock and no wall clock, so
/// that the same replay gives the same bytes.
package struct LedgerStamp: Hashable, Sendable {
  package var boot: Instant
  /// Wall clock in nanoseconds since 1970-01-01T00:00:00Z; nil where there is none (replays).
  package var utc: Int64?
  /// Whether the kernel held the wall clock for synchronized.
  package var synced: Bool

  package init(boot: Instant, utc: Int64? = nil, synced: Bool = false) {
    self.boot = boot
    self.utc = utc
    self.synced = synced
  }
}

/// A point of the wall clock as RFC 3339 with nanoseconds, UTC: `2026-01-02T03:04:05.678901234Z`. Stored in place.
struct RFC3339 {
  /// 30 characters between quotation marks, ready to stand in JSON.
  private(set) var quoted = InlineArray<32, UInt8>(repeating: UInt8(ascii: "0"))

  /// Any Int64 is within the years 1677 to 2262, so four digits always serve.
  init(unixNanoseconds: Int64) {
    var seconds = unixNanoseconds / 1_000_000_000
    var nanoseconds = unixNanoseconds % 1_000_000_000
    if nanoseconds < 0 {
      nanoseconds += 1_000_000_000
      seconds -= 1
    }
    var days = seconds / 86_400
    var time = seconds % 86_400
    if time < 0 {
      time += 86_400
      days -= 1
    }
    let date = Self.civil(days)
    quoted[0] = UInt8(ascii: "\"")
    put(date.year, digits: 4, at: 1, then: UInt8(ascii: "-"))
    put(date.month, digits: 2, at: 6, then: UInt8(ascii: "-"))
    put(date.day, digits: 2, at: 9, then: UInt8(ascii: "T"))
    put(time / 3600, digits: 2, at: 12, then: UInt8(ascii: ":"))
    put(time / 60 % 60, digits: 2, at: 15, then: UInt8(ascii: ":"))
    put(time % 60, digits: 2, at: 18, then: UInt8(ascii: "."))
    put(nanoseconds, digits: 9, at: 21, then: UInt8(ascii: "Z"))
    quoted[31] = UInt8(ascii: "\"")
  }

  private mutating func put(_ number: Int64, digits: Int, at place: Int, then mark: UInt8) {
    var rest = number
    for index in stride(from: place + digits - 1, through: place, by: -1) {
      quoted[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    quoted[place + digits] = mark
  }

  /// Days since 1970-01-01 to the proleptic Gregorian calendar, by eras of 400 years that start in March
  /// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
  private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let z = days + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}
