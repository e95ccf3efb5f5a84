import Vocabulary

/// What an audit of a ledger found.
package struct AuditReport: Equatable, Sendable {
  package var segments = 0
  package var records = 0
  package var bytes = 0
  /// Sequence number of the first record; above 1 where older segments are not there any more.
  package var first: UInt64?
  /// The first record.
  package var firstHead: LedgerHead?
  /// The last record: to be held against an anchor.
  package var head: LedgerHead?
  /// In the order in which they were given.
  package var anchors: [Anchored] = []
  /// Records behind the last that an anchor holds: nothing outside speaks for them yet. Nil where no anchor was given.
  package var unanchored: Int?
  /// Records by type, e.g. `decision`.
  package var types: [BytewiseText: Int] = [:]
  /// Windows that `decision` records stand for.
  package var decisions: Int64 = 0
  /// Records that the daemon itself says it lost, from `gap` records.
  package var shed: Int64 = 0
  package var totals = AuditTotals()
  /// The first `maximumListed` findings; `found` counts them all.
  package private(set) var findings: [Finding] = []
  package private(set) var found = 0
  /// What the daemon itself recorded as lost, set aside or broken: the first `maximumListed` of the gap records,
  /// a line each. They are no findings.
  package private(set) var gaps: [String] = []
  /// A ledger of garbage has a finding a line; memory is not to grow with it.
  package static let maximumListed = 1000
  /// What a record says of itself is told up to so many bytes.
  package static let maximumText = 500

  /// Whether everything adds up.
  package var passes: Bool { found == 0 }

  mutating func add(_ finding: Finding) {
    found += 1
    if findings.count < Self.maximumListed { findings.append(finding) }
  }

  mutating func add(gap: String) {
    if gaps.count < Self.maximumListed { gaps.append(gap.clipped(to: Self.maximumText)) }
  }
}

/// Sums over all decisions and what runs closed with, in whole nanojoules.
package struct AuditTotals: Equatable, Sendable {
  package var energy: Int64 = 0
  package var alwaysOn: Int64 = 0
  package var macs: Int64 = 0
  /// By account, e.g. `sensing`.
  package var accounts: [BytewiseText: Int64] = [:]
  /// By modality; what was spent for none stands under the empty name.
  package var modalities: [BytewiseText: Int64] = [:]
  /// By kind: `measured`, `estimated`.
  package var kinds: [BytewiseText: Int64] = [:]
  /// Answers by exit, e.g. `audio.1`, `fusion`; under the empty name those that no exit gave.
  package var exits: [BytewiseText: Int64] = [:]
  /// Names that one table takes, and bytes of one: beyond what all models of a robot's life have together.
  package static let maximumNames = 1000
  package static let maximumNameBytes = 300
}

extension Int64 {
  /// Figures of a forged ledger may be anything: sums stay at the end of the scale and do not trap.
  func clampedSum(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }

  mutating func clampedAdd(_ other: Int64) { self = clampedSum(other) }
}

/// One thing that does not add up, and where it stands.
package struct Finding: Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Equatable, Sendable {
    /// A line that is no record of a ledger, and why.
    case notARecord(String)
    /// `prev` is not the digest of the record before it: that one was changed, or something between was taken out
    /// or put in.
    case chainBroken
    case sequence(expected: UInt64, found: UInt64)
    /// A total that is not the sum of what it is the total of.
    case sum(member: String, stated: Int64, computed: Int64)
    /// A name that no table of the audit takes any more: which.
    case strangeName(String)
    /// Bytes after the last newline. The daemon sets them aside at its next start.
    case tornTail(bytes: Int)
    /// A compressed segment that cannot be read to its end, and why.
    case damaged(String)
    /// A segment whose name says another first record than it holds.
    case misnamed(first: UInt64)
    /// The record that the anchor names is another one.
    case anchorDiffers
    /// The ledger ends before the record that the anchor names.
    case truncated(lastExpected: UInt64)
    /// No record has the anchor's number, though some before and behind it are there.
    case anchorMissing(UInt64)
    /// A record of this type behind a `stop`, where only `start` and `gap` may follow.
    case afterStop(String)
  }

  package let kind: Kind
  /// The segment's path.
  package let segment: String
  /// From 1; 0 for the segment as a whole.
  package let line: Int
  /// The record's own number where it has one.
  package let sequence: UInt64?

  package var description: String {
    let place = line == 0 ? segment : "\(segment):\(line)"
    let record = sequence.map { " (record \($0))" } ?? ""
    return "\(place)\(record): \(what)"
  }

  /// What does not add up, without the place.
  var what: String {
    switch kind {
    case .notARecord(let reason): "not a ledger record: \(reason)"
    case .chainBroken: "'prev' is not the SHA-256 of the record before it: one of the two was changed"
    case .sequence(let expected, let found): "sequence \(found) where \(expected) should be"
    case .sum(let member, let stated, let computed): "\(member) says \(stated), its parts sum to \(computed)"
    case .strangeName(let name):
      "'\(name)': longer than \(AuditTotals.maximumNameBytes) bytes, or beyond the \(AuditTotals.maximumNames) names of "
        + "its kind that are added up"
    case .tornTail(let bytes): "\(bytes) bytes after the last whole record"
    case .damaged(let reason): "the compressed segment is damaged: \(reason)"
    case .misnamed(let first): "the segment's name says that it begins with record \(first)"
    case .anchorDiffers: "this is not the record that the anchor names: the ledger was rewritten"
    case .truncated(let last): "the ledger ends here, but the anchor names record \(last): it was cut short"
    case .anchorMissing(let number): "record \(number), which an anchor names, is not in the ledger"
    case .afterStop(let type):
      "a record of type '\(type)' behind 'stop', where only 'start' or 'gap' may follow: it was put in"
    }
  }
}
