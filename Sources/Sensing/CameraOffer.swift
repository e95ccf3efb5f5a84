import CV4L2
import Vocabulary

/// What a camera says it can deliver, by its own account and before anything is set.
package struct CameraOffer: Hashable, Sendable {
  /// One size, or a range of them, at which a format comes.
  package struct Size: Hashable, Sendable {
    package var width: ClosedRange<Int>
    package var height: ClosedRange<Int>
    package var step: (width: Int, height: Int) { (stepWidth, stepHeight) }
    private let stepWidth: Int
    private let stepHeight: Int
    /// The fastest; nil where the camera does not say.
    package var fastest: FrameRate?

    package init(
      width: ClosedRange<Int>, height: ClosedRange<Int>, step: (width: Int, height: Int) = (1, 1),
      fastest: FrameRate? = nil
    ) {
      self.width = width
      self.height = height
      stepWidth = max(1, step.width)
      stepHeight = max(1, step.height)
      self.fastest = fastest
    }

    /// The smallest that holds the wish; else the largest there is.
    func nearest(width wanted: Int, height wantedHeight: Int) -> (width: Int, height: Int) {
      (
        Self.nearest(wanted, in: width, step: stepWidth),
        Self.nearest(wantedHeight, in: height, step: stepHeight)
      )
    }

    private static func nearest(_ wanted: Int, in range: ClosedRange<Int>, step: Int) -> Int {
      if wanted <= range.lowerBound { return range.lowerBound }
      let up = range.lowerBound + (min(wanted, range.upperBound) - range.lowerBound + step - 1) / step * step
      return min(up, range.upperBound)
    }
  }

  package struct Format: Hashable, Sendable {
    /// V4L2's four letters, as a number.
    package var fourCC: UInt32
    package var isCompressed: Bool
    /// libv4l2 makes it out of another one.
    package var isEmulated: Bool
    /// Of formats that mmexit reads; empty for others, and where the camera does not say.
    package var sizes: [Size]

    package init(fourCC: UInt32, isCompressed: Bool = false, isEmulated: Bool = false, sizes: [Size] = []) {
      self.fourCC = fourCC
      self.isCompressed = isCompressed
      self.isEmulated = isEmulated
      self.sizes = sizes
    }

    /// "YUYV", "MJPG".
    package var name: String {
      let letters = (0..<4).map { UInt8(truncatingIfNeeded: fourCC >> (8 * $0)) }
      return String(decoding: letters.map { (32..<127).contains($0) ? $0 : 63 }.prefix(4), as: UTF8.self)
        .printableTrimmed
    }

    /// Whether mmexit reads it as the camera sends it.
    package var isRead: Bool { CameraFormat.allCases.contains { $0.fourCC == fourCC } }
  }

  package var formats: [Format]

  package init(formats: [Format]) { self.formats = formats }

  /// "YUYV 640x480, 1280x720; MJPG 1920x1080": of what the camera itself offers, not all of a long list.
  package var summary: String {
    let native = formats.filter { !$0.isEmulated && $0.fourCC != 0 }
    if native.isEmpty { return "no formats" }
    let shown = native.prefix(6).map { format in
      let sizes = format.sizes.prefix(4).map { "\($0.width.upperBound)x\($0.height.upperBound)" }
      return ([format.name] + (sizes.isEmpty ? [] : [sizes.joined(separator: ", ")])).joined(separator: " ")
    }
    return shown.joined(separator: "; ") + (native.count > 6 ? "; \(native.count - 6) more" : "")
  }
}

extension String {
  /// Without spaces at the end: "Y16 " is "Y16".
  fileprivate var printableTrimmed: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}

extension CameraOffer {
  /// Answers of a driver that goes on for ever are not asked for beyond these.
  private static let formatLimit = 128
  private static let sizeLimit = 128
  private static let intervalLimit = 64

  /// Asks an open camera.
  init(of descriptor: Int32, _ calls: CameraCalls) {
    formats = []
    for index in 0..<Self.formatLimit {
      var format = v4l2_fmtdesc()
      format.index = UInt32(index)
      format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
      if calls.control(descriptor, mmx_VIDIOC_ENUM_FMT, &format) < 0 || format.pixelformat == 0 { break }
      var offered = Format(
        fourCC: format.pixelformat, isCompressed: format.flags & mmx_V4L2_FMT_FLAG_COMPRESSED != 0,
        isEmulated: format.flags & mmx_V4L2_FMT_FLAG_EMULATED != 0)
      if offered.isRead && !offered.isEmulated {
        offered.sizes = Self.sizes(of: format.pixelformat, descriptor, calls)
      }
      formats.append(offered)
    }
  }

  private static func sizes(of fourCC: UInt32, _ descriptor: Int32, _ calls: CameraCalls) -> [Size] {
    var sizes: [Size] = []
    for index in 0..<sizeLimit {
      var answer = v4l2_frmsizeenum()
      answer.index = UInt32(index)
      answer.pixel_format = fourCC
      if calls.control(descriptor, mmx_VIDIOC_ENUM_FRAMESIZES, &answer) < 0 { break }
      let sides = 1...SensingLimits.imageSide
      if answer.type == V4L2_FRMSIZE_TYPE_DISCRETE.rawValue {
        let (width, height) = (Int(answer.discrete.width), Int(answer.discrete.height))
        guard sides.contains(width), sides.contains(height) else { continue }
        sizes.append(
          Size(
            width: width...width, height: height...height,
            fastest: fastest(of: fourCC, width: width, height: height, descriptor, calls)))
        continue
      }
      let range = answer.stepwise
      let (least, most) = (Int(range.min_width), min(Int(range.max_width), SensingLimits.imageSide))
      let (low, high) = (Int(range.min_height), min(Int(range.max_height), SensingLimits.imageSide))
      if least >= 1, least <= most, low >= 1, low <= high {
        sizes.append(
          Size(
            width: least...most, height: low...high,
            step: (Int(range.step_width), Int(range.step_height))))
      }
      break
    }
    return sizes
  }

  private static func fastest(
    of fourCC: UInt32, width: Int, height: Int, _ descriptor: Int32, _ calls: CameraCalls
  ) -> FrameRate? {
    var best: FrameRate?
    for index in 0..<intervalLimit {
      var answer = v4l2_frmivalenum()
      answer.index = UInt32(index)
      answer.pixel_format = fourCC
      answer.width = UInt32(width)
      answer.height = UInt32(height)
      if calls.control(descriptor, mmx_VIDIOC_ENUM_FRAMEINTERVALS, &answer) < 0 { break }
      let isDiscrete = answer.type == V4L2_FRMIVAL_TYPE_DISCRETE.rawValue
      let shortest = isDiscrete ? answer.discrete : answer.stepwise.min
      if let rate = FrameRate(frames: Int(shortest.denominator), seconds: Int(shortest.numerator)),
        best.map({ rate.interval < $0.interval }) ?? true
      {
        best = rate
      }
      if !isDiscrete { break }
    }
    return best
  }
}
