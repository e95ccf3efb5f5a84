import CKernels

/// Reproducible random numbers (SplitMix64), with a liking for the extremes of int8.
struct Dice {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func int(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(bits() % UInt64(range.count))
  }

  /// In 0..<1.
  mutating func unit() -> Double { Double(bits() >> 11) * 0x1p-53 }

  mutating func float(_ range: ClosedRange<Float>) -> Float {
    Float(Double(range.lowerBound) + unit() * Double(range.upperBound - range.lowerBound))
  }

  /// -128...127; a third of them at an end.
  mutating func activation() -> Int8 {
    switch int(0...5) {
    case 0: -128
    case 1: 127
    default: Int8(int(-128...127))
    }
  }

  /// -127...127, as weights are.
  mutating func weight() -> Int8 { max(-127, activation()) }

  mutating func activations(_ count: Int) -> [Int8] {
    var result: [Int8] = []
    for _ in 0..<count { result.append(activation()) }
    return result
  }

  mutating func weights(_ count: Int) -> [Int8] {
    var result: [Int8] = []
    for _ in 0..<count { result.append(weight()) }
    return result
  }

  mutating func biases(_ count: Int) -> [Int32] {
    var result: [Int32] = []
    for _ in 0..<count { result.append(Int32(int(-20_000...20_000))) }
    return result
  }

  /// A zero point, often at an end.
  mutating func zeroPoint() -> Int32 { Int32(activation()) }

  /// Multipliers that leave some results within int8 and saturate others.
  mutating func multipliers(_ count: Int) -> [Float] {
    var result: [Float] = []
    for _ in 0..<count { result.append(float(0.00005...0.02)) }
    return result
  }
}

/// Runs `body` on room for `count` elements between two rows of sentinels and returns what it wrote; nil when it
/// touched a sentinel.
func written<T: FixedWidthInteger>(_ count: Int, _ body: (UnsafeMutablePointer<T>) -> Void) -> [T]? {
  let margin = 64
  let sentinel = T(truncatingIfNeeded: 0x5A)
  var room = [T](repeating: sentinel, count: count + 2 * margin)
  room.withUnsafeMutableBufferPointer { body($0.baseAddress! + margin) }
  guard room[..<margin].allSatisfy({ $0 == sentinel }) else { return nil }
  guard room[(margin + count)...].allSatisfy({ $0 == sentinel }) else { return nil }
  return Array(room[margin..<(margin + count)])
}

/// The specification's rounding, in the words of Swift's library.
func requantized(
  _ value: Float, zero: Int32, low: Int32 = -128, high: Int32 = 127
) -> Int8 {
  let rounded = value.isNaN ? 0 : Double(value.rounded(.toNearestOrEven))
  return Int8(min(max(rounded + Double(zero), Double(low)), Double(high)))
}

/// FNV-1a of bytes: what the golden tests compare.
func fingerprint(_ bytes: some Sequence<UInt8>) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  return hash
}

func fingerprint(_ values: [Int8]?) -> UInt64 { fingerprint((values ?? []).map(UInt8.init(bitPattern:))) }

func fingerprint(_ values: [Float]) -> UInt64 {
  fingerprint(values.flatMap { v in (0..<4).map { UInt8(truncatingIfNeeded: v.bitPattern >> (8 * $0)) } })
}
