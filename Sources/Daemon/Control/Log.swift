import Glibc

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

  /// The text with a space for each newline and control character.
  package static func oneLine(_ text: String) -> String {
    String(
      text.map {
        $0.isNewline || $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : $0
      })
  }

  /// - Parameter keepingLines: for a usage text; else a message is one line, whatever it holds, and sends a terminal no
  ///   commands: it may quote a hostile file.
  package static func write(_ level: Level, _ message: String, keepingLines: Bool = false) {
    let shown = keepingLines ? message : oneLine(message)
    let text = (toJournal ? "<\(level.rawValue)>" : "mmexitd: ") + shown + "\n"
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress!, $0.count) }
  }
}
