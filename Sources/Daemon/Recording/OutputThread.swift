import Glibc
import Linux
import Synchronization
import Vocabulary

/// Writes lines to standard output and standard error, each when it takes them: one that does not (a pipe that nobody
/// reads, a terminal that was stopped) holds back only its own. The descriptors stay as they were inherited, since a
/// shell may share them: they are polled, and written at most `PIPE_BUF` bytes at a time, which goes through at once.
package final class OutputThread: Sendable {
  /// Lines of `--print-decisions`: about a hundred.
  package static let decisionBytes = 16 << 10
  /// Lines for the journal.
  package static let journalBytes = 16 << 10
  /// What a pipe takes whole once it says that it is ready (POSIX: PIPE_BUF).
  private static let pieceBytes = 4096
  /// No wait is longer: whoever watches the threads sees each of them move.
  private static let longestWait = Nanoseconds.seconds(60)

  package let decisions: OutputQueue
  package let journal: OutputQueue
  private let descriptors: (decisions: Int32, journal: Int32)
  private let bell: Bell
  /// Rung when lines were written or a destination failed.
  private let tell: @Sendable () -> Void
  /// When to end though lines wait, on CLOCK_BOOTTIME; 0 while nobody has asked for the end.
  private let deadline = Atomic<Int64>(0)
  private let ended = Atomic<Bool>(false)
  private let endBell: Bell

  package init(
    decisions output: Int32 = STDOUT_FILENO, journal errors: Int32 = STDERR_FILENO,
    entries: JournalSocket? = nil, tell: @escaping @Sendable () -> Void
  ) throws(LinuxError) {
    bell = try Bell()
    endBell = try Bell()
    decisions = OutputQueue(capacity: Self.decisionBytes, bell: bell)
    journal = OutputQueue(capacity: Self.journalBytes, bell: bell, entries: entries)
    descriptors = (output, errors)
    self.tell = tell
  }

  /// The thread's work: returns when it was told to end, and all is written or the time is up.
  package func run() {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 8)
    defer { memory.deallocate() }
    while !mayEnd {
      wait()
      bell.clear()
      write(decisions, to: descriptors.decisions, by: memory)
      write(journal, to: descriptors.journal, by: memory)
    }
    ended.store(true, ordering: .releasing)
    endBell.ring()
  }

  /// Has the thread write what waits, at most until `limit`, and end; waits for that. True when it has ended.
  package func end(by limit: Instant) -> Bool {
    deadline.store(limit.sinceBoot, ordering: .releasing)
    bell.ring()
    // A write that hangs all the same is not waited for.
    let last = limit.sinceBoot + 100_000_000
    while !ended.load(ordering: .acquiring) && bootTimeNanoseconds() < last { endBell.wait(until: last) }
    return ended.load(ordering: .acquiring)
  }

  private var mayEnd: Bool {
    let limit = deadline.load(ordering: .acquiring)
    return limit != 0 && (bootTimeNanoseconds() >= limit || (decisions.isEmpty && journal.isEmpty))
  }

  private func wait() {
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 3) { list in
      // A negative descriptor is passed over.
      list.initialize(repeating: pollfd(fd: -1, events: Int16(POLLOUT), revents: 0))
      list[0] = readable(bell.number)
      if !decisions.isEmpty { list[1].fd = descriptors.decisions }
      if !journal.isEmpty { list[2].fd = descriptors.journal }
      let limit = deadline.load(ordering: .acquiring)
      let longest = bootTimeNanoseconds() + Self.longestWait.count
      _ = try? pollUntil(limit == 0 ? longest : min(limit, longest), list)
    }
  }

  private func write(_ queue: OutputQueue, to number: Int32, by memory: UnsafeMutableRawBufferPointer) {
    while !queue.isEmpty && StandardOutput.isReady(number) {
      let count = Glibc.write(number, memory.baseAddress, queue.front(memory))
      if count > 0 {
        queue.take(count)
      } else if count == 0 || (errnoNow() != EINTR && errnoNow() != EAGAIN) {
        queue.fail(count == 0 ? EIO : errnoNow())
      } else {
        // Somebody else has filled it: the next poll says when there is room again.
        return
      }
      tell()
    }
  }
}
