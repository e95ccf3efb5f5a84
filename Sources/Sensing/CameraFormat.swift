import CV4L2
import Vocabulary

/// The pixel formats a camera may be asked for, and how their bytes lie.
enum CameraFormat: CaseIterable {
  case grey, yuyv, nv12, yu12, rgb24
  /// A JPEG a picture: MJPG of webcams, JPEG of older ones.
  case mjpg, jpeg

  var fourCC: UInt32 {
    switch self {
    case .grey: mmx_V4L2_PIX_FMT_GREY
    case .yuyv: mmx_V4L2_PIX_FMT_YUYV
    case .nv12: mmx_V4L2_PIX_FMT_NV12
    case .yu12: mmx_V4L2_PIX_FMT_YUV420
    case .rgb24: mmx_V4L2_PIX_FMT_RGB24
    case .mjpg: mmx_V4L2_PIX_FMT_MJPEG
    case .jpeg: mmx_V4L2_PIX_FMT_JPEG
    }
  }

  /// Whether it is what the configuration calls so.
  func isCalled(_ name: CameraSettings.PixelFormat) -> Bool {
    switch name {
    case .grey: self == .grey
    case .yuyv: self == .yuyv
    case .nv12: self == .nv12
    case .yu12: self == .yu12
    case .rgb24: self == .rgb24
    case .mjpg: isJPEG
    }
  }

  var isJPEG: Bool { self == .mjpg || self == .jpeg }

  /// What a pixel costs, in bytes that are moved; decoding a JPEG pixel is as dear as moving six (`tools/mjpg` prints its time).
  /// - Parameter channels: that are wanted; grey from YCbCr needs the luma alone.
  func costPerPixel(channels: Int) -> Double {
    switch self {
    case .grey: 1
    case .nv12, .yu12: channels == 1 ? 1.5 : 2.5
    case .yuyv: channels == 1 ? 2 : 3
    case .rgb24: channels == 1 ? 4 : 3
    case .mjpg, .jpeg: 6
    }
  }

  /// The layout of what the driver answered; nil where the answer is not this format or cannot be, or is a JPEG.
  func layout(_ answer: v4l2_pix_format) -> PixelLayout? {
    let (width, height) = (Int(answer.width), Int(answer.height))
    guard isPossible(answer), !isJPEG else { return nil }
    let packed = self == .rgb24 ? 3 * width : self == .yuyv ? 2 * ((width + 1) / 2 * 2) : width
    // Some drivers leave 0 for "packed"; more than four bytes a pixel would be nonsense.
    let stride = answer.bytesperline == 0 ? packed : Int(answer.bytesperline)
    guard stride >= packed, stride <= 4 * SensingLimits.imageSide else { return nil }
    let full = isFullRange(answer)
    switch self {
    case .grey, .mjpg, .jpeg: return .grey(width: width, height: height, stride: stride, fullRange: full)
    case .yuyv: return .yuyv(width: width, height: height, stride: stride, fullRange: full)
    case .nv12: return .nv12(width: width, height: height, stride: stride, fullRange: full)
    case .yu12:
      return .planar(width: width, height: height, stride: stride, shiftX: 1, shiftY: 1, fullRange: full)
    case .rgb24: return .rgb(width: width, height: height, stride: stride)
    }
  }

  /// What is to become of the frames of what the driver answered; nil where the answer is not this format or cannot be.
  func encoding(_ answer: v4l2_pix_format, channels: Int) -> CameraEncoding? {
    guard isJPEG else { return layout(answer).map { .raw($0) } }
    guard isPossible(answer) else { return nil }
    return .jpeg(
      PictureDecoder.Shape(width: Int(answer.width), height: Int(answer.height), channels: channels))
  }

  private func isPossible(_ answer: v4l2_pix_format) -> Bool {
    let sides = 1...SensingLimits.imageSide
    return answer.pixelformat == fourCC && sides.contains(Int(answer.width))
      && sides.contains(Int(answer.height))
  }

