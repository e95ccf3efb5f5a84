import JSON

/// One line of a ledger, for whoever looks at records and checks none. What stands at its top is looked up in its bytes
/// where it looks as the daemon writes it; any other goes by the tree. Both tell the same.
package struct LedgerLine: ~Copyable {
  private typealias Text = PlainScanner.Text

  private struct Member {
    var key: Text
    var value: Text
  }

  /// The daemon's records have some 30 at the most.
  private static let maximumMembers = 64

  private var scanner = PlainScanner()
  private var isPlain = false
  private var count = 0
  private let members = UnsafeMutablePointer<Member>.allocate(capacity: maximumMembers)
  private var line = UnsafeRawBufferPointer(start: nil, count: 0)
  private var parsed: JSONPlace?

  init() {
    let empty = Text(start: 0, count: 0)
    members.initialize(repeating: Member(key: empty, value: empty), count: Self.maximumMembers)
  }

  deinit { members.deallocate() }

  /// - Parameter line: has to stay where it is until the next one is read.
  /// - Returns: whether it is JSON.
  mutating func read(_ line: UnsafeRawBufferPointer) -> Bool {
    self.line = line
    parsed = nil
    isPlain = scan(line)
    if !isPlain { parsed = parse() }
    return isPlain || parsed != nil
  }

  private mutating func scan(_ line: UnsafeRawBufferPointer) -> Bool {
    scanner.begin(line)
    count = 0
    guard scanner.take("{") else { return false }
    var object = scanner.open()
    repeat {
      guard count < Self.maximumMembers, let key = scanner.key(&object) else { return false }
      let start = scanner.at
      guard scanner.skip() else { return false }
      members[count] = Member(key: key, value: Text(start: start, count: scanner.at - start))
      count += 1
    } while scanner.take(",")
    return scanner.take("}") && scanner.isAtEnd
  }

  private func parse() -> JSONPlace? {
    (try? JSONValue.parse(line, maximumBytes: LineReader.maximumLine)).map { JSONPlace($0) }
  }

  /// All of it. Costs some 20 times what a look at the bytes does.
  package var tree: JSONPlace { parsed ?? parse() ?? JSONPlace(.null) }

  /// A member's bytes as they stand there, quotes and all; nil where there is none, or the line goes by the tree.
  private func value(_ key: StaticString) -> UnsafeRawBufferPointer? {
    for index in 0..<count where scanner.matches(members[index].key, key) {
      let value = members[index].value
      return UnsafeRawBufferPointer(rebasing: line[value.start..<(value.start + value.count)])
    }
    return nil
  }

  /// Calls `body` with a text's bytes; nil for what is not there, or is no text.
  package func withText<Result>(
    _ key: StaticString, _ body: (UnsafeRawBufferPointer) -> Result?
  ) -> Result? {
    guard isPlain else {
      guard var text = try? tree.optional("\(key)")?.string() else { return nil }
      return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
    guard let value = value(key), value.first == UInt8(ascii: "\"") else { return nil }
    return body(UnsafeRawBufferPointer(rebasing: value.dropFirst().dropLast()))
  }

  /// Nil for what is not there, or is no text.
  package func text(_ key: StaticString) -> String? {
    withText(key) { String(decoding: $0, as: UTF8.self) }
  }

  /// Nil for what is not there, or is no integer.
  package func number(_ key: StaticString) -> Int64? {
    guard isPlain else { return try? tree.optional("\(key)")?.integer() }
    guard let value = value(key), let first = value.first, first != UInt8(ascii: "\"") else { return nil }
    return Int64(String(decoding: value, as: UTF8.self))
  }
}
