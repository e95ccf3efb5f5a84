import Linux
import Vocabulary

/// The writing half as a thread's work.
extension LedgerFile {
  /// No wait is longer: whoever watches the threads sees each of them move.
  private static var longestWait: Nanoseconds { .seconds(60) }

  /// Writes what comes until it is asked to close and has answered.
  /// - Parameter now: CLOCK_BOOTTIME, also in a replay: what is written when changes no byte of it.
  package consuming func serve(
    now: () -> Instant = { Instant(sinceBoot: bootTimeNanoseconds()) }
  ) {
    var file = self
    while true {
      switch file.link.takeRequest() {
      case .flush: file.link.answer(file.flush(at: now()))
      case .settle: file.link.answer(file.settle(at: now()))
      case .close:
        file.link.answer(file.close(at: now()))
        return
      case nil:
        file.writeIfDue(at: now())
        file.keep(at: now())
      }
      // One at a time, and what waits is written in between.
      if file.hasToKeep && !file.link.isWaiting { continue }
      let longest = now() + Self.longestWait
      let deadline = min(file.nextDeadline ?? longest, longest)
      // A bell rung since the request was taken is still there.
      file.link.writerBell.wait(until: deadline.sinceBoot)
    }
  }
}
