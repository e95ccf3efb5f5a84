import CNettle

/// SHA-256 (FIPS 180-4) of a stream of bytes, by nettle. Holds its state in place; nothing allocates.
package struct SHA256: Sendable {
  private var context = sha256_ctx()

  package init() { nettle_sha256_init(&context) }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    nettle_sha256_update(&context, bytes.count, base.assumingMemoryBound(to: UInt8.self))
  }

  /// The digest of everything since `init` or the last `finish`; the state starts anew.
  package mutating func finish() -> Digest {
    var digest = Digest.zero
    var span = digest.bytes.mutableSpan
    span.withUnsafeMutableBufferPointer { nettle_sha256_digest(&context, $0.count, $0.baseAddress) }
    return digest
  }

  package static func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }
}

/// The 32 bytes of a SHA-256.
package struct Digest: Equatable, Sendable {
  package fileprivate(set) var bytes: InlineArray<32, UInt8>

  /// Its first 64 bits.
  package var prefix: UInt64 {
    var value: UInt64 = 0
    for index in 0..<8 { value = value << 8 | UInt64(bytes[index]) }
    return value
  }

  /// What stands as `prev` in the first record of a ledger.
  package static let zero = Digest(bytes: InlineArray(repeating: 0))

  private init(bytes: InlineArray<32, UInt8>) { self.bytes = bytes }

  /// From 64 lower-case hexadecimal digits; nil for anything else.
  package init?(hex: String) {
    self = .zero
    guard hex.utf8.count == 64 else { return nil }
    for (index, character) in hex.utf8.enumerated() {
      let nibble: UInt8
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): nibble = character - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): nibble = character - UInt8(ascii: "a") + 10
      default: return nil
      }
      bytes[index / 2] = bytes[index / 2] << 4 | nibble
    }
  }

  package static func == (a: Digest, b: Digest) -> Bool {
    for index in 0..<32 where a.bytes[index] != b.bytes[index] { return false }
    return true
  }

  /// 64 lower-case hexadecimal digits.
  package var hex: InlineArray<64, UInt8> {
    var digits = InlineArray<64, UInt8>(repeating: 0)
    var span = digits.mutableSpan
    span.withUnsafeMutableBytes { digits in
      for index in 0..<8 {
        // Four bytes to eight nibbles, each in a byte; letters lie 39 behind where the digits would go on.
        var four = UInt64(bytes[4 * index]) | UInt64(bytes[4 * index + 1]) << 16
        four |= UInt64(bytes[4 * index + 2]) << 32 | UInt64(bytes[4 * index + 3]) << 48
        let nibbles = (four >> 4) & 0x000F_000F_000F_000F | (four & 0x000F_000F_000F_000F) << 8
        let letters = ((nibbles &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        let text = nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39
        digits.storeBytes(of: text.littleEndian, toByteOffset: 8 * index, as: UInt64.self)
      }
    }
    return digits
  }

  /// The same as a string, for the control plane (it allocates).
  package var hexString: String {
    let digits = hex
    return digits.span.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }
}

/// SHA-256 of the bytes as 64 lower-case hexadecimal digits: what records name models and configurations by.
package func sha256Hex(of bytes: [UInt8]) -> String {
  bytes.withUnsafeBytes { SHA256.digest(of: $0).hexString }
}
