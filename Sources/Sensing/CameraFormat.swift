import CV4L2
import Vocabulary

/// The pixel formats a camera may be asked for, and how their bytes lie.
enum CameraFormat: CaseIterable {
  case grey, yuyv, nv12, yu12, rgb24

  /// Best first. What costs the driver nothing comes before what libv4l2 must convert; it can make YU12 and RGB24
  /// of everything else, MJPEG included.
  static func preference(channels: Int) -> [CameraFormat] {
    channels == 1 ? [.grey, .yuyv, .nv12, .yu12, .rgb24] : [.yuyv, .nv12, .rgb24, .yu12]
  }

  var fourCC: UInt32 {
    switch self {
    case .grey: mmx_V4L2_PIX_FMT_GREY
    case .yuyv: mmx_V4L2_PIX_FMT_YUYV
    case .nv12: mmx_V4L2_PIX_FMT_NV12
    case .yu12: mmx_V4L2_PIX_FMT_YUV420
    case .rgb24: mmx_V4L2_PIX_FMT_RGB24
    }
  }

  /// The layout of what the driver answered; nil where the answer is not this format or cannot be.
  func layout(_ answer: v4l2_pix_format) -> PixelLayout? {
    let sides = 1...SensingLimits.imageSide
    let (width, height) = (Int(answer.width), Int(answer.height))
    guard answer.pixelformat == fourCC, sides.contains(width), sides.contains(height) else { return nil }
    let packed = self == .rgb24 ? 3 * width : self == .yuyv ? 2 * ((width + 1) / 2 * 2) : width
    // Some drivers leave 0 for "packed"; more than four bytes a pixel would be nonsense.
    let stride = answer.bytesperline == 0 ? packed : Int(answer.bytesperline)
    guard stride >= packed, stride <= 4 * SensingLimits.imageSide else { return nil }
    let full = isFullRange(answer)
    switch self {
    case .grey: return .grey(width: width, height: height, stride: stride, fullRange: full)
    case .yuyv: return .yuyv(width: width, height: height, stride: stride, fullRange: full)
    case .nv12: return .nv12(width: width, height: height, stride: stride, fullRange: full)
    case .yu12:
      return .planar(width: width, height: height, stride: stride, shiftX: 1, shiftY: 1, fullRange: full)
    case .rgb24: return .rgb(width: width, height: height, stride: stride)
    }
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
