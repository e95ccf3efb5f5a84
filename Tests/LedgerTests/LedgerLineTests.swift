import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger

/// What is looked up in a record's bytes, held against the tree.
@Suite struct LedgerLineTests {
  private static let keys: [StaticString] = [
    "type", "seq", "t_boot_ns", "t_utc", "modality", "to", "awake_ns", "number", "count", "label", "exit",
    "prev",
    "nowhere", "a",
  ]

  private func compare(_ bytes: [UInt8], _ record: inout LedgerLine) throws {
    try bytes.withUnsafeBytes { line in
      let tree = (try? JSONValue.parse(line, maximumBytes: LineReader.maximumLine)).map { JSONPlace($0) }
      let text = String(decoding: bytes, as: UTF8.self)
      try #require(record.read(line) == (tree != nil), "\(text)")
      guard let tree else { return }
      for key in Self.keys {
        try #require(record.text(key) == (try? tree.optional("\(key)")?.string()), "\(key) of \(text)")
        try #require(record.number(key) == (try? tree.optional("\(key)")?.integer()), "\(key) of \(text)")
      }
      try #require(record.tree.value == tree.value, "\(text)")
    }
  }

  @Test func bytesAndTreeTellTheSame() throws {
    let directory = TemporaryDirectory()
    try writeMixed(40, in: directory, options: eager(segmentBytes: 1 << 20))
    var records: [[UInt8]] = []
    for segment in try Segment.list(in: directory.path) { records += try lines(of: segment) }
    var line = LedgerLine()
    for record in records { try compare(record, &line) }
    for text in [
      "", "{}", "[]", "null", "{\"a\":1}", "{\"a\":-0}", "{\"a\":1.0}", "{\"a\":1e3}", "{\"a\":01}",
      "{\"a\":1,\"a\":2}",
      "{\"a\":\"1\"}", "{\"a\":\"\\u0041\"}", "{\"a\":\"é\"}", "{\"a\":null}", "{\"a\":[1,2]}",
      "{\"a\":9223372036854775807}",
      "{\"a\":9223372036854775808}", "{\"a\":-9223372036854775808}", "{\"a\":{\"type\":\"x\"}}", "{\"a\":1}x",
      "{\"a\":1", "{\"a\":\"",
      "{" + (0..<80).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + ",\"a\":5}",
    ] { try compare(Array(text.utf8), &line) }
    var random = SeededGenerator(state: 5)
    for _ in 0..<20_000 {
      var record = records.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 1...3, using: &random) where !record.isEmpty {
        let place = Int.random(in: 0..<record.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: record[place] = UInt8.random(in: 0...255, using: &random)
        case 1: record[place] = Array("{}[]\",:0123456789.-eE\\ ntf".utf8).randomElement(using: &random)!
        case 2:
          record.removeSubrange(place..<min(record.count, place + Int.random(in: 1...40, using: &random)))
        default: record.insert(record[place], at: place)
        }
      }
      try compare(record, &line)
    }
  }
}
