/// A span of time in nanoseconds; may be negative where a difference is meant.
package struct Nanoseconds: Hashable, Comparable, Sendable {
  package var count: Int64

  @inlinable package init(_ count: Int64) { self.count = count }
  @inlinable package static func milliseconds(_ n: Int64) -> Nanoseconds { Nanoseconds(n * 1_000_000) }
  @inlinable package static func seconds(_ n: Int64) -> Nanoseconds { Nanoseconds(n * 1_000_000_000) }
  package static let zero = Nanoseconds(0)

  /// Seconds, for arithmetic with watts and for people.
  @inlinable package var seconds: Double { Double(count) * 1e-9 }

  @inlinable package static func < (a: Self, b: Self) -> Bool { a.count < b.count }
  @inlinable package static func + (a: Self, b: Self) -> Self { Self(a.count + b.count) }
  @inlinable package static func - (a: Self, b: Self) -> Self { Self(a.count - b.count) }
}

/// A point on CLOCK_BOOTTIME, or on the virtual clock of a replay (which starts at 0).
package struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since boot (or since the start of the recording).
  package var sinceBoot: Int64

  @inlinable package init(sinceBoot: Int64) { self.sinceBoot = sinceBoot }
  package static let zero = Instant(sinceBoot: 0)

  @inlinable package static func < (a: Self, b: Self) -> Bool { a.sinceBoot < b.sinceBoot }
  @inlinable package static func + (a: Self, b: Nanoseconds) -> Self {
    Self(sinceBoot: a.sinceBoot + b.count)
  }
  @inlinable package static func - (a: Self, b: Nanoseconds) -> Self {
    Self(sinceBoot: a.sinceBoot - b.count)
  }
  @inlinable package static func - (a: Self, b: Self) -> Nanoseconds {
    Nanoseconds(a.sinceBoot - b.sinceBoot)
  }
}
