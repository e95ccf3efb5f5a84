import CKernels
import Testing

/// A picture and the kernel run on it.
private struct Picture {
  var width, height, channels: Int
  var pixels: [UInt8]

  init(_ dice: inout Dice, width: Int, height: Int, channels: Int) {
    (self.width, self.height, self.channels) = (width, height, channels)
    pixels = []
    for _ in 0..<(width * height * channels) { pixels.append(UInt8(dice.int(0...255))) }
  }

  init(width: Int, height: Int, channels: Int, repeating pixel: [UInt8]) {
    (self.width, self.height, self.channels) = (width, height, channels)
    pixels = []
    for _ in 0..<(width * height) { pixels += pixel }
  }

  func prepared(_ toWidth: Int, _ toHeight: Int, _ toChannels: Int, _ table: [Int8] = straight) -> [Int8]? {
    var d = mmx_image(width: Int32(toWidth), height: Int32(toHeight), channels: Int32(toChannels))
    let bytes = mmx_image_scratch_size(&d, Int32(width))
    var result: [Int8]?
    let scratch = written(bytes) { (scratch: UnsafeMutablePointer<UInt8>) in
      result = written(toWidth * toHeight * toChannels) {
        mmx_image_run(&d, pixels, Int32(width), Int32(height), Int32(channels), table, scratch, $0)
      }
    }
    return scratch == nil ? nil : result
  }

  /// How many of a cell's units along one axis fall on each source pixel, one unit at a time.
  private func shares(_ cell: Int, side: Int, start: Int, pixel: Int) -> [Int: Int] {
    var count: [Int: Int] = [:]
    for unit in (start + cell * side)..<(start + (cell + 1) * side) { count[unit / pixel, default: 0] += 1 }
    return count
  }

  /// The header's steps on a grid fine enough (2 * toWidth * toHeight units in a pixel's side) that all edges are whole.
  func bruteForce(_ toWidth: Int, _ toHeight: Int, _ toChannels: Int, _ table: [Int8] = straight) -> [Int8] {
    let pixel = 2 * toWidth * toHeight
    let side = min(width * pixel / toWidth, height * pixel / toHeight)
    let left = (width * pixel - side * toWidth) / 2
    let top = (height * pixel - side * toHeight) / 2
    var result: [Int8] = []
    for oy in 0..<toHeight {
      let rows = shares(oy, side: side, start: top, pixel: pixel)
      for ox in 0..<toWidth {
        let columns = shares(ox, side: side, start: left, pixel: pixel)
        var mean = (0..<channels).map { c in
          var sum = 0
          for (y, rowShare) in rows {
            for (x, columnShare) in columns {
              sum += rowShare * columnShare * Int(pixels[(y * width + x) * channels + c])
            }
          }
          return (2 * sum + side * side) / (2 * side * side)
        }
        if channels == 1 { mean = [mean[0], mean[0], mean[0]] }
        if toChannels == 1, channels == 3 {
          mean = [(77 * mean[0] + 150 * mean[1] + 29 * mean[2] + 128) >> 8]
        }
        for c in 0..<toChannels { result.append(table[c * 256 + mean[c]]) }
      }
    }
    return result
  }
}

/// v - 128 for every channel.
private let straight: [Int8] = (0..<768).map { Int8(truncatingIfNeeded: $0 % 256 - 128) }

/// What `straight` makes of these values.
private func table(_ values: [UInt8]) -> [Int8] { values.map { straight[Int($0)] } }

