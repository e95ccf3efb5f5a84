/// Writes JSON into memory that is allocated once. Nothing allocates after `init`: made to be kept and `reset`
/// for every record. It never grows; what does not fit is dropped and `overflowed` says so.
package struct JSONWriter: ~Copyable {
  private let buffer: UnsafeMutableRawBufferPointer
  package private(set) var count = 0
  /// Something did not fit: the bytes are no JSON text and must not be used.
  package private(set) var overflowed = false
  /// Open objects and arrays; at most `maximumDepth`.
  package private(set) var depth = 0
  /// Bit d: something already stands at depth d, so a comma comes first.
  private var occupied: UInt64 = 0
  private var afterKey = false

  package static let maximumDepth = 63

  package init(capacity: Int) {
    buffer = .allocate(byteCount: max(capacity, 1), alignment: 1)
  }

  deinit { buffer.deallocate() }

  package var capacity: Int { buffer.count }

  /// Back to nothing written.
  package mutating func reset() {
    count = 0
    overflowed = false
    depth = 0
    occupied = 0
    afterKey = false
  }

  /// What was written so far, for the duration of the call.
  package borrowing func withBytes<R: ~Copyable, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }

  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  package mutating func key(_ name: StaticString) {
    separate()
    quote(name)
    append(UInt8(ascii: ":"))
    afterKey = true
  }

  package mutating func key(_ name: String) {
    separate()
    quote(name)
    append(UInt8(ascii: ":"))
    afterKey = true
  }

  package mutating func value(_ text: StaticString) {
    separate()
    quote(text)
  }

  package mutating func value(_ text: String) {
    separate()
    quote(text)
  }

  package mutating func value(_ flag: Bool) {
    separate()
    appendLiteral(flag ? "true" : "false")
  }

  package mutating func value(_ number: Int64) {
    separate()
    if number < 0 { append(UInt8(ascii: "-")) }
    appendDecimal(number.magnitude)
  }

  package mutating func value(_ number: Int) { value(Int64(number)) }

  /// Beyond `Int64.max` it is still JSON, but `JSONValue.parse` refuses it.
  package mutating func value(_ number: UInt64) {
    separate()
    appendDecimal(number)
  }

  /// The shortest digits that read back as the same number; null for NaN and the infinities.
  package mutating func value(_ number: Double) {
    separate()
    guard number.isFinite else { return appendLiteral("null") }
    if number.sign == .minus { append(UInt8(ascii: "-")) }
    guard number != 0 else { return appendLiteral("0.0") }
    append(ShortestDecimal(number.magnitude))
  }

  package mutating func value(_ number: Float) {
    separate()
    guard number.isFinite else { return appendLiteral("null") }
    if number.sign == .minus { append(UInt8(ascii: "-")) }
    guard number != 0 else { return appendLiteral("0.0") }
    append(ShortestDecimal(number.magnitude))
  }

  package mutating func null() {
    separate()
    appendLiteral("null")
  }

  /// One byte outside all values: the end of a line or of a Varlink message.
  package mutating func terminate(with byte: UInt8) {
    precondition(depth == 0, "a text ends when everything is closed")
    append(byte)
    occupied = 0
  }

  /// One whole JSON value that was written before; it is not checked.
  package mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    separate()
    for byte in bytes { append(byte) }
  }
}

extension JSONWriter {
  fileprivate mutating func open(_ bracket: UInt8) {
    precondition(depth < Self.maximumDepth, "JSON nested too deep")
    separate()
    append(bracket)
    depth += 1
    occupied &= ~(1 << UInt64(depth))
  }

  fileprivate mutating func close(_ bracket: UInt8) {
    precondition(depth > 0 && !afterKey, "nothing to close, or a key without a value")
    depth -= 1
    append(bracket)
  }

  /// The comma before an element or a key; nothing before a value that follows its key.
  fileprivate mutating func separate() {
    if afterKey {
      afterKey = false
      return
    }
    let bit: UInt64 = 1 << UInt64(depth)
    if occupied & bit != 0 && depth > 0 { append(UInt8(ascii: ",")) }
    occupied |= bit
  }

  fileprivate mutating func append(_ byte: UInt8) {
    guard count < buffer.count else {
      overflowed = true
      return
    }
    buffer[count] = byte
    count += 1
  }

  fileprivate mutating func appendLiteral(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { append(text.utf8Start[index]) }
  }

  fileprivate mutating func appendDecimal(_ number: UInt64) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var rest = number
    var first = 20
    repeat {
      first -= 1
      digits[first] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    } while rest > 0
    for index in first..<20 { append(digits[index]) }
  }

  /// 1.0, 0.001 and 123456.5 plainly; below 1e-5 and from 1e16 with an exponent. Always a real, never an integer.
  fileprivate mutating func append(_ decimal: ShortestDecimal) {
    let zero = UInt8(ascii: "0")
    let point = decimal.exponent
    if point > 16 || point < -4 {
      append(zero + decimal.digits[0])
      append(UInt8(ascii: "."))
      if decimal.count == 1 { append(zero) }
      for index in 1..<max(decimal.count, 1) { append(zero + decimal.digits[index]) }
      append(UInt8(ascii: "e"))
      if point < 1 { append(UInt8(ascii: "-")) }
      appendDecimal(UInt64((point - 1).magnitude))
      return
    }
    if point <= 0 {
      appendLiteral("0.")
      for _ in 0..<(-point) { append(zero) }
    }
    for index in 0..<decimal.count {
      if index == point && point > 0 { append(UInt8(ascii: ".")) }
      append(zero + decimal.digits[index])
    }
    if point >= decimal.count {
      for _ in decimal.count..<point { append(zero) }
      appendLiteral(".0")
    }
  }

  fileprivate mutating func quote(_ text: StaticString) {
    append(UInt8(ascii: "\""))
    for index in 0..<text.utf8CodeUnitCount { appendEscaped(text.utf8Start[index]) }
    append(UInt8(ascii: "\""))
  }

  fileprivate mutating func quote(_ text: String) {
    append(UInt8(ascii: "\""))
    for byte in text.utf8 { appendEscaped(byte) }
    append(UInt8(ascii: "\""))
  }

  fileprivate mutating func appendEscaped(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): appendLiteral("\\\"")
    case UInt8(ascii: "\\"): appendLiteral("\\\\")
    case UInt8(ascii: "\n"): appendLiteral("\\n")
    case UInt8(ascii: "\r"): appendLiteral("\\r")
    case UInt8(ascii: "\t"): appendLiteral("\\t")
    case 0..<0x20:
      let hex: StaticString = "0123456789abcdef"
      appendLiteral("\\u00")
      append(hex.utf8Start[Int(byte >> 4)])
      append(hex.utf8Start[Int(byte & 15)])
    default: append(byte)
    }
  }
}
