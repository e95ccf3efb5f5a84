import CV4L2
import Glibc
import Testing
import Vocabulary

@testable import Sensing

@Suite struct CameraChoiceTests {
  private func rate(_ frames: Int) -> FrameRate { FrameRate(frames: frames)! }

  private func size(_ width: Int, _ height: Int, _ frames: Int? = nil) -> CameraOffer.Size {
    CameraOffer.Size(width: width...width, height: height...height, fastest: frames.map(rate))
  }

  private func format(_ format: CameraFormat, _ sizes: [CameraOffer.Size] = [], isEmulated: Bool = false)
    -> CameraOffer.Format
  {
    CameraOffer.Format(
      fourCC: format.fourCC, isCompressed: format.isJPEG, isEmulated: isEmulated, sizes: sizes)
  }

  private func best(
    _ formats: [CameraOffer.Format], _ width: Int = 640, _ height: Int = 480, channels: Int = 1,
    frames: Int = 15
  ) -> CameraChoice? {
    CameraChoice.ranked(
      CameraOffer(formats: formats),
      .init(width: width, height: height, channels: channels, frameRate: rate(frames))
    ).first
  }

  /// As a common webcam has it: raw at full rate when small, MJPG where USB 2 is too narrow.
  private var webcam: [CameraOffer.Format] {
    [
      format(.yuyv, [size(640, 480, 30), size(320, 240, 30), size(1280, 720, 10)]),
      format(.mjpg, [size(640, 480, 30), size(320, 240, 30), size(1280, 720, 30)]),
    ]
  }

  @Test func whatNeedsNoDecodingIsTakenWhereItIsFastEnough() {
    #expect(best(webcam) == CameraChoice(format: .yuyv, width: 640, height: 480))
    #expect(best(webcam, 300, 200) == CameraChoice(format: .yuyv, width: 320, height: 240))
    #expect(best(webcam, 1280, 720) == CameraChoice(format: .mjpg, width: 1280, height: 720))
    #expect(best(webcam, 1280, 720, frames: 10) == CameraChoice(format: .yuyv, width: 1280, height: 720))
  }

  @Test func aFormatThatIsNamedIsTheOnlyOne() {
    let offer = CameraOffer(formats: webcam)
    func ranked(_ format: CameraSettings.PixelFormat) -> [CameraFormat] {
      let wish = CameraChoice.Wish(
        width: 640, height: 480, channels: 1, frameRate: rate(15), format: format)
      return CameraChoice.ranked(offer, wish).map(\.format)
    }
    #expect(ranked(.mjpg) == [.mjpg] && ranked(.yuyv) == [.yuyv] && ranked(.grey) == [])
    #expect(
      CameraChoice.emulated(.init(width: 1, height: 1, channels: 1, frameRate: rate(1), format: .mjpg)) == [])
  }

  @Test func theSmallestThatHoldsTheWishIsTaken() {
    let sizes = [size(1920, 1080, 30), size(160, 120, 30), size(800, 600, 30), size(640, 360, 30)]
    #expect(best([format(.yuyv, sizes)]) == CameraChoice(format: .yuyv, width: 800, height: 600))
    // None does: the largest.
    #expect(best([format(.yuyv, [size(160, 120), size(320, 240)])])?.width == 320)
    // A much larger raw picture costs more than a small one that is decoded.
    #expect(
      best([format(.yuyv, [size(1920, 1080, 30)]), format(.mjpg, [size(640, 480, 30)])])
        == CameraChoice(format: .mjpg, width: 640, height: 480))
  }

  @Test func greyIsTakenForGreyAndNotForColour() {
    let both = [format(.yuyv, [size(640, 480, 30)]), format(.grey, [size(640, 480, 30)])]
    #expect(best(both)?.format == .grey)
    #expect(best(both, channels: 3)?.format == .yuyv)
    #expect(best([format(.grey)], channels: 3)?.format == .grey)
  }

  @Test func rangesOfSizesAreAnsweredWithinTheirSteps() {
    let range = CameraOffer.Size(width: 32...1920, height: 32...1080, step: (16, 8))
    #expect(best([format(.nv12, [range])], 641, 481) == CameraChoice(format: .nv12, width: 656, height: 488))
    #expect(best([format(.nv12, [range])], 16, 16) == CameraChoice(format: .nv12, width: 32, height: 32))
    #expect(
      best([format(.nv12, [range])], 4096, 4096) == CameraChoice(format: .nv12, width: 1920, height: 1080))
  }

  @Test func whatALibraryWouldConvertIsNotAnOffer() {
    #expect(best([format(.yu12, [size(640, 480)], isEmulated: true)]) == nil)
    #expect(best([format(.rgb24, isEmulated: true), format(.mjpg)])?.format == .mjpg)
    #expect(best([]) == nil)
  }

  /// A driver whose answers never end, or are all sorts of nonsense.
  @Test func aDriversListIsBounded() {
    let calls = CameraCalls(
      open: { _ in 0 },
      control: { _, request, argument in
        switch request {
        case mmx_VIDIOC_ENUM_FMT:
          argument.assumingMemoryBound(to: v4l2_fmtdesc.self).pointee.pixelformat = mmx_V4L2_PIX_FMT_YUYV
        case mmx_VIDIOC_ENUM_FRAMESIZES:
          let size = argument.assumingMemoryBound(to: v4l2_frmsizeenum.self)
          size.pointee.type = V4L2_FRMSIZE_TYPE_DISCRETE.rawValue
          size.pointee.discrete.width = size.pointee.index % 2 == 0 ? .max : 640
          size.pointee.discrete.height = 480
        default:
          argument.assumingMemoryBound(to: v4l2_frmivalenum.self).pointee.type =
            V4L2_FRMIVAL_TYPE_DISCRETE.rawValue
        }
        return 0
      }, map: { _, _, _, _ in nil }, unmap: { _ in }, close: { _ in })
    let offer = CameraOffer(of: 0, calls)
    #expect(offer.formats.count == 128 && offer.formats[0].sizes.count == 64)
    #expect(offer.formats[0].sizes.allSatisfy { $0.fastest == nil && $0.width == 640...640 })
    #expect(offer.summary.hasPrefix("YUYV 640x480") && offer.summary.utf8.count < 400)
  }

  @Test func anOfferIsToldInAFewWords() {
    let unread = CameraOffer.Format(fourCC: 0x3436_3248, isCompressed: true)
    #expect(
      CameraOffer(formats: webcam + [unread]).summary
        == "YUYV 640x480, 320x240, 1280x720; MJPG 640x480, 320x240, 1280x720; H264")
    #expect(CameraOffer(formats: []).summary == "no formats")
  }
}

