import Linux

/// Re-checks a ledger from its files alone: the chain, the sequence, and that every total is the sum of its parts.
/// A changed last record, or records missing from the end, show only against `anchors` remembered elsewhere.
/// Memory does not grow with the ledger.
/// - Throws: `noLedger` where there is nothing to check (and no anchor that says there should be), `unreadable`.
package func audit(_ directory: String, anchors: [LedgerHead] = []) throws(LedgerError) -> AuditReport {
  var auditor = Auditor(anchors: anchors)
  for segment in try segments(directory) {
    do throws(LinuxError) {
      try auditor.read(segment)
    } catch {
      throw error.errno == LinuxError.notRegular
        ? .notAFile(path: segment.path) : .unreadable(path: segment.path, errno: error.errno)
    }
  }
  let report = auditor.finish(directory)
  if report.bytes == 0 && anchors.isEmpty { throw .noLedger(path: directory) }
  return report
}

private func segments(_ directory: String) throws(LedgerError) -> [Segment] {
  do throws(LinuxError) {
    return try Segment.list(in: directory)
  } catch {
    throw .unreadable(path: directory, errno: error.errno)
  }
}
