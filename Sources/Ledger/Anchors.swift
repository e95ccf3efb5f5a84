import Vocabulary

/// Heads of a ledger that were remembered elsewhere, held against its records as they are read: whoever rewrites a
/// ledger with honest digests, or cuts its end off, is found by them alone.
struct Anchors {
  private(set) var found: [AuditReport.Anchored]
  /// Records read since the last one that an anchor holds; all of them where none does.
  private(set) var unanchored = 0

  init(_ heads: [LedgerHead]) { found = heads.map { AuditReport.Anchored(head: $0, state: .beyond) } }

  /// - Returns: whether an anchor names another record under this number.
  mutating func meet(_ record: LedgerHead) -> Bool {
    unanchored += 1
    var differs = false
    for index in found.indices where found[index].head.sequence == record.sequence {
      if found[index].head.digest == record.digest {
        // A number that stands twice keeps what was wrong with the other one.
        if found[index].state != .differs { found[index].state = .holds }
        unanchored = 0
      } else {
        found[index].state = .differs
        differs = true
      }
    }
    return differs
  }

  /// When all is read: what no record was found for lies in front of the first, behind the last, or between them.
  mutating func conclude(first: UInt64?, last: UInt64?) {
    for index in found.indices where found[index].state == .beyond {
      let number = found[index].head.sequence
      if let first, number < first { found[index].state = .dropped }
      if let first, let last, first <= number, number <= last { found[index].state = .missing }
    }
  }

  var areEmpty: Bool { found.isEmpty }
}

extension AuditReport {
  /// What became of an anchor.
  package struct Anchored: Equatable, Sendable {
    package enum State: String, Sendable {
      /// The record is the one that the anchor names.
      case holds
      /// Another record stands under its number. A finding.
      case differs
      /// The ledger ends before it. A finding.
      case beyond
      /// Records up to it were dropped with old segments. No finding.
      case dropped
      /// Between the first record and the last none has its number. A finding.
      case missing
    }

    package let head: LedgerHead
    package internal(set) var state: State
  }
}

extension LedgerHead {
  /// `SEQ:SHA256` as the journal and `mmexitctl audit` tell it: a number from 1 and 64 hexadecimal digits; nil for
  /// anything else.
  package init?(anchor text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let sequence = UInt64(parts[0]), sequence > 0, !parts[0].hasPrefix("+"),
      let digest = Digest(hex: String(parts[1]))
    else { return nil }
    self.init(sequence: sequence, digest: digest)
  }

  package var anchor: String { "\(sequence):\(digest.hexString)" }
}
