import Linux
import Testing

@testable import Sensing

@Suite struct Y4MReaderTests {
  private let directory = TemporaryDirectory()

  private func open(_ bytes: [UInt8]) throws -> Y4MReader {
    try Y4MReader(path: directory.write("v.y4m", bytes))
  }

  private func frame(_ reader: Y4MReader, _ index: Int, channels: Int) throws -> [UInt8] {
    var pixels = [UInt8](repeating: 77, count: reader.width * reader.height * channels)
    try pixels.withUnsafeMutableBufferPointer { try reader.read(index, channels: channels, into: $0) }
    return pixels
  }

  private func refusal(_ bytes: [UInt8]) throws -> SensingError.Kind? {
    do {
      _ = try open(bytes)
      return nil
    } catch let error as SensingError { return error.kind }
  }

  @Test func limitedLumaIsExpanded() throws {
    let reader = try open(MediaFiles.y4m("W4 H1 F25:1 Cmono", frames: [[16, 235, 0, 126]]))
    #expect(try frame(reader, 0, channels: 1) == [0, 255, 0, 128])
    #expect(try frame(reader, 0, channels: 3) == [0, 0, 0, 255, 255, 255, 0, 0, 0, 128, 128, 128])
  }

  @Test func fullLumaIsKept() throws {
    let reader = try open(MediaFiles.y4m("W4 H1 F25:1 Cmono XCOLORRANGE=FULL", frames: [[16, 235, 0, 126]]))
    #expect(try frame(reader, 0, channels: 1) == [16, 235, 0, 126])
  }

  @Test(arguments: [
    ("C420jpeg", false), ("C420jpeg XCOLORRANGE=FULL", true), ("C420mpeg2", false),
    ("C420jpeg XCOLORRANGE=LIMITED", false), ("", false),
  ])
  func rangeFollowsTheHeader(_ colour: String, full: Bool) throws {
    let reader = try open(MediaFiles.y4m("W2 H2 F25:1 \(colour)", frames: [[16, 16, 16, 16, 128, 128]]))
    #expect(try frame(reader, 0, channels: 1) == [UInt8](repeating: full ? 16 : 0, count: 4))
  }

  @Test func chromaIsRepeatedOverItsPixels() throws {
    // Left pair: pure red by BT.601 full range (Y 76, Cb 85, Cr 255); the third column has chroma of its own.
    let planes: [UInt8] = [76, 76, 150, 76, 76, 150] + [85, 44] + [255, 21]
    let reader = try open(MediaFiles.y4m("W3 H2 F25:1 C420jpeg XCOLORRANGE=FULL", frames: [planes]))
    let row: [UInt8] = [254, 0, 0, 254, 0, 0, 0, 255, 1]
    #expect(try frame(reader, 0, channels: 3) == row + row)
    #expect(try frame(reader, 0, channels: 1) == [76, 76, 150, 76, 76, 150])
  }

  @Test func limitedChromaUsesItsOwnMatrix() throws {
    // Red of the limited range: Y 81, Cb 90, Cr 240.
    let reader = try open(MediaFiles.y4m("W1 H1 F25:1 C444", frames: [[81, 90, 240]]))
    #expect(try frame(reader, 0, channels: 3) == [255, 0, 0])
  }

  @Test func halfWidthChromaHasAllRows() throws {
    let planes: [UInt8] = [100, 100, 100, 100] + [128, 128] + [128, 228]
    let reader = try open(MediaFiles.y4m("W2 H2 F25:1 C422 XCOLORRANGE=FULL", frames: [planes]))
    #expect(try frame(reader, 0, channels: 3) == [100, 100, 100, 100, 100, 100, 240, 29, 100, 240, 29, 100])
  }

  @Test func framesAreReadInAnyOrder() throws {
    let bytes = MediaFiles.y4m(
      "W1 H1 F30000:1001 Cmono XCOLORRANGE=FULL", frames: [[1], [2], [3]], frameHeader: "FRAME Ip Xnote")
    let reader = try open(bytes)
    #expect(reader.count == 3)
    #expect(reader.frameRate == FrameRate(frames: 30_000, seconds: 1_001))
    #expect(try [2, 0, 1].map { try frame(reader, $0, channels: 1)[0] } == [3, 1, 2])
  }

