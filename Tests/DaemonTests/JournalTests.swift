import Glibc
import Linux
import Testing
import Vocabulary
import Wire

@testable import Daemon

/// Entries with fields, on a socket in the place of the journal's.
@Suite struct JournalTests {
  /// A datagram socket under a name in /tmp, as the journal has one; nobody reads it but the test.
  private final class FakeJournal {
    let path: String
    let number: Int32

    init() throws {
      path = "/tmp/mmexit-journal-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      number = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      let bound = withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(bound == 0)
    }

    deinit {
      close(number)
      unlink(path)
    }

    /// The next entry's fields; nil where there is none.
    func next() -> [String]? {
      var bytes = [UInt8](repeating: 0, count: 65536)
      let count = recv(number, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      guard count >= 0 else { return nil }
      return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// As a service has it whose standard error is `errors`.
    func socket(errors: Int32) throws -> JournalSocket {
      var status = stat()
      fstat(errors, &status)
      let stream = "\(status.st_dev):\(status.st_ino)"
      let path = path
      return try #require(
        JournalSocket(errors: errors) {
          $0 == "JOURNAL_STREAM" ? stream : $0 == JournalSocket.variable ? path : nil
        })
    }
  }

  private let names = Names(
    classes: ["none", "stop"], modalities: ["audio", "image"], energySource: "model:x", none: 0)

  @Test func anEntryHasItsFields() throws {
    let fake = try FakeJournal()
    let socket = try fake.socket(errors: STDERR_FILENO)
    let output = try OutputThread(decisions: -1, journal: -1, entries: socket) {}
    let journal = Journal(queue: output.journal)
    journal.write(
      .warning, "image failed\nPRIORITY=0",
      JournalFields(.fault(modality: 1, message: "m"), names, generation: 3))
    let failed = try #require(fake.next())
    #expect(
      Set(failed.dropLast()) == [
        "PRIORITY=4", "SYSLOG_IDENTIFIER=mmexitd", "MMEXIT_SENSOR=image", "MMEXIT_EVENT=fault",
        "MMEXIT_GENERATION=3",
      ])
    // One line, whatever it quotes: no field can be put in.
    #expect(failed.last?.hasPrefix("MESSAGE=image failed") == true && failed.count == 6)
    var event = StreamEvent(label: 1, start: .zero, certainty: 1, modalities: .all(2), decision: 7)
    event.lastDecision = 9
    journal.tell("stop begins", JournalFields(.event(event), names, generation: 1))
    let begins = try #require(fake.next())
    for field in [
      "MMEXIT_SENSOR=audio", "MMEXIT_SENSOR=image", "MMEXIT_LABEL=stop", "MMEXIT_DECISION=7", "PRIORITY=6",
    ] {
      #expect(begins.contains(field), "\(field)")
    }
    #expect(fake.next() == nil && output.journal.isEmpty && socket.lost == 0)
  }

  /// A journal that does not read, or is gone: the line goes by standard error, the entry is counted, nobody waits.
  @Test func whatTheJournalDoesNotTakeIsCounted() throws {
    var fake: FakeJournal? = try FakeJournal()
    let socket = try #require(try fake?.socket(errors: STDERR_FILENO))
    let output = try OutputThread(decisions: -1, journal: -1, entries: socket) {}
    let journal = Journal(queue: output.journal)
    let begin = bootTimeNanoseconds()
    var sent = 0
    while socket.lost == 0 && sent < 100_000 {
      journal.write(.notice, "line \(sent)")
      sent += 1
    }
    #expect(socket.lost == 1 && !output.journal.isEmpty)
    #expect(bootTimeNanoseconds() - begin < 20_000_000_000)
    fake = nil
    journal.write(.notice, "gone")
    journal.tell("gone", JournalFields())
    #expect(socket.lost == 3)
    journal.write(.notice, String(repeating: "x", count: 100_000))
    #expect(socket.lost == 4)
  }

  /// JOURNAL_STREAM is inherited by whatever a service starts: it counts for the stream that it names.
  @Test func anotherStreamIsNoJournal() throws {
    var status = stat()
    fstat(STDERR_FILENO, &status)
    let mine = "\(status.st_dev):\(status.st_ino)"
    #expect(JournalSocket.isJournal(STDERR_FILENO, mine))
    for other in [nil, "", "1", "\(status.st_dev):\(status.st_ino + 1)", mine + "0"] {
      #expect(!JournalSocket.isJournal(STDERR_FILENO, other))
      #expect(JournalSocket(errors: STDERR_FILENO) { $0 == "JOURNAL_STREAM" ? other : nil } == nil)
    }
    #expect(!JournalSocket.isJournal(-1, mine))
  }
}
