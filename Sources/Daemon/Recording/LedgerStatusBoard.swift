import Synchronization

/// What `GetStatus` says of the ledger and of the lines of `--print-decisions`.
package final class LedgerStatusBoard: Sendable {
  package struct Status: Sendable {
    package var records = 0
    package var shed = 0
    package var failure: Int32?
    /// Decisions that standard output did not take.
    package var unprinted = 0
  }
  package let path: String
  private let status = Mutex(Status())

  init(path: String) { self.path = path }
  func publish(_ records: Int, shed: Int, failure: Int32?, unprinted: Int) {
    status.withLock { $0 = Status(records: records, shed: shed, failure: failure, unprinted: unprinted) }
  }
  package func read() -> Status { status.withLock { $0 } }
}
