import Glibc
import Vocabulary
import Wire

/// Sums by name, as `AuditTotals` has them.
struct AuditNames {
  var accounts = NameTable()
  var modalities = NameTable()
  var kinds = NameTable()
  var exits = NameTable()

  func write(into totals: inout AuditTotals) {
    totals.accounts = accounts.sums
    totals.modalities = modalities.sums
    totals.kinds = kinds.sums
    totals.exits = exits.sums
  }
}

/// Records that were read without a tree. Only such are taken in as are right in everything: number, chain, sums, and
/// names that are known already. All others go by the tree, which finds what is wrong and takes up new names.
extension Auditor {
  /// Nil where the tree is to read it; nothing has changed then.
  mutating func accept(_ record: borrowing PlainRecord) -> CheckedRecord? {
    guard let expected, let previous, record[.sequence] > 0, UInt64(record[.sequence]) == expected,
      expected <= LedgerChain.maximumSequence, record.isChained(to: previous)
    else { return nil }
    switch record.type {
    case .decision: guard acceptDecision(record) else { return nil }
    case .audit:
      guard audited?.decision != record[.number] || audited?.energy == record[.audit] else { return nil }
    case .meter:
      let accounts = record[.accounts]
      guard !record.has(.unattributed) || record[.unattributed] == record[.measured].clampedSum(-accounts)
      else {
        return nil
      }
    default: break
    }
    sequence = expected
    report.records += 1
    types[record.type.index] += 1
    self.expected = expected + 1
    return CheckedRecord(sequence: expected, type: record.type, follows: true)
  }

  private mutating func acceptDecision(_ record: borrowing PlainRecord) -> Bool {
    var sum: Int64 = 0
    for index in 0..<record.postings { sum.clampedAdd(record.posting(index).energy) }
    guard sum == record[.total], let exit = place(of: record.exit, record) else { return false }
    var places = InlineArray<64, (Int, Int, Int)>(repeating: (0, 0, 0))
    var audit: Int64 = 0
    for index in 0..<record.postings {
      let posting = record.posting(index)
      guard let account = names.accounts.find(record, posting.account),
        let modality = names.modalities.find(record, posting.modality),
        let kind = names.kinds.find(record, posting.kind)
      else { return false }
      places[index] = (account, modality, kind)
      if record.scanner.matches(posting.account, "audit") { audit.clampedAdd(posting.energy) }
    }
    for index in 0..<record.postings {
      let energy = record.posting(index).energy
      names.accounts.add(energy, at: places[index].0)
      names.modalities.add(energy, at: places[index].1)
      names.kinds.add(energy, at: places[index].2)
    }
    let windows = record.has(.windows) ? record[.windows] : 1
    names.exits.add(windows, at: exit)
    auditEnergy = audit
    report.totals.energy.clampedAdd(sum)
    report.totals.alwaysOn.clampedAdd(record[.alwaysOn])
    report.totals.macs.clampedAdd(record[.macs])
    report.decisions.clampedAdd(windows)
    run.decisions.clampedAdd(windows)
    run.energy.clampedAdd(sum)
    audited = (record[.number], audit)
    return true
  }

  /// Where its name stands among the exits.
  private func place(of exit: PlainRecord.Exit, _ record: borrowing PlainRecord) -> Int? {
    switch exit {
    case .none: return find(UnsafeRawBufferPointer(start: nil, count: 0))
    case .fusion:
      let name: StaticString = "fusion"
      return find(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    case .encoder(let modality, let number):
      // `audio.1`; 0 is the activity check.
      guard (0...99).contains(number), modality.count <= 60 else { return nil }
      var name = InlineArray<64, UInt8>(repeating: 0)
      var count = modality.count
      for index in 0..<count { name[index] = record.bytes(modality)[index] }
      name[count] = UInt8(ascii: ".")
      if number > 9 {
        count += 1
        name[count] = UInt8(ascii: "0") + UInt8(number / 10)
      }
      count += 1
      name[count] = UInt8(ascii: "0") + UInt8(number % 10)
      return name.span.withUnsafeBytes { find(UnsafeRawBufferPointer(rebasing: $0[...count])) }
    }
  }

  private func find(_ name: UnsafeRawBufferPointer) -> Int? { names.exits.find(name, NameTable.hash(name)) }
}

extension NameTable {
  fileprivate func find(_ record: borrowing PlainRecord, _ text: PlainRecord.Text) -> Int? {
    find(record.bytes(text), record.scanner.hash(text))
  }
}

extension PlainRecord {
  /// Whether `prev` says this digest.
  fileprivate borrowing func isChained(to digest: Digest) -> Bool {
    let text = bytes(prev)
    let digits = digest.hex
    return digits.span.withUnsafeBytes { memcmp(text.baseAddress!, $0.baseAddress!, 64) == 0 }
  }
}