@Suite struct CameraSettingsTests {
  /// A camera that keeps what it was set to.
  private final class Controls: @unchecked Sendable {
    // Unchecked: one thread.
    var values: [UInt32: Int32] = [:]
    var calls: CameraCalls {
      CameraCalls(
        open: { _ in 0 },
        control: { _, request, argument in
          if request == mmx_VIDIOC_QUERYCTRL {
            let query = argument.assumingMemoryBound(to: v4l2_queryctrl.self)
            query.pointee.maximum = 100
            return query.pointee.id == mmx_V4L2_CID_POWER_LINE_FREQUENCY ? -EINVAL : 0
          }
          let control = argument.assumingMemoryBound(to: v4l2_control.self).pointee
          if control.value > 100 { return -ERANGE }
          self.values[control.id] = control.value
          return 0
        }, map: { _, _, _, _ in nil }, unmap: { _ in }, close: { _ in })
    }
  }

  @Test func controlsAreSetInTheDriversUnits() throws {
    let camera = Controls()
    let settings = CameraSettings(exposure: .fixed(.milliseconds(5)), gain: .fixed(7))
    try settings.apply(to: 0, subject: "x", camera.calls)
    #expect(
      camera.values[mmx_V4L2_CID_EXPOSURE_AUTO] == 1 && camera.values[mmx_V4L2_CID_EXPOSURE_ABSOLUTE] == 50)
    #expect(camera.values[mmx_V4L2_CID_AUTOGAIN] == 0 && camera.values[mmx_V4L2_CID_GAIN] == 7)
    try CameraSettings(exposure: .automatic, gain: .automatic).apply(to: 0, subject: "x", camera.calls)
    #expect(camera.values[mmx_V4L2_CID_EXPOSURE_AUTO] == 3 && camera.values[mmx_V4L2_CID_AUTOGAIN] == 1)
  }

  @Test func whatACameraDoesNotTakeIsNamedWithItsRange() {
    let camera = Controls()
    let gain = #expect(throws: SensingError.self) {
      try CameraSettings(gain: .fixed(101)).apply(to: 0, subject: "x", camera.calls)
    }
    #expect(gain?.description.contains("gain: it takes 0 to 100, not 101") == true)
    let lamp = #expect(throws: SensingError.self) {
      try CameraSettings(powerLine: .hertz50).apply(to: 0, subject: "x", camera.calls)
    }
    #expect(lamp?.description.contains("power-line-frequency: it has no such control") == true)
    #expect(lamp.map { if case .device(.settingRefused, _) = $0.kind { true } else { false } } == true)
  }
}
