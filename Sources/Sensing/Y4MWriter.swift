import Glibc
import Linux
import Vocabulary

/// Writes a YUV4MPEG2 file of full range: grey as `Cmono`, RGB as `C444`.
package struct Y4MWriter: ~Copyable {
  private let file: Descriptor
  private let path: String
  private let width: Int
  private let height: Int
  private let channels: Int
  /// The newest frame with its line, as it stands in the file.
  private var frame: [UInt8]
  private let start = Array("FRAME\n".utf8)
  package private(set) var count = 0

  /// Makes the file, for its owner alone, for pictures like this one.
  /// - Throws: `EEXIST` where there is one.
  package init(path: String, like picture: PixelView, rate: FrameRate) throws(LinuxError) {
    let colour = picture.channels == 1 ? "mono" : "444"
    let line =
      "YUV4MPEG2 W\(picture.width) H\(picture.height) F\(rate.frames):\(rate.seconds) Ip A1:1 C\(colour) XCOLORRANGE=FULL\n"
    // The line first: a value that throws must not be half there.
    let file = try Descriptor.open(path, O_CREAT | O_EXCL | O_WRONLY, mode: 0o600)
    try file.writeAll(Array(line.utf8), path)
    self.file = file
    self.path = path
    width = picture.width
    height = picture.height
    channels = picture.channels
    frame = start + [UInt8](repeating: 0, count: width * height * channels)
  }

  /// Makes this the picture that `write` writes. False where it has another size than the first, and is not taken.
  package mutating func take(_ picture: PixelView) -> Bool {
    guard picture.width == width, picture.height == height, picture.channels == channels else { return false }
    let pixels = UnsafeBufferPointer(start: picture.base, count: width * height * channels)
    if channels == 1 {
      for place in pixels.indices { frame[start.count + place] = pixels[place] }
    } else {
      separate(pixels)
    }
    return true
  }

  /// Writes the picture that was taken last, so many times.
  package mutating func write(times: Int) throws(LinuxError) {
    for _ in 0..<max(0, times) {
      try file.writeAll(frame, path)
      count += 1
    }
  }

  /// RGB to three planes, full range, after ITU-R BT.601 in 16.16 fixed point.
  private mutating func separate(_ pixels: UnsafeBufferPointer<UInt8>) {
    let plane = width * height
    for place in 0..<plane {
      let (r, g, b) = (Int(pixels[3 * place]), Int(pixels[3 * place + 1]), Int(pixels[3 * place + 2]))
      let y = 19_595 * r + 38_470 * g + 7_471 * b
      let u = -11_059 * r - 21_709 * g + 32_768 * b
      let v = 32_768 * r - 27_439 * g - 5_329 * b
      frame[start.count + place] = UInt8((y + 32_768) >> 16)
      frame[start.count + plane + place] = UInt8(max(0, min(255, 128 + (u + 32_768) >> 16)))
      frame[start.count + 2 * plane + place] = UInt8(max(0, min(255, 128 + (v + 32_768) >> 16)))
    }
  }
}
