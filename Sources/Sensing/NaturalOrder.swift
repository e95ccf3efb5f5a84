/// Names in the order in which people count: digits that stand together are compared as one number, the rest byte by
/// byte, so `frame2` comes before `frame10`. Names that differ in leading zeros alone are told apart by their bytes.
func precedesNaturally(_ a: String, _ b: String) -> Bool {
  let left = Array(a.utf8)
  let right = Array(b.utf8)
  var i = 0
  var j = 0
  while i < left.count && j < right.count {
    if isDigit(left[i]) && isDigit(right[j]) {
      let first = number(in: left, from: &i)
      let second = number(in: right, from: &j)
      // Without leading zeros the longer number is the larger one.
      if first.count != second.count { return first.count < second.count }
      if !first.elementsEqual(second) { return first.lexicographicallyPrecedes(second) }
    } else if left[i] != right[j] {
      return left[i] < right[j]
    } else {
      i += 1
      j += 1
    }
  }
  let restOfLeft = left.count - i
  let restOfRight = right.count - j
  if restOfLeft != restOfRight { return restOfLeft < restOfRight }
  return left.lexicographicallyPrecedes(right)
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

/// The digits from `place` on without leading zeros; `place` moves behind them.
private func number(in bytes: [UInt8], from place: inout Int) -> ArraySlice<UInt8> {
  let start = place
  while place < bytes.count && isDigit(bytes[place]) { place += 1 }
  return bytes[start..<place].drop { $0 == UInt8(ascii: "0") }
}
