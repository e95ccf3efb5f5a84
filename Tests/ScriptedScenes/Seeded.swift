import Vocabulary

/// SplitMix64: the same numbers for the same seed on every machine.
package struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  package init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x2545_F491_4F6C_DD1D }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  package mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
  package mutating func milliseconds(_ range: ClosedRange<Int64>) -> Nanoseconds {
    .milliseconds(.random(in: range, using: &self))
  }
}
