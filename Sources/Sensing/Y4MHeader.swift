/// The first line of a YUV4MPEG2 file (yuv4mpeg(5) of mjpegtools; `XCOLORRANGE` as FFmpeg writes it).
struct Y4MHeader {
  let layout: PixelLayout
  let frameRate: FrameRate
  /// Bytes of the line with its newline.
  let length: Int

  /// - Parameter start: the file's first bytes.
  init(_ start: [UInt8], path: String) throws(SensingError) {
    guard start.hasText("YUV4MPEG2 ", at: 0) else {
      throw SensingError(path, .wrongType(expected: "a YUV4MPEG2 file"))
    }
    guard let end = start.firstIndex(of: 10) else {
      throw SensingError(path, .malformed("no end of the first line in \(start.count) bytes"))
    }
    length = end + 1
    var width = 0
    var height = 0
    var rate: FrameRate?
    var colour = "420"
    var range: Bool?
    for field in start[0..<end].split(separator: 32).dropFirst() {
      let text = String(decoding: field.dropFirst(), as: UTF8.self)
      switch field.first {
      case UInt8(ascii: "W"): width = Int(text) ?? 0
      case UInt8(ascii: "H"): height = Int(text) ?? 0
      case UInt8(ascii: "F"): rate = Self.frameRate(text)
      case UInt8(ascii: "C"): colour = text
      case UInt8(ascii: "X") where text == "COLORRANGE=FULL": range = true
      case UInt8(ascii: "X") where text == "COLORRANGE=LIMITED": range = false
      case UInt8(ascii: "X") where text.hasPrefix("COLORRANGE="):
        throw SensingError(
          path, .unsupported("\(text.prefix(48))", use: "XCOLORRANGE=FULL or LIMITED"))
      case UInt8(ascii: "I") where text != "p" && text != "?":
        guard ["t", "b", "m"].contains(text) else {
          throw SensingError(path, .malformed("interlacing I\(text.prefix(32))"))
        }
        throw SensingError(
          path, .unsupported("interlaced video", use: "progressive video (ffmpeg -vf yadif)"))
      default: break  // Aspect ratio and comments do not matter here.
      }
    }
    let sides = 1...SensingLimits.imageSide
    guard sides.contains(width), sides.contains(height) else {
      throw SensingError(path, .malformed("picture of \(width) x \(height) pixels"))
    }
    guard let rate else { throw SensingError(path, .malformed("no usable frame rate")) }
    frameRate = rate
    layout = try Self.layout(colour, width: width, height: height, fullRange: range, path: path)
  }

  /// "25:1"; nil for 0:0, which means unknown.
  private static func frameRate(_ text: String) -> FrameRate? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let frames = Int(parts[0]), let seconds = Int(parts[1]) else { return nil }
    return FrameRate(frames: frames, seconds: seconds)
  }

  private static func layout(
    _ colour: String, width: Int, height: Int, fullRange: Bool?, path: String
  ) throws(SensingError) -> PixelLayout {
    let shifts: (x: Int, y: Int)
    switch colour {
    case "mono":
      return .grey(width: width, height: height, stride: width, fullRange: fullRange ?? false)
    case "420", "420jpeg", "420mpeg2", "420paldv": shifts = (1, 1)
    case "422": shifts = (1, 0)
    case "444": shifts = (0, 0)
    default:
      throw SensingError(
        path, .unsupported("colour space C\(colour.prefix(32))", use: "8-bit C420jpeg, C422, C444 or Cmono"))
    }
    // Limited where nothing is said: `jpeg` tells where the chroma lies, not the range, and FFmpeg writes it for both.
    return .planar(
      width: width, height: height, stride: width, shiftX: shifts.x, shiftY: shifts.y,
      fullRange: fullRange ?? false)
  }
}
