import Ledger
import Linux
import Synchronization
import Vocabulary

/// A ledger that is opened, and then written, by a thread of its own: reading a long one, or a disk that does not
/// answer, keeps nobody from hearing SIGTERM.
final class LedgerOpening: Sendable {
  /// Rung when there is a result.
  let bell: Bell
  private let result = Mutex<Result<LedgerStart, LedgerError>?>(nil)

  init() throws(LinuxError) { bell = try Bell() }

  /// Nil while the ledger is being opened.
  func outcome() -> Result<LedgerStart, LedgerError>? { result.withLock { $0 } }

  /// The writer thread's work: opens the ledger and writes it until it is closed.
  func run(_ directory: String, _ link: LedgerLink, _ options: LedgerOptions) {
    do throws(LedgerError) {
      let file = try LedgerFile(
        directory: directory, link: link, at: Instant(sinceBoot: bootTimeNanoseconds()), options: options)
      let start = file.start
      finish(.success(start))
      file.serve()
    } catch {
      finish(.failure(error))
    }
  }

  private func finish(_ outcome: Result<LedgerStart, LedgerError>) {
    result.withLock { $0 = outcome }
    bell.ring()
  }
}
