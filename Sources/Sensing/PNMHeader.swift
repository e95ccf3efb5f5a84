/// What a netpbm header says of the pixels behind it; nothing of it is checked but that it is there.
struct PNMLayout {
  let width: Int
  let height: Int
  /// 1 (grey) or 3 (RGB), without the one for transparency.
  let channels: Int
  let hasAlpha: Bool
  /// The sample that means full brightness; above 255 samples have two bytes, the higher first.
  let largest: Int
  /// Of the first sample, in bytes from the file's beginning.
  let start: Int
}

/// Walks the words and comments of a PNM header.
struct PNMHeader {
  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func layout(_ bytes: [UInt8], path: String) throws(SensingError) -> PNMLayout {
    var header = PNMHeader(bytes)
    let channels = try header.channels(path: path)
    guard let width = header.number(), let height = header.number(), let largest = header.number(),
      header.endsInSpace()
    else { throw SensingError(path, .malformed("picture header")) }
    return PNMLayout(
      width: width, height: height, channels: channels, hasAlpha: false, largest: largest,
      start: header.position)
  }

  private mutating func channels(path: String) throws(SensingError) -> Int {
    guard bytes.count >= 2, bytes[0] == UInt8(ascii: "P"), (0x31...0x37).contains(bytes[1]) else {
      throw SensingError(path, .wrongType(expected: "a PGM, PPM or PAM file"))
    }
    position = 2
    switch bytes[1] {
    case UInt8(ascii: "5"): return 1
    case UInt8(ascii: "6"): return 3
    default:
      let kind = String(decoding: bytes[0..<2], as: UTF8.self)
      throw SensingError(path, .unsupported("netpbm's \(kind)", use: "binary PGM (P5), PPM (P6) or PAM (P7)"))
    }
  }

  /// The next number after space and comments; nil where there is none or it is absurd.
  private mutating func number() -> Int? {
    guard position < bytes.count, Self.isSpace(bytes[position]) || bytes[position] == UInt8(ascii: "#") else {
      return nil
    }
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "#") {
        while position < bytes.count && bytes[position] != 10 { position += 1 }
      } else if Self.isSpace(bytes[position]) {
        position += 1
      } else {
        break
      }
    }
    var value = 0
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]), position - start < 9 {
      value = 10 * value + Int(bytes[position] - 0x30)
      position += 1
    }
    return position == start ? nil : value
  }

  /// Exactly one space stands between the header and the pixels.
  private mutating func endsInSpace() -> Bool {
    guard position < bytes.count, Self.isSpace(bytes[position]) else { return false }
    position += 1
    return true
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
