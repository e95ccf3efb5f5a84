import Vocabulary

/// How the bytes of one picture lie in memory, for every encoding that a camera or a file may send.
struct PixelLayout: Hashable, Sendable {
  /// Sample (x, y) of a plane stands at `offset + (y >> shiftY) * stride + (x >> shiftX) * step`.
  struct Plane: Hashable, Sendable {
    var offset: Int
    var stride: Int
    var step = 1
    var shiftX = 0
    var shiftY = 0
  }

  enum Colour: Hashable, Sendable {
    case grey
    /// Blue and red difference; luma and chroma by ITU-R BT.601.
    case chroma(blue: Plane, red: Plane)
    /// `Plane` of the picture is the red one; green and blue follow in the next two bytes.
    case rgb
  }

  let width: Int
  let height: Int
  /// Luma, or red.
  let luma: Plane
  let colour: Colour
  /// Luma 0...255 instead of 16...235.
  let fullRange: Bool
  /// Bytes from the start of the picture to the end of the last sample that is read.
  let byteCount: Int

  /// - Precondition: extents 1...8192 and strides below 2^31, checked by whoever read them from outside.
  init(width: Int, height: Int, luma: Plane, colour: Colour, fullRange: Bool) {
    self.width = width
    self.height = height
    self.luma = luma
    self.colour = colour
    self.fullRange = fullRange
    func end(_ plane: Plane, extra: Int = 0) -> Int {
      plane.offset + ((height - 1) >> plane.shiftY) * plane.stride + ((width - 1) >> plane.shiftX)
        * plane.step
        + extra + 1
    }
    switch colour {
    case .grey: byteCount = end(luma)
    case .chroma(let blue, let red): byteCount = max(end(luma), end(blue), end(red))
    case .rgb: byteCount = end(luma, extra: 2)
    }
  }

  /// Planes one after another without padding: Y4M, and V4L2's YU12 with `stride == width`.
  static func planar(
    width: Int, height: Int, stride: Int, shiftX: Int, shiftY: Int, fullRange: Bool
  ) -> PixelLayout {
    let chromaStride = (stride + (1 << shiftX) - 1) >> shiftX
    let chromaRows = (height + (1 << shiftY) - 1) >> shiftY
    let blue = Plane(offset: stride * height, stride: chromaStride, shiftX: shiftX, shiftY: shiftY)
    var red = blue
    red.offset += chromaStride * chromaRows
    return PixelLayout(
      width: width, height: height, luma: Plane(offset: 0, stride: stride),
      colour: .chroma(blue: blue, red: red),
      fullRange: fullRange)
  }

  static func grey(width: Int, height: Int, stride: Int, fullRange: Bool) -> PixelLayout {
    PixelLayout(
      width: width, height: height, luma: Plane(offset: 0, stride: stride), colour: .grey,
      fullRange: fullRange)
  }

  static func rgb(width: Int, height: Int, stride: Int) -> PixelLayout {
    PixelLayout(
      width: width, height: height, luma: Plane(offset: 0, stride: stride, step: 3), colour: .rgb,
      fullRange: true)
  }

  /// V4L2's YUYV: two pixels in the four bytes Y0 Cb Y1 Cr.
  static func yuyv(width: Int, height: Int, stride: Int, fullRange: Bool) -> PixelLayout {
    PixelLayout(
      width: width, height: height, luma: Plane(offset: 0, stride: stride, step: 2),
      colour: .chroma(
        blue: Plane(offset: 1, stride: stride, step: 4, shiftX: 1),
        red: Plane(offset: 3, stride: stride, step: 4, shiftX: 1)), fullRange: fullRange)
  }

  /// V4L2's NV12: a luma plane, then a plane of half the rows with Cb and Cr in turn.
  static func nv12(width: Int, height: Int, stride: Int, fullRange: Bool) -> PixelLayout {
    let blue = Plane(offset: stride * height, stride: stride, step: 2, shiftX: 1, shiftY: 1)
    var red = blue
    red.offset += 1
    return PixelLayout(
      width: width, height: height, luma: Plane(offset: 0, stride: stride),
      colour: .chroma(blue: blue, red: red),
      fullRange: fullRange)
  }
}
