/// An unsigned integer of at most 1,152 bits kept in place: enough for every number that printing a double meets
/// (2^1077 x 10 at most).
struct WideInteger {
  private var words = InlineArray<36, UInt32>(repeating: 0)
  /// Words in use; the highest of them is not 0.
  private var used = 0

  init(_ value: UInt64) {
    words[0] = UInt32(truncatingIfNeeded: value)
    words[1] = UInt32(truncatingIfNeeded: value >> 32)
    used = words[1] != 0 ? 2 : (words[0] != 0 ? 1 : 0)
  }

  mutating func shiftLeft(_ bits: Int) {
    guard used > 0, bits > 0 else { return }
    let whole = bits / 32
    let part = UInt64(bits % 32)
    let last = used + whole
    for index in stride(from: last, through: 0, by: -1) {
      let source = index - whole
      let high: UInt64 = source >= 0 && source < used ? UInt64(words[source]) : 0
      let low: UInt64 = source >= 1 ? UInt64(words[source - 1]) : 0
      let word = (high << part) | (low << part) >> 32
      // The top word may be one more than there is room for only when it is 0.
      if index < words.count { words[index] = UInt32(truncatingIfNeeded: word) }
    }
    used = min(last + 1, words.count)
    while used > 0 && words[used - 1] == 0 { used -= 1 }
  }

  mutating func multiply(by factor: UInt32) {
    var carry: UInt64 = 0
    for index in 0..<used {
      carry += UInt64(words[index]) * UInt64(factor)
      words[index] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    if carry > 0 {
      words[used] = UInt32(carry)
      used += 1
    }
  }

  mutating func add(_ other: WideInteger) {
    var carry: UInt64 = 0
    let count = max(used, other.used)
    for index in 0..<count {
      carry += UInt64(words[index]) + UInt64(other.words[index])
      words[index] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    used = count
    if carry > 0 {
      words[used] = UInt32(carry)
      used += 1
    }
  }

  /// - Precondition: `other` is not larger.
  mutating func subtract(_ other: WideInteger) {
    var borrow: Int64 = 0
    for index in 0..<used {
      let difference = Int64(words[index]) - Int64(other.words[index]) - borrow
      words[index] = UInt32(truncatingIfNeeded: difference)
      borrow = difference < 0 ? 1 : 0
    }
    while used > 0 && words[used - 1] == 0 { used -= 1 }
  }

  /// -1, 0 or 1 for less, equal, more.
  func compare(_ other: WideInteger) -> Int {
    if used != other.used { return used < other.used ? -1 : 1 }
    for index in stride(from: used - 1, through: 0, by: -1) where words[index] != other.words[index] {
      return words[index] < other.words[index] ? -1 : 1
    }
    return 0
  }
}
