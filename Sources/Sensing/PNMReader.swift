import Linux
import Vocabulary

/// A still picture in memory: 8 bits a sample, full range, rows packed, 1 (grey) or 3 (RGB) channels.
package struct Picture: Hashable, Sendable {
  package let width: Int
  package let height: Int
  package let channels: Int
  package let pixels: [UInt8]

  package func withView<R>(_ body: (PixelView) -> R) -> R {
    pixels.withUnsafeBufferPointer { buffer in
      // Never empty: width and height are at least 1.
      guard let base = buffer.baseAddress else { preconditionFailure("a picture without pixels") }
      return body(PixelView(base: base, width: width, height: height, channels: channels))
    }
  }
}

/// Binary PGM (P5) and PPM (P6), samples of two bytes scaled to one; the first picture of the file (netpbm's pgm(5), ppm(5)).
package enum PNMReader {
  package static func read(path: String) throws(SensingError) -> Picture {
    let bytes = try naming(path) { () throws(LinuxError) in try readFile(path, limit: SensingLimits.stillFile)
    }
    return try decode(bytes, path: path)
  }

  /// - Parameter path: what errors name.
  package static func decode(_ bytes: [UInt8], path: String) throws(SensingError) -> Picture {
    if bytes.isEmpty { throw SensingError(path, .empty) }
    var header = PNMHeader(bytes)
    let channels = try header.channels(path: path)
    guard let width = header.number(), let height = header.number(), let largest = header.number(),
      header.endsInSpace()
    else { throw SensingError(path, .malformed("picture header")) }
    let sides = 1...SensingLimits.imageSide
    guard sides.contains(width), sides.contains(height) else {
      throw SensingError(path, .malformed("picture of \(width) x \(height) pixels"))
    }
    guard (1...65_535).contains(largest) else {
      throw SensingError(path, .malformed("largest value \(largest)"))
    }
    let count = width * height * channels
    let size = largest > 255 ? 2 * count : count
    guard bytes.count - header.position >= size else {
      throw SensingError(path, .truncated(promised: header.position + size, found: bytes.count))
    }
    var pixels = Array(bytes[header.position..<header.position + count])
    if largest != 255 {
      for i in pixels.indices {
        let place = header.position + 2 * i
        let value = largest > 255 ? Int(bytes[place]) << 8 | Int(bytes[place + 1]) : Int(pixels[i])
        pixels[i] = UInt8((min(value, largest) * 255 + largest / 2) / largest)
      }
    }
    return Picture(width: width, height: height, channels: channels, pixels: pixels)
  }
}

/// Walks the words and comments of a PNM header.
private struct PNMHeader {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func channels(path: String) throws(SensingError) -> Int {
    guard bytes.count >= 2, bytes[0] == UInt8(ascii: "P"), (0x31...0x37).contains(bytes[1]) else {
      throw SensingError(path, .wrongType(expected: "a PGM or PPM file"))
    }
    position = 2
    switch bytes[1] {
    case UInt8(ascii: "5"): return 1
    case UInt8(ascii: "6"): return 3
    default:
      let kind = String(decoding: bytes[0..<2], as: UTF8.self)
      throw SensingError(path, .unsupported("netpbm's \(kind)", use: "binary PGM (P5) or PPM (P6)"))
    }
  }

  /// The next number after space and comments; nil where there is none or it is absurd.
  mutating func number() -> Int? {
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
  mutating func endsInSpace() -> Bool {
    guard position < bytes.count, Self.isSpace(bytes[position]) else { return false }
    position += 1
    return true
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
