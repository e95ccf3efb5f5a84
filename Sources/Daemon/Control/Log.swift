import Glibc
import Vocabulary

/// Lines for the journal on standard error, with the priority prefix of sd-daemon(3) where the journal reads it.
package enum Log {
  package enum Level: Int {
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
  }

  /// systemd sets JOURNAL_STREAM when standard error goes to the journal; a terminal gets no prefix.
  private static let toJournal = getenv("JOURNAL_STREAM") != nil

  /// One line with what stands before it, without its newline.
  static func line(_ level: Level, _ message: String) -> String {
    (toJournal ? "<\(level.rawValue)>" : "mmexitd: ") + message
  }

  /// Writes at once, before and after the time in which the output thread does. Where standard error takes nothing
  /// (nobody reads the pipe), a word that nobody hears is not waited for.
  /// - Parameter keepingLines: for a usage text, whose arguments are `printable` already; else a message is one line, whatever
  ///   it holds, and sends a terminal no commands: it may quote a hostile file.
  package static func write(_ level: Level, _ message: String, keepingLines: Bool = false) {
    let bytes = Array((line(level, keepingLines ? message : message.printable) + "\n").utf8)
    guard StandardOutput.isReady(STDERR_FILENO, within: 200) else { return }
    _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress!, $0.count) }
  }
}

/// Lines for the journal from a daemon that runs: with fields where the journal takes them, else by the output thread; nobody
/// waits for them.
struct Journal: Sendable {
  let queue: OutputQueue

  func write(_ level: Log.Level, _ message: String, _ fields: JournalFields = JournalFields()) {
    let message = message.printable
    if let entries = queue.entries, entries.send(level, message, fields) { return }
    queue.put(Log.line(level, message))
  }

  /// What is told where fields are read, and nowhere else.
  func tell(_ message: @autoclosure () -> String, _ fields: JournalFields) {
    _ = queue.entries?.send(.info, message().printable, fields)
  }
}
