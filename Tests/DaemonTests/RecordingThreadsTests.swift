import Linux
import Testing
import Vocabulary

@testable import Daemon

/// How long threads have been on a core together.
@Suite struct RecordingThreadsTests {
  /// Works until it has been on a core for so long.
  private func work(for time: Nanoseconds) {
    guard let clock = try? ThreadClock() else { return }
    while let spent = clock.time, spent < time {}
  }

  @Test func eachThreadCountsAlsoWhenItHasEnded() throws {
    let threads = RecordingThreads()
    #expect(threads.time == .zero)
    let done = try Bell()
    let goOn = try Bell()
    let thread = try Thread(named: "worker") {
      threads.join()
      work(for: .milliseconds(20))
      done.ring()
      goOn.wait(until: bootTimeNanoseconds() + 20_000_000_000)
    }
    done.wait(until: bootTimeNanoseconds() + 20_000_000_000)
    let alive = threads.time
    #expect(alive >= .milliseconds(20))
    goOn.ring()
    thread.join()
    let ended = threads.time
    #expect(ended >= alive)
    try Thread(named: "another") {
      threads.join()
      work(for: .milliseconds(5))
      done.ring()
    }.join()
    #expect(threads.time >= ended)
  }

  /// A thread that does not belong to them adds nothing.
  @Test func othersDoNotCount() throws {
    let threads = RecordingThreads()
    try Thread(named: "other") { work(for: .milliseconds(5)) }.join()
    #expect(threads.time == .zero)
  }
}
