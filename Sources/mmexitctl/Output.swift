import Glibc
import JSON
import Vocabulary

/// What the commands print.
enum Output {
  /// One line to standard output, whatever names it holds. A reader that went away (`| head`) ends the program quietly.
  static func line(_ text: String) { write(line: text.printable) }

  /// Lines as they are, for a program that reads them.
  static func text(_ text: String) { write(bytes: Array(text.utf8)) }

  /// A value as one line of JSON, which sends a terminal no commands either.
  static func line(_ value: JSONValue) { write(line: value.text.printableJSON) }

  private static func write(line: String) { write(bytes: Array(line.utf8) + [0x0A]) }

  private static func write(bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let n = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress! + done, $0.count - done) }
      if n < 0 {
        if errno == EINTR { continue }
        if errno == EPIPE { exit(0) }
        complain("standard output: \(String(cString: strerror(errno))); not all of it was written")
        exit(74)
      }
      done += n
    }
  }

  static func complain(_ text: String) {
    let bytes = Array(("mmexitctl: " + text.printable + "\n").utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress!, $0.count) }
  }

  /// Columns padded to their widest cell; numbers to the right.
  static func table(_ header: [String], _ rows: [[String]]) {
    let rows = rows.map { $0.map(\.printable) }
    let widths = header.indices.map { c in ([header] + rows).map { $0[c].count }.max() ?? 0 }
    for row in [header] + rows {
      let cells = row.indices.map { c -> String in
        let space = String(repeating: " ", count: widths[c] - row[c].count)
        let isNumber = rows.allSatisfy { Double($0[c].replacingPercent) != nil || $0[c] == "-" }
        return isNumber ? space + row[c] : row[c] + space
      }
      var text = cells.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      line(text)
    }
  }

  /// A number with so many places after the point.
  static func fixed(_ value: Double, _ places: Int) -> String {
    guard value.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (value * scale).rounded()
    guard abs(scaled) < 9e15 else { return "\(value)" }
    let digits = String(Int64(abs(scaled)))
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let sign = scaled < 0 ? "-" : ""
    if places == 0 { return sign + padded }
    return sign + padded.dropLast(places) + "." + padded.suffix(places)
  }
}

extension String {
  fileprivate var replacingPercent: String { hasSuffix("%") ? String(dropLast()) : self }
}
