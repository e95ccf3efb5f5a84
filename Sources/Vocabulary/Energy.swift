import Glibc

/// Energy in whole nanojoules, so that sums are exact. Int64 holds 292 years of one watt.
package struct Nanojoules: Hashable, Comparable, Sendable {
  package var count: Int64
  @inlinable package init(_ count: Int64) { self.count = count }
  package static let zero = Nanojoules(0)
  /// Energy of `watts` for `time`, rounded to the nearest nanojoule.
  @inlinable package init(watts: Double, for time: Nanoseconds) {
    count = Int64((watts * Double(time.count)).rounded(.toNearestOrEven))
  }
  @inlinable package var joules: Double { Double(count) * 1e-9 }
  @inlinable package static func < (a: Self, b: Self) -> Bool { a.count < b.count }
  @inlinable package static func + (a: Self, b: Self) -> Self { Self(a.count + b.count) }
  @inlinable package static func - (a: Self, b: Self) -> Self { Self(a.count - b.count) }
  @inlinable package static func += (a: inout Self, b: Self) { a.count += b.count }
}

/// One line of a decision's energy account. What was not measured or modelled has no posting; it is never 0.
package struct EnergyPosting: Hashable, Sendable {
  /// What the energy was spent on.
  package enum Account: String, Hashable, Sendable, CaseIterable {
    case sensing, wake, settling, features, segment, fusion, audit, idle
    /// The daemon's own: reading meters, making and writing the ledger.
    case recording
  }
  /// Where it was drawn.
  package enum Scope: String, Hashable, Sendable, CaseIterable { case package, board, sensor, modelled }
  package enum Kind: String, Hashable, Sendable, CaseIterable { case measured, estimated }

  package var account: Account
  /// Index of the modality it was spent for; nil for what belongs to none (fusion, recording).
  package var modality: Int?
  /// The exit (from 1) whose segment it was spent on; nil otherwise.
  package var exit: Int?
  package var energy: Nanojoules
  package var scope: Scope
  package var kind: Kind

  package init(
    account: Account, modality: Int? = nil, exit: Int? = nil, energy: Nanojoules, scope: Scope = .modelled,
    kind: Kind = .estimated
  ) {
    self.account = account
    self.modality = modality
    self.exit = exit
    self.energy = energy
    self.scope = scope
    self.kind = kind
  }
}
