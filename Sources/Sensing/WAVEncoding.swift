/// How a WAV file holds a sample, and what it is in 16 bits: integers lose their lowest bits, 8-bit ones gain eight
/// zeros, numbers in -1...1 are scaled by 32,768, rounded and held to the range. What is no number is silence.
/// The Python tools convert the same way (`mmexit_tools`, sounds).
enum WAVEncoding: Sendable {
  case unsigned8, signed16, signed24, signed32, float32, float64

  /// Bytes of one sample of one channel.
  var width: Int {
    switch self {
    case .unsigned8: 1
    case .signed16: 2
    case .signed24: 3
    case .signed32, .float32: 4
    case .float64: 8
    }
  }

  /// - Parameters:
  ///   - tag: `wFormatTag`, or the subformat's of the extensible form.
  ///   - container: bytes a sample. Integers of fewer bits than their container fill it from the top.
  init?(tag: Int, container: Int) {
    switch (tag, container) {
    case (1, 1): self = .unsigned8
    case (1, 2): self = .signed16
    case (1, 3): self = .signed24
    case (1, 4): self = .signed32
    case (3, 4): self = .float32
    case (3, 8): self = .float64
    default: return nil
    }
  }

  /// The sample that begins at `offset`, in 16 bits.
  func sample(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int16 {
    switch self {
    case .unsigned8: Int16(Int(bytes[offset]) - 128) << 8
    case .signed16: word(bytes, offset)
    case .signed24: word(bytes, offset + 1)
    case .signed32: word(bytes, offset + 2)
    case .float32:
      Self.scaled(
        Double(
          Float(
            bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))))
    case .float64:
      Self.scaled(
        Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      )
    }
  }

  private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int16 {
    Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self))
  }

  private static func scaled(_ value: Double) -> Int16 {
    guard value.isFinite else { return value > 0 ? .max : value < 0 ? .min : 0 }
    return Int16(max(-32_768, min(32_767, (value * 32_768).rounded(.toNearestOrEven))))
  }
}
