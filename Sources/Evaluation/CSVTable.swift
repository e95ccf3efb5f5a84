/// A comma separated table (RFC 4180: quotes, doubled quotes, CRLF), with the line of every row.
package struct CSVTable: Sendable {
  package struct Row: Sendable {
    /// Line of the row's start in the file, from 1.
    package let line: Int
    package let cells: [String]
  }
  package let header: [String]
  package let rows: [Row]

  package struct Fault: Error, Equatable, Sendable {
    package let line: Int
    package let message: String
  }

  /// - Throws: `Fault` for an empty table, a row whose number of cells is not the header's, an unclosed quote or
  ///   text that is not UTF-8.
  package init(_ text: [UInt8]) throws(Fault) {
    var reader = CSVReader(text)
    guard let first = try reader.next() else {
      throw Fault(line: 1, message: "the file is empty; the first line must be a header")
    }
    header = first.cells
    var rows: [Row] = []
    while let row = try reader.next() {
      if row.cells == [""] { continue }  // an empty line
      guard row.cells.count == header.count else {
        throw Fault(
          line: row.line,
          message: "has \(row.cells.count) cells where the header has \(header.count); give every row as many"
        )
      }
      rows.append(row)
    }
    self.rows = rows
  }
}

/// Walks the bytes of a table, a row at a time.
private struct CSVReader {
  private let text: [UInt8]
  private var position: Int
  private var line = 1

  init(_ text: [UInt8]) {
    self.text = text
    // A byte order mark, as spreadsheets write it.
    position = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  mutating func next() throws(CSVTable.Fault) -> CSVTable.Row? {
    guard position < text.count else { return nil }
    let start = line
    var cells: [String] = []
    while true {
      let (cell, ended) = try cell(start)
      cells.append(cell)
      if ended { return CSVTable.Row(line: start, cells: cells) }
    }
  }

  /// One cell, and whether the row ends with it.
  private mutating func cell(_ start: Int) throws(CSVTable.Fault) -> (String, Bool) {
    var bytes: [UInt8] = []
    if position < text.count, text[position] == 0x22 {
      position += 1
      try quoted(into: &bytes, start)
    }
    while position < text.count {
      let byte = text[position]
      position += 1
      if byte == 0x2C { return (try string(bytes, start), false) }
      if byte == 0x0A {
        line += 1
        if bytes.last == 0x0D { bytes.removeLast() }
        return (try string(bytes, start), true)
      }
      bytes.append(byte)
    }
    return (try string(bytes, start), true)
  }

  private mutating func quoted(into bytes: inout [UInt8], _ start: Int) throws(CSVTable.Fault) {
    while position < text.count {
      let byte = text[position]
      position += 1
      if byte == 0x22 {
        guard position < text.count, text[position] == 0x22 else { return }
        position += 1
      } else if byte == 0x0A {
        line += 1
      }
      bytes.append(byte)
    }
    throw CSVTable.Fault(
      line: start, message: "a quote is opened and never closed; close it, or double it to mean itself")
  }

  private func string(_ bytes: [UInt8], _ start: Int) throws(CSVTable.Fault) -> String {
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw CSVTable.Fault(line: start, message: "is not UTF-8 text; save it as UTF-8")
    }
    return text
  }
}
