import CV4L2
import Glibc
import Testing

@testable import Sensing

@Suite struct CameraPathTests {
  private let directory = TemporaryDirectory()

  private func node(_ name: String, card: String, index: String) throws {
    directory.makeDirectory(name)
    try directory.write("\(name)/name", Array("\(card)\n".utf8))
    try directory.write("\(name)/index", Array("\(index)\n".utf8))
  }

  /// Nodes that open and say what card they are, by their paths.
  private func calls(_ cards: [String: String] = [:]) -> CameraCalls {
    let paths = cards.keys.sorted()
    return CameraCalls(
      open: { path in paths.firstIndex(of: path).map { Int32($0) } ?? -ENOENT },
      control: { number, request, argument in
        guard request == mmx_VIDIOC_QUERYCAP, let card = cards[paths[Int(number)]] else { return -EINVAL }
        withUnsafeMutableBytes(of: &argument.assumingMemoryBound(to: v4l2_capability.self).pointee.card) {
          $0.copyBytes(from: card.utf8)
        }
        return 0
      }, map: { _, _, _, _ in nil }, unmap: { _ in }, close: { _ in })
  }

  private func find(_ device: String, _ cards: [String: String] = [:]) throws(SensingError) -> String {
    try CameraPath.find(device, subject: "sensor x", classes: directory.path, calls(cards))
  }

  @Test func cardsAreFoundByNameAtTheirFirstNode() throws {
    try node("video10", card: "Cam B", index: "0")
    try node("video2", card: "Cam A", index: "1")
    try node("video3", card: "Cam A", index: "0")
    try node("video4", card: "Cam B", index: "0")
    #expect(try find("Cam A") == "/dev/video3")
    #expect(try find("cam b") == "/dev/video4")
    let error = #expect(throws: SensingError.self) { try find("Cam C") }
    #expect(error?.description.contains("'Cam A' at /dev/video3, 'Cam B' at /dev/video4") == true)
    guard case .device(.absent, _)? = error?.kind else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func theDriversOwnWordForItsCardIsTakenToo() throws {
    try node("video0", card: "vivid-000-vid-cap", index: "0")
    #expect(try find("vivid", ["/dev/video0": "vivid"]) == "/dev/video0")
  }

  @Test func aCameraThatComesBackUnderAnotherNumberIsFoundAgain() throws {
    try node("video0", card: "C270 HD WEBCAM", index: "0")
    #expect(try find("C270 HD WEBCAM") == "/dev/video0")
    try node("video0", card: "Another", index: "0")
    try node("video1", card: "C270 HD WEBCAM", index: "0")
    #expect(try find("C270 HD WEBCAM") == "/dev/video1")
  }

  @Test func pathsAreTakenAsTheyAre() throws {
    #expect(try find("/dev/v4l/by-id/x") == "/dev/v4l/by-id/x")
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
