import Testing

@testable import Sensing

@Suite struct PixelConversionTests {
  private func convert(_ layout: PixelLayout, _ source: [UInt8], channels: Int) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: layout.width * layout.height * channels)
    pixels.withUnsafeMutableBufferPointer { out in
      source.withUnsafeBytes { layout.convert($0, channels: channels, into: out) }
    }
    return pixels
  }

  /// One picture of 4 x 2 pixels in every layout; chroma the same in both rows, so that all can hold it.
  private let luma: [UInt8] = [10, 60, 110, 160, 210, 235, 16, 90]
  private let blue: [UInt8] = [90, 240]
  private let red: [UInt8] = [128, 20]

  @Test(arguments: [1, 3]) func theSamePictureComesOutOfEveryLayout(channels: Int) {
    var yuyv: [UInt8] = []
    for y in 0..<2 {
      for x in 0..<2 { yuyv += [luma[4 * y + 2 * x], blue[x], luma[4 * y + 2 * x + 1], red[x]] }
      yuyv += [0, 0]
    }
    let nv12 = luma + [blue[0], red[0], blue[1], red[1]]
    let yu12 = luma + blue + red
    let blueRow = [blue[0], blue[0], blue[1], blue[1]]
    let redRow = [red[0], red[0], red[1], red[1]]
    let full = luma + blueRow + blueRow + redRow + redRow
    for range in [false, true] {
      let expected = convert(
        .planar(width: 4, height: 2, stride: 4, shiftX: 0, shiftY: 0, fullRange: range), full,
        channels: channels)
      #expect(
        convert(.yuyv(width: 4, height: 2, stride: 10, fullRange: range), yuyv, channels: channels)
          == expected)
      #expect(
        convert(.nv12(width: 4, height: 2, stride: 4, fullRange: range), nv12, channels: channels) == expected
      )
      #expect(
        convert(
          .planar(width: 4, height: 2, stride: 4, shiftX: 1, shiftY: 1, fullRange: range), yu12,
          channels: channels)
          == expected)
    }
  }

  @Test func rgbIsCopiedWithoutItsPaddingAndGreyIsTheEnginesSum() {
    let source: [UInt8] = [255, 0, 0, 0, 255, 0, 99, 0, 0, 255, 255, 255, 255]
    let layout = PixelLayout.rgb(width: 2, height: 2, stride: 7)
    #expect(convert(layout, source, channels: 3) == [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    #expect(convert(layout, source, channels: 1) == [77, 149, 29, 255])
  }

  @Test func byteCountsEndAtTheLastSampleRead() {
    #expect(PixelLayout.rgb(width: 2, height: 2, stride: 7).byteCount == 13)
    #expect(PixelLayout.yuyv(width: 4, height: 2, stride: 10, fullRange: false).byteCount == 18)
    #expect(PixelLayout.nv12(width: 4, height: 2, stride: 6, fullRange: false).byteCount == 16)
    #expect(
      PixelLayout.planar(width: 3, height: 3, stride: 3, shiftX: 1, shiftY: 1, fullRange: true).byteCount
        == 17)
  }
}