@Suite struct ImageTests {
  @Test func randomPicturesAgreeWithBruteForce() {
    var dice = Dice(seed: 101)
    let table = dice.activations(768)
    for _ in 0..<150 {
      let picture = Picture(
        &dice, width: dice.int(1...14), height: dice.int(1...14), channels: [1, 3][dice.int(0...1)])
      let (w, h, c) = (dice.int(1...7), dice.int(1...7), [1, 3][dice.int(0...1)])
      #expect(
        picture.prepared(w, h, c, table) == picture.bruteForce(w, h, c, table),
        "\(picture.width)x\(picture.height)x\(picture.channels) -> \(w)x\(h)x\(c)")
    }
  }

  @Test func cameraSizesAgreeWithBruteForce() {
    var dice = Dice(seed: 102)
    let wide = Picture(&dice, width: 160, height: 120, channels: 3)
    #expect(wide.prepared(28, 28, 1) == wide.bruteForce(28, 28, 1))
    #expect(wide.prepared(32, 24, 3) == wide.bruteForce(32, 24, 3))
    let tall = Picture(&dice, width: 90, height: 121, channels: 1)
    #expect(tall.prepared(28, 28, 3) == tall.bruteForce(28, 28, 3))
  }

  @Test func theSameSizeIsTheIdentity() {
    var dice = Dice(seed: 103)
    for channels in [1, 3] {
      let picture = Picture(&dice, width: 28, height: 17, channels: channels)
      #expect(picture.prepared(28, 17, channels) == table(picture.pixels))
    }
  }

  @Test func halvesRoundUp() {
    let picture = Picture(width: 2, height: 1, channels: 1, repeating: [10])
    var other = picture
    other.pixels = [10, 11, 10, 10]
    (other.width, other.height) = (2, 2)
    #expect(picture.prepared(1, 1, 1) == table([10]))
    #expect(other.prepared(1, 1, 1) == table([10]))
    other.pixels = [10, 11, 11, 10]
    #expect(other.prepared(1, 1, 1) == table([11]))
  }

  @Test func theCropIsCentred() {
    var wide = Picture(width: 4, height: 2, channels: 1, repeating: [0])
    wide.pixels = [9, 20, 30, 9, 9, 40, 50, 9]
    #expect(wide.prepared(2, 2, 1) == table([20, 30, 40, 50]))
    // The crop is two pixels wide: half of each outer one is outside.
    var odd = Picture(width: 3, height: 2, channels: 1, repeating: [0])
    odd.pixels = [40, 100, 80, 40, 100, 80]
    #expect(odd.prepared(1, 1, 1) == table([(40 / 2 + 100 + 80 / 2) / 2]))
  }

  @Test func greyWeighsTheColours() {
    let red = Picture(width: 3, height: 3, channels: 3, repeating: [255, 0, 0])
    let green = Picture(width: 3, height: 3, channels: 3, repeating: [0, 255, 0])
    let blue = Picture(width: 3, height: 3, channels: 3, repeating: [0, 0, 255])
    let white = Picture(width: 3, height: 3, channels: 3, repeating: [255, 255, 255])
    #expect(red.prepared(1, 1, 1) == table([77]))
    #expect(green.prepared(1, 1, 1) == table([149]))
    #expect(blue.prepared(1, 1, 1) == table([29]))
    #expect(white.prepared(1, 1, 1) == [127])
  }

  /// The largest sums: a large white picture averaged into one pixel stays white.
  @Test func largePicturesDoNotOverflow() {
    let white = Picture(width: 4_096, height: 4_096, channels: 1, repeating: [255])
    #expect(white.prepared(1, 1, 1) == [127])
    #expect(white.prepared(3, 1, 3) == [Int8](repeating: 127, count: 9))
  }

  @Test func extremeShapesStayInside() {
    var dice = Dice(seed: 104)
    let largest = Int(MMX_MAX_IMAGE_EXTENT)
    let line = Picture(&dice, width: largest, height: 1, channels: 1)
    let middle = Int(line.pixels[largest / 2 - 1]) + Int(line.pixels[largest / 2])
    #expect(line.prepared(1, 1, 1) == table([UInt8((middle + 1) / 2)]))
    #expect(line.prepared(largest, 1, 1) == table(line.pixels))
    let dot = Picture(width: 1, height: 1, channels: 1, repeating: [77])
    #expect(dot.prepared(1, 999, 1) == table([UInt8](repeating: 77, count: 999)))
  }

  @Test func unsoundDescriptionsHaveNoScratch() {
    let size = { (w: Int32, h: Int32, c: Int32, source: Int32) in
      var d = mmx_image(width: w, height: h, channels: c)
      return mmx_image_scratch_size(&d, source)
    }
    #expect(size(28, 28, 1, 640) >= 640 * 3 * 4)
    #expect(size(16_384, 16_384, 3, 16_384) > 0)
    for bad: Int32 in [0, -1, .min, 16_385, .max] {
      #expect(size(bad, 28, 1, 640) == 0)
      #expect(size(28, bad, 1, 640) == 0)
      #expect(size(28, 28, 1, bad) == 0)
    }
    for bad: Int32 in [0, -1, 2, 4] { #expect(size(28, 28, bad, 640) == 0) }
  }
}
