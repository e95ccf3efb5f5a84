import Energy
import Vocabulary

/// The end of a run's ledger.
extension LedgerChain {
  /// Appends the `stop` record and has everything on the disk. What cannot be written (the disk is full) is given up:
  /// half a record is cut off, the room held in reserve takes a `gap` record and `stop`, and the ledger ends whole.
  /// - Parameters:
  ///   - closing: what was spent since the last decision; nil where nobody knows.
  ///   - answer: waits for what `link` answers; nil when it takes too long, after which nothing is waited for again.
  /// - Returns: what is lost or in doubt; nil when the disk has confirmed everything.
  package mutating func end(
    reason: String, closing: ClosingEnergy?, at stamp: LedgerStamp, answer: (LedgerLink) -> LedgerAnswer?
  ) -> LedgerError? {
    recordSteady()
    link.ask(.settle)
    guard let settled = answer(link) else { return .notConfirmed(path: directory, errno: nil) }
    var lost: (path: String, errno: Int32, records: Int)?
    if case .failed(let path, let errno, let head, let given) = settled {
      takeBack(given, head: head, at: stamp)
      lost = (path, errno, totalShed)
    }
    var ended: Bool
    if let closing {
      ended = appendStop(reason: reason, closing: closing, at: stamp)
    } else {
      ended = append(.stop(reason: reason), at: stamp)
    }
    link.ask(.close)
    guard let closed = answer(link) else { return .notConfirmed(path: directory, errno: nil) }
    settle(at: stamp)
    if case .failed(let path, let errno, _, let given) = closed {
      if given.records == 0 && lost == nil { return .notConfirmed(path: path, errno: errno) }
      ended = ended && given.records == 0
      if lost == nil { lost = (path, errno, totalShed + given.lost) }
    }
    return lost.map { .notWritten(path: $0.path, records: $0.records, errno: $0.errno, told: ended) }
  }
}
