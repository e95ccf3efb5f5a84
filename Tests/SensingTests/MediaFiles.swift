/// Byte-exact small media files, written out by hand here so that the readers are held against the formats.
enum MediaFiles {
  static func little16(_ n: Int) -> [UInt8] { [UInt8(n & 255), UInt8(n >> 8 & 255)] }
  static func little32(_ n: Int) -> [UInt8] { little16(n) + little16(n >> 16) }
  static func chunk(_ name: String, _ body: [UInt8], size: Int? = nil) -> [UInt8] {
    Array(name.utf8) + little32(size ?? body.count) + body + (body.count % 2 == 1 ? [0] : [])
  }

  static func format(
    tag: Int = 1, channels: Int = 1, rate: Int = 16_000, bits: Int = 16, block: Int? = nil
  ) -> [UInt8] {
    let block = block ?? channels * bits / 8
    return little16(tag) + little16(channels) + little32(rate) + little32(rate * block) + little16(block)
      + little16(bits)
  }

  /// WAVE_FORMAT_EXTENSIBLE around the encoding `subformat`.
  static func extensible(subformat: Int, channels: Int, rate: Int, bits: Int = 16) -> [UInt8] {
    format(tag: 0xFFFE, channels: channels, rate: rate, bits: bits) + little16(22) + little16(bits)
      + little32(3)
      + little16(subformat) + [0, 0, 0, 0, 16, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]
  }

  static func riff(_ chunks: [UInt8], name: String = "RIFF", size: Int? = nil) -> [UInt8] {
    Array(name.utf8) + little32(size ?? 4 + chunks.count) + Array("WAVE".utf8) + chunks
  }

  static func samples(_ values: [Int16]) -> [UInt8] { values.flatMap { little16(Int($0)) } }

  static func wav(_ values: [Int16], rate: Int = 16_000, channels: Int = 1) -> [UInt8] {
    riff(chunk("fmt ", format(channels: channels, rate: rate)) + chunk("data", samples(values)))
  }

  /// Each frame: the bytes of its planes.
  static func y4m(_ header: String, frames: [[UInt8]], frameHeader: String = "FRAME") -> [UInt8] {
    Array("YUV4MPEG2 \(header)\n".utf8) + frames.flatMap { Array("\(frameHeader)\n".utf8) + $0 }
  }
}

/// A generator whose numbers are the same on every run.
struct FixedRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {  // SplitMix64
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// One to eight random changes: bytes set, cut off, doubled, or interesting numbers put in.
  mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...8, using: &self) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &self)
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &self)
      case 1: bytes.removeLast(bytes.count - at)
      case 2: bytes.insert(contentsOf: bytes[at..<min(at + 8, bytes.count)], at: at)
      case 3: for i in at..<min(at + 4, bytes.count) { bytes[i] = 0xFF }
      case 4: for i in at..<min(at + 4, bytes.count) { bytes[i] = UInt8(ascii: "9") }
      default: bytes[at] = [0, 1, 10, 32, 0x7F, 0x80].randomElement(using: &self)!
      }
    }
    return bytes
  }
}
