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

/// Binary PGM (P5), PPM (P6) and PAM (P7), samples of two bytes scaled to one; the first picture of the file (netpbm's
/// pgm(5), ppm(5), pam(5)). Transparency that hides nothing is left out, any other refused.
package enum PNMReader {
  package static func read(path: String) throws(SensingError) -> Picture {
    let bytes = try naming(path) { () throws(LinuxError) in try readFile(path, limit: SensingLimits.stillFile)
    }
    return try decode(bytes, path: path)
  }

  /// - Parameter path: what errors name.
  package static func decode(_ bytes: [UInt8], path: String) throws(SensingError) -> Picture {
    if bytes.isEmpty { throw SensingError(path, .empty) }
    let layout =
      bytes.starts(with: PAMHeader.magic)
      ? try PAMHeader.layout(bytes, path: path) : try PNMHeader.layout(bytes, path: path)
    let sides = 1...SensingLimits.imageSide
    guard sides.contains(layout.width), sides.contains(layout.height) else {
      throw SensingError(path, .malformed("picture of \(layout.width) x \(layout.height) pixels"))
    }
    guard (1...65_535).contains(layout.largest) else {
      throw SensingError(path, .malformed("largest value \(layout.largest)"))
    }
    let samples = try samples(bytes, layout, path: path)
    return Picture(
      width: layout.width, height: layout.height, channels: layout.channels,
      pixels: layout.hasAlpha ? try withoutAlpha(samples, layout.channels, path: path) : samples)
  }

  /// All samples, 0...255; those of a pixel stand together.
  private static func samples(_ bytes: [UInt8], _ layout: PNMLayout, path: String) throws(SensingError)
    -> [UInt8]
  {
    let count = layout.width * layout.height * (layout.channels + (layout.hasAlpha ? 1 : 0))
    let largest = layout.largest
    let size = largest > 255 ? 2 * count : count
    guard bytes.count - layout.start >= size else {
      throw SensingError(path, .truncated(promised: layout.start + size, found: bytes.count))
    }
    var samples = Array(bytes[layout.start..<layout.start + count])
    if largest != 255 {
      for i in samples.indices {
        let place = layout.start + 2 * i
        let value = largest > 255 ? Int(bytes[place]) << 8 | Int(bytes[place + 1]) : Int(samples[i])
        samples[i] = UInt8((min(value, largest) * 255 + largest / 2) / largest)
      }
    }
    return samples
  }

  private static func withoutAlpha(_ samples: [UInt8], _ channels: Int, path: String) throws(SensingError)
    -> [UInt8]
  {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(samples.count / (channels + 1) * channels)
    for start in stride(from: 0, to: samples.count, by: channels + 1) {
      guard samples[start + channels] == 255 else {
        throw SensingError(
          path,
          .unsupported(
            "a picture with transparent pixels",
            use: "one on a background (magick IN -background black -flatten OUT)"))
      }
      pixels.append(contentsOf: samples[start..<start + channels])
    }
    return pixels
  }
}
