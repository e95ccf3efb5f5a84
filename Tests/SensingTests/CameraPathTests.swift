import CV4L2
import Testing

@testable import Sensing

@Suite struct CameraPathTests {
  private let directory = TemporaryDirectory()

  private func node(_ name: String, card: String, index: String) throws {
    directory.makeDirectory(name)
    try directory.write("\(name)/name", Array("\(card)\n".utf8))
    try directory.write("\(name)/index", Array("\(index)\n".utf8))
  }

  @Test func cardsAreFoundByNameAtTheirFirstNode() throws {
    try node("video10", card: "Cam B", index: "0")
    try node("video2", card: "Cam A", index: "1")
    try node("video3", card: "Cam A", index: "0")
    try node("video4", card: "Cam B", index: "0")
    #expect(CameraPath.find("Cam A", classes: directory.path) == "/dev/video3")
    #expect(CameraPath.find("Cam B", classes: directory.path) == "/dev/video4")
    #expect(CameraPath.find("Cam C", classes: directory.path) == nil)
    #expect(CameraPath.find("Cam A", classes: "/nowhere") == nil)
  }

  @Test func pathsAreTakenAsTheyAre() {
    #expect(CameraPath.find("/dev/v4l/by-id/x", classes: "/nowhere") == "/dev/v4l/by-id/x")
  }
}

@Suite struct CameraFormatTests {
  private func answer(
    _ format: CameraFormat, width: UInt32 = 64, height: UInt32 = 48, bytesPerLine: UInt32 = 0
  ) -> v4l2_pix_format {
    var pix = v4l2_pix_format()
    pix.pixelformat = format.fourCC
    pix.width = width
    pix.height = height
    pix.bytesperline = bytesPerLine
    return pix
  }

  @Test func packedLinesAreAssumedWhereTheDriverIsSilent() {
    #expect(CameraFormat.grey.layout(answer(.grey))?.byteCount == 64 * 48)
    #expect(CameraFormat.yuyv.layout(answer(.yuyv))?.byteCount == 2 * 64 * 48)
    #expect(CameraFormat.nv12.layout(answer(.nv12))?.byteCount == 64 * 48 * 3 / 2)
    #expect(CameraFormat.yu12.layout(answer(.yu12))?.byteCount == 64 * 48 * 3 / 2)
    #expect(CameraFormat.rgb24.layout(answer(.rgb24))?.byteCount == 3 * 64 * 48)
  }

  @Test func answersThatCannotBeAreRefused() {
    #expect(CameraFormat.grey.layout(answer(.yuyv)) == nil)
    #expect(CameraFormat.yuyv.layout(answer(.yuyv, bytesPerLine: 127)) == nil)
    #expect(CameraFormat.grey.layout(answer(.grey, width: 0)) == nil)
    #expect(CameraFormat.grey.layout(answer(.grey, height: 8_193)) == nil)
    #expect(CameraFormat.grey.layout(answer(.grey, bytesPerLine: .max)) == nil)
  }

  @Test func rangesFollowTheDriverAndElseTheKernelsRule() {
    #expect(CameraFormat.grey.layout(answer(.grey))?.fullRange == true)
    #expect(CameraFormat.yuyv.layout(answer(.yuyv))?.fullRange == false)
    var pix = answer(.yuyv)
    pix.colorspace = V4L2_COLORSPACE_JPEG.rawValue
    #expect(CameraFormat.yuyv.layout(pix)?.fullRange == true)
    pix.quantization = V4L2_QUANTIZATION_LIM_RANGE.rawValue
    #expect(CameraFormat.yuyv.layout(pix)?.fullRange == false)
  }
}
