import Glibc

/// Walks over one line of JSON that looks as the daemon writes it: no white space, no escapes, ASCII only, numbers of
/// few digits, shallow, no key twice in an object. It accepts nothing that `JSONValue.parse` refuses; what it declines may
/// be right all the same, and the tree tells. Nothing allocates per line.
struct PlainScanner: ~Copyable {
  /// Bytes of the line.
  struct Text {
    var start: Int
    var count: Int
  }

  /// The keys of one object so far.
  struct Keys {
    fileprivate let first: Int
    fileprivate var seen: UInt64 = 0
  }

  private static let maximumKeys = 512
  private static let maximumDepth = 8
  private static let maximumNumber = 40

  private(set) var base: UnsafeRawPointer
  private(set) var at = 0
  private(set) var end = 0
  /// Hashes of the keys of all objects that are open.
  private let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: maximumKeys)
  private var keyCount = 0

  init() { base = UnsafeRawPointer(keys) }

  deinit { keys.deallocate() }

  /// - Parameter line: has to stay where it is while it is walked over.
  mutating func begin(_ line: UnsafeRawBufferPointer) {
    base = line.baseAddress ?? UnsafeRawPointer(keys)
    at = 0
    end = line.count
    keyCount = 0
  }

  var isAtEnd: Bool { at == end }

  /// 0 behind the end, which no value begins with.
  @inline(__always) private var peek: UInt8 { at < end ? byte(at) : 0 }

  @inline(__always) private func byte(_ place: Int) -> UInt8 {
    base.load(fromByteOffset: place, as: UInt8.self)
  }

  @inline(__always) private func word(_ place: Int) -> UInt64 {
    UInt64(littleEndian: base.loadUnaligned(fromByteOffset: place, as: UInt64.self))
  }

  @inline(__always) mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    at &+= 1
    return true
  }

  @inline(__always) mutating func take(literal: StaticString) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard end &- at >= count, memcmp(base + at, literal.utf8Start, count) == 0 else { return false }
    at &+= count
    return true
  }

  @inline(__always) func matches(_ text: Text, _ literal: StaticString) -> Bool {
    text.count == literal.utf8CodeUnitCount
      && memcmp(base + text.start, literal.utf8Start, literal.utf8CodeUnitCount) == 0
  }

  /// A string, with its quotes.
  mutating func string() -> Text? {
    guard take("\"") else { return nil }
    let start = at
    let ones: UInt64 = 0x0101_0101_0101_0101
    while at &+ 8 <= end {
      let bytes = word(at)
      let quotes = bytes ^ (0x22 &* ones)
      let slashes = bytes ^ (0x5C &* ones)
      // The top bit of each byte that is a quote, a backslash, a control character or not ASCII; right up to the first.
      let special =
        (bytes | ((bytes &- 0x20 &* ones) & ~bytes) | ((quotes &- ones) & ~quotes)
          | ((slashes &- ones) & ~slashes)) & (0x80 &* ones)
      guard special != 0 else {
        at &+= 8
        continue
      }
      at &+= special.trailingZeroBitCount >> 3
      break
    }
    while at < end {
      let character = byte(at)
      if character == UInt8(ascii: "\"") {
        at &+= 1
        return Text(start: start, count: at &- 1 &- start)
      }
      guard character >= 0x20, character < 0x80, character != UInt8(ascii: "\\") else { return nil }
      at &+= 1
    }
    return nil
  }

  /// An integer of at most 18 digits.
  @inline(__always) mutating func integer() -> Int64? {
    let isNegative = take("-")
    let start = at
    var value: Int64 = 0
    while at < end, case let digit = byte(at) &- UInt8(ascii: "0"), digit < 10 {
      value = value &* 10 &+ Int64(digit)
      at &+= 1
      if at &- start > 18 { return nil }
    }
    guard at > start, at &- start == 1 || byte(start) != UInt8(ascii: "0") else { return nil }
    // A fraction or an exponent would make it another number.
    guard case let next = peek,
      next == UInt8(ascii: ",") || next == UInt8(ascii: "}") || next == UInt8(ascii: "]")
    else { return nil }
    return isNegative ? -value : value
  }

  /// To be called behind the brace of an object.
  @inline(__always) func open() -> Keys { Keys(first: keyCount) }

  /// To be called in front of the brace that closes it.
  @inline(__always) mutating func close(_ object: Keys) { keyCount = object.first }

  /// A key with its colon. Nil also where one with the same hash stands in its object already.
  mutating func key(_ object: inout Keys) -> Text? {
    guard let text = string(), take(":"), keyCount < Self.maximumKeys else { return nil }
    let hash = hash(text)
    let bit: UInt64 = 1 << (hash >> 58)
    if object.seen & bit != 0 {
      var index = object.first
      while index < keyCount {
        if keys[index] == hash { return nil }
        index &+= 1
      }
    }
    object.seen |= bit
    keys[keyCount] = hash
    keyCount &+= 1
    return text
  }

  @inline(__always) func hash(_ text: Text) -> UInt64 {
    var first: UInt64 = 0
    var last: UInt64 = 0
    if text.count >= 8 {
      first = word(text.start)
      last = word(text.start &+ text.count &- 8)
    } else {
      var index = 0
      while index < text.count {
        first |= UInt64(byte(text.start &+ index)) << UInt64(8 &* index)
        index &+= 1
      }
    }
    return plainHash(first, last, text.count)
  }

  /// Any value.
  mutating func skip(depth: Int = 0) -> Bool {
    switch peek {
    case UInt8(ascii: "\""): return string() != nil
    case UInt8(ascii: "{"): return skipObject(depth)
    case UInt8(ascii: "["): return skipArray(depth)
    case UInt8(ascii: "t"): return take(literal: "true")
    case UInt8(ascii: "f"): return take(literal: "false")
    case UInt8(ascii: "n"): return take(literal: "null")
    default: return skipNumber()
    }
  }

  private mutating func skipObject(_ depth: Int) -> Bool {
    at &+= 1
    if take("}") { return true }
    guard depth < Self.maximumDepth else { return false }
    var object = open()
    repeat {
      guard key(&object) != nil, skip(depth: depth &+ 1) else { return false }
    } while take(",")
    close(object)
    return take("}")
  }

  private mutating func skipArray(_ depth: Int) -> Bool {
    at &+= 1
    if take("]") { return true }
    guard depth < Self.maximumDepth else { return false }
    repeat {
      guard skip(depth: depth &+ 1) else { return false }
    } while take(",")
    return take("]")
  }

  @inline(__always) private mutating func digits() -> Int {
    let start = at
    while at < end, byte(at) &- UInt8(ascii: "0") < 10 { at &+= 1 }
    return at &- start
  }

  /// Short enough to be in the range of an Int64, or of a Double.
  private mutating func skipNumber() -> Bool {
    _ = take("-")
    let start = at
    let whole = digits()
    guard whole > 0, whole == 1 || byte(start) != UInt8(ascii: "0") else { return false }
    var isReal = false
    if take(".") {
      isReal = true
      guard digits() > 0 else { return false }
    }
    guard at &- start <= (isReal ? Self.maximumNumber : 18) else { return false }
    if take("e") || take("E") {
      if !take("-") { _ = take("+") }
      guard (1...2).contains(digits()) else { return false }
    }
    return true
  }
}

/// What names and keys are looked up by: of the first 8 bytes, the last 8, and the length.
@inline(__always) func plainHash(_ first: UInt64, _ last: UInt64, _ count: Int) -> UInt64 {
  let mixed =
    (first ^ (last &* 0x9E37_79B9_7F4A_7C15)) &+ UInt64(truncatingIfNeeded: count) &* 0xD6E8_FEB8_6659_FD93
  return (mixed ^ (mixed >> 32)) &* 0xBF58_476D_1CE4_E5B9
}
