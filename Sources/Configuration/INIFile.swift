import CInih
import Vocabulary

/// Walks an INI text with inih and keeps count of its lines, so that every error can name one.
struct INIFile {
  struct Entry {
    let section: String
    /// Nil for the section's own line.
    let key: String?
    let value: String
    let line: Int
  }

  /// inih's own limit; a longer line is refused by number rather than cut.
  static let maximumLine = 199
  /// A configuration of more lines is a wrong file.
  static let maximumLines = 10_000

  let entries: [Entry]

  init(_ text: [UInt8], file: String) throws(ConfigurationError) {
    let walk = Walk(text)
    let context = Unmanaged.passUnretained(walk).toOpaque()
    // inih calls the reader for a line and then, before the next, the handler for what the line held.
    let firstBad = ini_parse_stream(
      { buffer, size, stream in
        guard let buffer, let stream else { return nil }
        let walk = Unmanaged<Walk>.fromOpaque(stream).takeUnretainedValue()
        return walk.readLine(into: buffer, size: Int(size)) ? buffer : nil
      },
      context,
      { user, _, name, value in
        guard let user, let name, let value else { return 0 }
        let walk = Unmanaged<Walk>.fromOpaque(user).takeUnretainedValue()
        walk.entries.append(
          Entry(
            section: walk.section, key: String(cString: name), value: String(cString: value), line: walk.line)
        )
        return 1
      }, context)
    if let problem = walk.problem {
      throw ConfigurationError(file: file, line: walk.line, message: problem)
    }
    if firstBad != 0 {
      throw ConfigurationError(
        file: file, line: Int(firstBad),
        message: "not a setting; write 'key = value', '[section]' or a comment after '#'")
    }
    entries = walk.entries
    for entry in entries {
      guard let problem = Self.problem(ofValue: entry.value) else { continue }
      throw ConfigurationError(file: file, line: entry.line, message: problem)
    }
  }

  /// What no value means to hold: quotes around it, which would be part of a name here, and what is not seen.
  private static func problem(ofValue value: String) -> String? {
    if value.count > 1, let first = value.first, first == value.last, first == "\"" || first == "'" {
      return "the value \(value.printable) stands in quotes, which would be part of it; write it without"
    }
    // A space that is none of ASCII's comes with text copied from a page.
    if value.first?.isWhitespace == true || value.last?.isWhitespace == true || value.printable != value {
      let shown = value.unicodeScalars.map { $0.isASCII ? String($0) : "\\u{\(String($0.value, radix: 16))}" }
      return "the value '\(shown.joined().printable)' has a character that is not seen; type the line anew"
    }
    return nil
  }

  private final class Walk {
    let text: [UInt8]
    var position = 0
    var line = 0
    /// Kept here and not taken from inih, which cuts long names and says nothing of a section without settings.
    var section = ""
    var entries: [Entry] = []
    var problem: String?

    init(_ text: [UInt8]) {
      self.text = text
      // A byte order mark.
      if text.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    func readLine(into buffer: UnsafeMutablePointer<CChar>, size: Int) -> Bool {
      guard position < text.count, problem == nil else { return false }
      line += 1
      var end = position
      while end < text.count, text[end] != 0x0A { end += 1 }
      let length = end - position
      if length > min(size - 2, INIFile.maximumLine) {
        problem = "longer than \(INIFile.maximumLine) bytes; split it"
        return false
      }
      if line > INIFile.maximumLines {
        problem = "more than \(INIFile.maximumLines) lines; is this the right file?"
        return false
      }
      guard let words = String(validating: text[position..<end], as: UTF8.self), !words.utf8.contains(0)
      else {
        problem = "is not UTF-8 text; a configuration is plain text"
        return false
      }
      guard beginSection(words) else { return false }
      let kept = Self.withoutComment(text[position..<end])
      for i in 0..<kept { buffer[i] = CChar(bitPattern: text[position + i]) }
      buffer[kept] = 0x0A
      buffer[kept + 1] = 0
      // inih takes an indented line for the continuation of the value before it; here every line is its own.
      if length > 0, text[position] == 0x20 || text[position] == 0x09 { unindent(buffer) }
      position = end + 1
      return true
    }

    /// How many bytes of the line stand before a comment: a `#` that follows white space (inih knows `;` alone there),
    /// and either of them right behind the key's `=` or `:`, where no value has begun.
    private static func withoutComment(_ line: ArraySlice<UInt8>) -> Int {
      var former: UInt8 = 0
      var key = line.first { $0 != 0x20 && $0 != 0x09 } != UInt8(ascii: "[")
      for (count, byte) in line.enumerated() {
        let isBlank = former == 0x20 || former == 0x09
        let isBehindKey = key && (former == UInt8(ascii: "=") || former == UInt8(ascii: ":"))
        if byte == UInt8(ascii: "#") && (isBlank || isBehindKey) { return count }
        if byte == UInt8(ascii: ";") && isBehindKey { return count }
        if isBehindKey { key = false }
        former = byte
      }
      return line.count
    }

    /// Takes note of a `[section]` line; false where more stands on it than inih would read.
    private func beginSection(_ line: String) -> Bool {
      let words = line.drop { $0 == " " || $0 == "\t" }
      guard words.first == "[", let end = words.firstIndex(of: "]") else { return true }
      section = words[words.index(after: words.startIndex)..<end].split(separator: " ").joined(separator: " ")
      let rest = words[words.index(after: end)...].drop { $0.isWhitespace }
      guard rest.isEmpty || rest.first == ";" || rest.first == "#" else {
        problem = "'\(rest)' stands behind [\(section)]; put it on a line of its own"
        return false
      }
      entries.append(Entry(section: section, key: nil, value: "", line: self.line))
      return true
    }

    private func unindent(_ buffer: UnsafeMutablePointer<CChar>) {
      var from = 0
      while buffer[from] == 0x20 || buffer[from] == 0x09 { from += 1 }
      var to = 0
      while buffer[from] != 0 {
        buffer[to] = buffer[from]
        to += 1
        from += 1
      }
      buffer[to] = 0
    }
  }
}
