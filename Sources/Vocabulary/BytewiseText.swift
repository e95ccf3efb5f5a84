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
