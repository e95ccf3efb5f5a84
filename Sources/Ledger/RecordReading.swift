import JSON
import Linux
import Vocabulary

/// Gives the records of a ledger out in order, for whoever looks at them: nothing is checked, and what is no record is
/// passed over (`audit` finds it). Memory does not grow with the ledger.
/// - Parameters:
///   - sequence: begin with the segment that has this record; nil: with the oldest.
///   - body: false ends it.
/// - Throws: `noLedger` where there is none, `unreadable`.
package func readRecords(
  _ directory: String, from sequence: UInt64? = nil, _ body: (JSONPlace) -> Bool
) throws(LedgerError) {
  try readLines(directory, from: sequence) { body($0.tree) }
}

/// As `readRecords`, for whoever wants little of most of them: no tree is made of a record that is asked for none.
package func readLines(
  _ directory: String, from sequence: UInt64? = nil, _ body: (borrowing LedgerLine) -> Bool
) throws(LedgerError) {
  var path = directory
  var record = LedgerLine()
  do throws(LinuxError) {
    let segments = try Segment.list(in: directory)
    guard !segments.isEmpty else { throw LinuxError("open", directory, errno: LinuxError.noSegment) }
    let first = sequence.flatMap { wanted in segments.lastIndex { $0.firstSequence <= wanted } } ?? 0
    for segment in segments[first...] {
      path = segment.path
      var reader = try LineReader(segment)
      while let line = try reader.nextLine() {
        if record.read(line.bytes), !body(record) { return }
      }
    }
  } catch {
    switch error.errno {
    case LinuxError.noSegment: throw .noLedger(path: directory)
    case LinuxError.notRegular: throw .notAFile(path: path)
    default: throw .unreadable(path: path, errno: error.errno)
    }
  }
}

extension LinuxError {
  /// In the place of an errno: a folder without segments.
  fileprivate static var noSegment: Int32 { -2 }
}
