/// Text that equals another only byte by byte. `String` takes "é" of one code point and of two for the same text;
/// jansson, file names and the programs at the other end of a socket do not. Every table whose keys come from
/// outside is keyed by this, so that what another reader tells apart cannot meet here.
package struct BytewiseText: Hashable, Comparable, Sendable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  package let text: String

  package init(_ text: String) { self.text = text }
  package init(stringLiteral value: String) { text = value }

  package static func == (a: BytewiseText, b: BytewiseText) -> Bool { a.text.hasSameBytes(as: b.text) }

  /// The order of the bytes, which in UTF-8 is that of the code points.
  package static func < (a: BytewiseText, b: BytewiseText) -> Bool {
    a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    // What stands in no UTF-8 ends it.
    hasher.combine(0xFF as UInt8)
  }

  package var description: String { text }
}

extension String {
  /// Equal byte by byte, and not only to the eye. A model's text is compared some ten thousand times as it is read; what is
  /// written for any `StringProtocol` goes through witness tables for every byte.
  package func hasSameBytes(as other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    var (a, b) = (self, other)
    return a.withUTF8 { a in b.withUTF8 { b in a.elementsEqual(b) } }
  }

  /// Whether this text, words with spaces between, has the word byte by byte. No text has an empty one.
  package func hasWord(_ word: String) -> Bool {
    guard !word.isEmpty else { return false }
    var (list, word) = (self, word)
    return list.withUTF8 { list in
      word.withUTF8 { word in
        var begin = 0
        while begin <= list.count {
          let end = list[begin...].firstIndex(of: UInt8(ascii: " ")) ?? list.count
          if end - begin == word.count && list[begin..<end].elementsEqual(word) { return true }
          begin = end + 1
        }
        return false
      }
    }
  }
}

extension Array where Element == String {
  /// Whether one of them is this text byte by byte.
  package func contains(bytesOf text: String) -> Bool { firstIndex(bytesOf: text) != nil }

  /// The first that is this text byte by byte.
  package func firstIndex(bytesOf text: String) -> Int? { firstIndex { $0.hasSameBytes(as: text) } }
}

extension StringProtocol {
  /// Equal byte by byte, and not only to the eye.
  package func hasSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension Collection where Element: StringProtocol {
  /// Whether one of them is this text byte by byte.
  package func contains(bytesOf text: some StringProtocol) -> Bool {
    contains { $0.hasSameBytes(as: text) }
  }

  /// The first that is this text byte by byte.
  package func firstIndex(bytesOf text: some StringProtocol) -> Index? {
    firstIndex { $0.hasSameBytes(as: text) }
  }
}
