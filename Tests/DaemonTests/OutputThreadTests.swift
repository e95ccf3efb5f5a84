import Glibc
import Linux
import Testing
import Vocabulary

@testable import Daemon

/// Standard output and journal, each behind its own queue, written to pipes.
@Suite struct OutputThreadTests {
  /// A pipe; what is in it is read without waiting.
  private final class Pipe {
    let reader: Int32
    let writer: Int32

    init() {
      var ends: [Int32] = [-1, -1]
      _ = pipe(&ends)
      (reader, writer) = (ends[0], ends[1])
      _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    deinit {
      close(reader)
      close(writer)
    }

    /// Fills the pipe, so that it takes nothing more.
    func fill() {
      let page = [UInt8](repeating: 10, count: 4096)
      while StandardOutput.isReady(writer) { _ = write(writer, page, page.count) }
    }

    func read() -> String {
      var text: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = Glibc.read(reader, &chunk, chunk.count), count > 0 { text += chunk[..<count] }
      return String(decoding: text, as: UTF8.self)
    }
  }

  private var soon: Instant { Instant(sinceBoot: bootTimeNanoseconds()) + .seconds(5) }

  @Test func linesComeWholeAndInOrderToEach() throws {
    let (decisions, journal) = (Pipe(), Pipe())
    let output = try OutputThread(decisions: decisions.writer, journal: journal.writer) {}
    let thread = try Thread(named: "output") { output.run() }
    for number in 1...50 {
      #expect(output.decisions.put("decision \(number)"))
      Journal(queue: output.journal).write(.notice, "line\n\(number)")
    }
    #expect(output.end(by: soon))
    thread.join()
    #expect(decisions.read() == (1...50).map { "decision \($0)\n" }.joined())
    #expect(
      journal.read() == (1...50).map { "mmexitd: line\\n\($0)\n" }.joined(),
      "one line each, the newline escaped")
  }

  @Test func aReaderWhoStopsHoldsBackOnlyHisOwn() throws {
    let (decisions, journal) = (Pipe(), Pipe())
    decisions.fill()
    let output = try OutputThread(decisions: decisions.writer, journal: journal.writer) {}
    let thread = try Thread(named: "output") { output.run() }
    var taken = 0
    while output.decisions.put(String(repeating: "x", count: 99)) { taken += 1 }
    #expect(taken == OutputThread.decisionBytes / 100 && output.decisions.lost == 1)
    for _ in 0..<10 { #expect(output.journal.put("still said")) }
    let limit = soon
    while !output.journal.isEmpty && bootTimeNanoseconds() < limit.sinceBoot { usleep(1000) }
    #expect(journal.read() == String(repeating: "still said\n", count: 10))
    // He reads again, and has what waited, then the end.
    var text = decisions.read()
    #expect(output.end(by: soon))
    thread.join()
    text += decisions.read()
    #expect(text.split(separator: "\n").count == taken)
  }

  @Test func anEndIsNotWaitedForBeyondItsTime() throws {
    let (decisions, journal) = (Pipe(), Pipe())
    decisions.fill()
    let output = try OutputThread(decisions: decisions.writer, journal: journal.writer) {}
    let thread = try Thread(named: "output") { output.run() }
    output.decisions.put("never read")
    let begun = bootTimeNanoseconds()
    #expect(output.end(by: Instant(sinceBoot: begun) + .milliseconds(50)))
    #expect(bootTimeNanoseconds() - begun < 2_000_000_000)
    thread.join()
  }

  @Test func aReaderWhoWentAwayIsSaidOnce() throws {
    // Else the write that finds out ends the tests.
    signal(SIGPIPE, SIG_IGN)
    let journal = Pipe()
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    close(ends[0])
    defer { close(ends[1]) }
    let output = try OutputThread(decisions: ends[1], journal: journal.writer) {}
    let thread = try Thread(named: "output") { output.run() }
    var printer = DecisionPrinter(
      isOn: true, queue: output.decisions, journal: Journal(queue: output.journal), waiting: nil)
    printer.print("one")
    let limit = soon
    while output.decisions.failure == nil && bootTimeNanoseconds() < limit.sinceBoot { usleep(1000) }
    for _ in 0..<5 { printer.print("more") }
    #expect(!printer.isOn && printer.leftOut == 5)
    #expect(output.end(by: soon))
    thread.join()
    let said = journal.read()
    #expect(said.split(separator: "\n").count == 1 && said.contains("standard output: Broken pipe (write): "))
  }

  @Test func liveAReaderIsNotWaitedForAndIsToldWhatHeMissed() throws {
    let (decisions, journal) = (Pipe(), Pipe())
    let output = try OutputThread(decisions: decisions.writer, journal: journal.writer) {}
    var printer = DecisionPrinter(
      isOn: true, queue: output.decisions, journal: Journal(queue: output.journal), waiting: nil)
    // So long that they fill the queue to its last byte.
    let line = String(repeating: "x", count: 127)
    let fitting = OutputThread.decisionBytes / 128
    for _ in 0..<(fitting + 3) { printer.print(line) }
    #expect(printer.leftOut == 3 && printer.isOn)
    let thread = try Thread(named: "output") { output.run() }
    let limit = soon
    while !output.decisions.isEmpty && bootTimeNanoseconds() < limit.sinceBoot { usleep(1000) }
    printer.print("again")
    #expect(output.end(by: soon))
    thread.join()
    let lines = decisions.read().split(separator: "\n")
    #expect(lines.count == fitting + 2)
    #expect(lines.suffix(2) == ["(3 decisions left out: nobody was reading)", "again"])
    #expect(journal.read().split(separator: "\n").count == 1)
  }

  @Test func aReplayWaitsASecondForAReaderAndThenGivesHimUp() throws {
    let journal = Pipe()
    let output = try OutputThread(decisions: -1, journal: journal.writer) {}
    var waits: [Instant] = []
    var printer = DecisionPrinter(
      isOn: true, queue: output.decisions, journal: Journal(queue: output.journal),
      waiting: {
        waits.append($0)
        sleepUntil(bootTime: $0.sinceBoot)
      })
    let begun = bootTimeNanoseconds()
    for _ in 0..<(OutputThread.decisionBytes / 100 + 50) { printer.print(String(repeating: "x", count: 99)) }
    #expect(waits.count == 1 && bootTimeNanoseconds() - begun >= 1_000_000_000)
    #expect(!printer.isOn && printer.leftOut > 40)
  }

  @Test func eachLineIsPrintedWhereTheReaderIsSlowOnly() throws {
    let (decisions, journal) = (Pipe(), Pipe())
    let bell = try Bell()
    let output = try OutputThread(decisions: decisions.writer, journal: journal.writer) { bell.ring() }
    let thread = try Thread(named: "output") { output.run() }
    let count = 5000
    let printing = try Thread(named: "recorder") {
      var printer = DecisionPrinter(
        isOn: true, queue: output.decisions, journal: Journal(queue: output.journal),
        // A machine that is busy elsewhere is no reader who stopped.
        patience: .seconds(60), waiting: { bell.wait(until: $0.sinceBoot) })
      for number in 1...count { printer.print("\(number) " + String(repeating: "x", count: 90)) }
    }
    var text = ""
    let limit = bootTimeNanoseconds() + 30_000_000_000
    while text.utf8.last != 10 || !text.hasSuffix("\(count) " + String(repeating: "x", count: 90) + "\n"),
      bootTimeNanoseconds() < limit
    {
      text += decisions.read()
      usleep(500)
    }
    printing.join()
    #expect(output.end(by: soon))
    thread.join()
    #expect(text.split(separator: "\n").count == count)
  }
}
