import Glibc

/// Reads what most JSON is, ours always: objects and arrays of ASCII, escapes of one letter, integers of at most 18 digits. jansson
/// takes bytes one by one, and JSON is a good part of a program's start. Whatever else a text holds, right or wrong, is nil here
/// and jansson's to read or to refuse, so that there is one word on what JSON is.
package struct PlainJSON {
  private let bytes: UnsafeRawBufferPointer
  private var at = 0
  /// Levels of brackets that may still open.
  private var left: Int

  private init(_ bytes: UnsafeRawBufferPointer, _ maximumDepth: Int) {
    self.bytes = bytes
    left = maximumDepth
  }

  /// The value that the whole text is, as jansson would give it; nil where that is for jansson to say.
  package static func value(of bytes: UnsafeRawBufferPointer, maximumDepth: Int) -> JSONValue? {
    guard let first = bytes.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
      return nil
    }
    var reader = PlainJSON(bytes, maximumDepth)
    // (A conditional with `nil` would be JSON's null, which is a value.)
    guard let value = reader.value(), reader.next() == nil else { return nil }
    return value
  }

  /// The next byte that is no white space, which stays; nil at the end.
  private mutating func next() -> UInt8? {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x0A, 0x0D, 0x09: at += 1
      case let byte: return byte
      }
    }
    return nil
  }

  /// Whether the next byte that is no white space is this one; then it is behind.
  private mutating func take(_ byte: UInt8) -> Bool {
    guard next() == byte else { return false }
    at += 1
    return true
  }

  private mutating func value() -> JSONValue? {
    switch next() {
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "{"): return object()
    case UInt8(ascii: "["): return array()
    case UInt8(ascii: "t"): return word("true", .bool(true))
    case UInt8(ascii: "f"): return word("false", .bool(false))
    case UInt8(ascii: "n"): return word("null", .null)
    default: return number()
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) -> JSONValue? {
    let end = at + word.utf8CodeUnitCount
    guard end <= bytes.count, memcmp(bytes.baseAddress! + at, word.utf8Start, end - at) == 0 else {
      return nil
    }
    at = end
    return value
  }

  private mutating func object() -> JSONValue? {
    guard left > 0 else { return nil }
    left -= 1
    at += 1
    var object = JSONObject()
    if !take(UInt8(ascii: "}")) {
      repeat {
        guard next() == UInt8(ascii: "\""), let key = string(), take(UInt8(ascii: ":")), let value = value(),
          object.appendNew(key, value)
        else { return nil }
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { return nil }
    }
    left += 1
    return .object(object)
  }

  private mutating func array() -> JSONValue? {
    guard left > 0 else { return nil }
    left -= 1
    at += 1
    var elements: [JSONValue] = []
    if !take(UInt8(ascii: "]")) {
      elements.reserveCapacity(4)
      repeat {
        guard let value = value() else { return nil }
        elements.append(value)
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "]")) else { return nil }
    }
    left += 1
    return .array(elements)
  }

  private mutating func string() -> String? {
    at += 1
    let begin = at
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        at += 1
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[begin..<at - 1]), as: UTF8.self)
      case UInt8(ascii: "\\"): return escaped(from: begin)
      case 0x20...0x7E: at += 1
      default: return nil
      }
    }
    return nil
  }

  /// The same from the first escape on.
  private mutating func escaped(from begin: Int) -> String? {
    var text: [UInt8] = []
    // A text with one escape is mostly JSON within JSON: nearly all of what is left.
    text.reserveCapacity(at - begin + 64)
    text.append(contentsOf: bytes[begin..<at])
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard at < bytes.count, let meant = Self.meant(by: bytes[at]) else { return nil }
        text.append(meant)
        at += 1
      case 0x20...0x7E: text.append(byte)
      default: return nil
      }
    }
    return nil
  }

  /// What stands for a byte behind a backslash.
  private static func meant(by letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
  }

  /// Passes digits; how many there were.
  private mutating func digits() -> Int {
    let begin = at
    while at < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[at] { at += 1 }
    return at - begin
  }

  private mutating func number() -> JSONValue? {
    let begin = at
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") { at += 1 }
    let first = at
    let whole = digits()
    guard whole > 0, whole <= 18, whole == 1 || bytes[first] != UInt8(ascii: "0"), at < bytes.count else {
      return nil
    }
    let isReal = [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[at])
    guard isReal else {
      let size = bytes[first..<at].reduce(0 as Int64) { 10 * $0 + Int64($1 - UInt8(ascii: "0")) }
      return .integer(first == begin ? size : -size)
    }
    if bytes[at] == UInt8(ascii: ".") {
      at += 1
      guard digits() > 0, at < bytes.count else { return nil }
    }
    if bytes[at] == UInt8(ascii: "e") || bytes[at] == UInt8(ascii: "E") {
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
      guard digits() > 0, at < bytes.count else { return nil }
    }
    // It ends where the number does, since a byte follows that belongs to none.
    let real = strtod((bytes.baseAddress! + begin).assumingMemoryBound(to: CChar.self), nil)
    guard real.isFinite else { return nil }
    return .real(real)
  }
}