  @Test func refusesWhatItIsNotByName() throws {
    let one: [UInt8] = [0]
    #expect(try refusal([]) == .empty)
    #expect(try refusal(Array("RIFF....AVI ".utf8)) == .wrongType(expected: "a YUV4MPEG2 file"))
    #expect(
      try refusal(MediaFiles.y4m("W1 H1 F25:1 C420p10", frames: [one]))
        == .unsupported("colour space C420p10", use: "8-bit C420jpeg, C422, C444 or Cmono"))
    #expect(
      try refusal(MediaFiles.y4m("W1 H1 F25:1 It Cmono", frames: [one]))
        == .unsupported("interlaced video", use: "progressive video (ffmpeg -vf yadif)"))
    #expect(
      try refusal(MediaFiles.y4m("W1 H1 F0:0 Cmono", frames: [one])) == .malformed("no usable frame rate"))
    #expect(
      try refusal(MediaFiles.y4m("H1 F25:1 Cmono", frames: [one])) == .malformed("picture of 0 x 1 pixels"))
    #expect(try refusal(MediaFiles.y4m("W1 H1 F25:1 Cmono", frames: [])) == .malformed("no frame"))
    let hole = MediaFiles.y4m("W1 H1 F25:1 Cmono", frames: [[1]]) + Array("FRAMX\n1".utf8)
    #expect(try refusal(hole) == .malformed("no frame header at byte 35 (frame 2)"))
  }

  @Test func refusesHugeExtentsWithoutAskingForMemory() throws {
    #expect(
      try refusal(MediaFiles.y4m("W8192 H8192 F25:1 C444", frames: [[1]]))
        == .truncated(promised: 39 + 3 * 8_192 * 8_192, found: 40))
    #expect(
      try refusal(MediaFiles.y4m("W99999999999999999999 H1 F25:1", frames: [[1]]))
        == .malformed("picture of 0 x 1 pixels"))
  }

  @Test func aLastFrameCutShortIsLeftOutAndTold() throws {
    let whole = MediaFiles.y4m("W2 H2 F25:1 Cmono", frames: [[1, 2, 3, 4], [5, 6, 7, 8]])
    #expect(try open(whole).remark == nil)
    for cut in 1...9 {
      let reader = try open(Array(whole.dropLast(cut)))
      #expect(reader.count == 1)
      #expect(reader.remark?.contains("frame 2, of which \(min(cut, 4)) bytes are missing") == true)
    }
    // Nothing is left of the second: nothing is missing. Of the only one: nothing can be played.
    #expect(try open(Array(whole.dropLast(10))).remark == nil)
    #expect(
      try refusal(Array(whole.dropLast(11)))
        == .truncated(promised: whole.count - 10, found: whole.count - 11))
  }

  @Test func whatIsSaidOfTheRangeIsUnderstoodOrRefused() throws {
    #expect(
      try refusal(MediaFiles.y4m("W1 H1 F25:1 Cmono XCOLORRANGE=full", frames: [[1]]))
        == .unsupported("COLORRANGE=full", use: "XCOLORRANGE=FULL or LIMITED"))
    #expect(
      try refusal(MediaFiles.y4m("W1 H1 F25:1 Ix Cmono", frames: [[1]])) == .malformed("interlacing Ix"))
  }

  @Test func ratesOfLongFractionsAreRates() throws {
    let reader = try open(MediaFiles.y4m("W1 H1 F10000000:333333 Cmono", frames: [[1]]))
    #expect(reader.frameRate.time(ofFrame: 30_000_030).count == 999_999_999_999_000)
    for hopeless in ["F1:86401", "F0:0", "F2000000000:1", "F1001:1"] {
      #expect(
        try refusal(MediaFiles.y4m("W1 H1 \(hopeless) Cmono", frames: [[1]]))
          == .malformed("no usable frame rate"))
    }
  }

  @Test func damagedFilesAreReadOrRefusedAndNeverMore() throws {
    var random = FixedRandom(seed: 2)
    let seed = MediaFiles.y4m(
      "W3 H2 F25:1 C420jpeg", frames: [[UInt8](repeating: 9, count: 10), [UInt8](0..<10)])
    var refused = 0
    for _ in 0..<1_000 {
      let bytes = random.mutate(seed)
      do {
        let reader = try open(bytes)
        #expect(reader.width * reader.height <= bytes.count)
        for index in 0..<reader.count { _ = try frame(reader, index, channels: 3) }
      } catch is SensingError { refused += 1 }
    }
    #expect(refused > 300)
  }

  /// A frame a day: the slowest rate there is.
  @Test func aRecordingThatLastsForYearsIsRefused() throws {
    let pixels = [[UInt8]](repeating: [1], count: 401)
    #expect(
      try refusal(MediaFiles.y4m("W1 H1 F1:86400 Cmono", frames: pixels))
        == .tooLarge("401 frames that last more than 400 days"))
    #expect(try refusal(MediaFiles.y4m("W1 H1 F1:86400 Cmono", frames: Array(pixels[..<400]))) == nil)
    #expect(try refusal(MediaFiles.y4m("W1 H1 F1000000:1000 Cmono", frames: pixels)) == nil)
  }
}