  /// The kernel's rule for what a driver leaves open: grey is full range, YCbCr limited unless it is JPEG's.
  private func isFullRange(_ answer: v4l2_pix_format) -> Bool {
    switch answer.quantization {
    case UInt32(V4L2_QUANTIZATION_FULL_RANGE.rawValue): true
    case UInt32(V4L2_QUANTIZATION_LIM_RANGE.rawValue): false
    default: self == .grey || answer.colorspace == UInt32(V4L2_COLORSPACE_JPEG.rawValue)
    }
  }
}

/// How a stream's frames are read.
enum CameraEncoding: Hashable, Sendable {
  /// Pixels as they lie in the buffer.
  case raw(PixelLayout)
  /// A JPEG each, of this shape when decoded.
  case jpeg(PictureDecoder.Shape)

  /// The fewest bytes that can be a frame.
  var leastByteCount: Int {
    switch self {
    case .raw(let layout): layout.byteCount
    // Two markers and something between.
    case .jpeg: 16
    }
  }
}

/// A format and size to ask a camera for.
struct CameraChoice: Hashable, Sendable {
  var format: CameraFormat
  var width: Int
  var height: Int

  /// What is wanted of a camera.
  struct Wish: Hashable, Sendable {
    var width: Int
    var height: Int
    var channels: Int
    var frameRate: FrameRate
    /// No other will do; nil: the cheapest.
    var format: CameraSettings.PixelFormat?
  }

  /// What to ask for, best first: one for each format that the camera itself offers and mmexit reads. A size that holds the
  /// wish comes before one that does not, one that is fast enough before one that is not, colour before grey where colour is
  /// wanted, and then the cheapest; of those too small, the largest.
  static func ranked(_ offer: CameraOffer, _ wish: Wish) -> [CameraChoice] {
    var all: [(choice: CameraChoice, key: [Double])] = []
    for format in CameraFormat.allCases where wish.format.map(format.isCalled) ?? true {
      guard let offered = offer.formats.first(where: { $0.fourCC == format.fourCC && !$0.isEmulated })
      else { continue }
      // A driver that does not list sizes takes a wish and answers with what it has.
      let any = CameraOffer.Size(
        width: wish.width...wish.width, height: wish.height...wish.height)
      var best: (choice: CameraChoice, key: [Double])?
      for size in offered.sizes.isEmpty ? [any] : offered.sizes {
        let (width, height) = size.nearest(width: wish.width, height: wish.height)
        let choice = CameraChoice(format: format, width: width, height: height)
        let key = choice.key(wish, fastest: size.fastest)
        if best.map({ key.lexicographicallyPrecedes($0.key) }) ?? true { best = (choice, key) }
      }
      if let best { all.append(best) }
    }
    // Equal ones stay in the order of the cases.
    return all.enumerated().sorted { a, b in
      a.element.key == b.element.key
        ? a.offset < b.offset : a.element.key.lexicographicallyPrecedes(b.element.key)
    }.map(\.element.choice)
  }

  private func key(_ wish: Wish, fastest: FrameRate?) -> [Double] {
    let holds = width >= wish.width && height >= wish.height
    let isFast = fastest.map { $0.interval <= wish.frameRate.interval } ?? true
    let hasColour = wish.channels == 1 || format != .grey
    let cost = Double(width * height) * format.costPerPixel(channels: wish.channels)
    return [
      holds ? 0 : 1, isFast ? 0 : 1, hasColour ? 0 : 1, holds ? 0 : -Double(width * height), cost,
    ]
  }

  /// What libv4l2 can make of other formats, where the camera offers none that is read here.
  static func emulated(_ wish: Wish) -> [CameraChoice] {
    let formats: [CameraFormat] =
      wish.channels == 1 ? [.grey, .yuyv, .nv12, .yu12, .rgb24] : [.yuyv, .nv12, .rgb24, .yu12]
    return formats.filter { wish.format.map($0.isCalled) ?? true }.map {
      CameraChoice(format: $0, width: wish.width, height: wish.height)
    }
  }
}
