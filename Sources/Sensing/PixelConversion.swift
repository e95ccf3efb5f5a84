extension PixelLayout {
  /// Writes the picture as packed full-range grey (`channels` 1) or RGB (3), rows from the top.
  ///
  /// Arithmetic in 8.8 fixed point after ITU-R BT.601; chroma is repeated, not interpolated. Grey from RGB is the
  /// engine's (77 R + 150 G + 29 B + 128) >> 8.
  /// - Precondition: `source` holds `byteCount` bytes, `pixels` holds `width * height * channels`.
  func convert(
    _ source: UnsafeRawBufferPointer, channels: Int, into pixels: UnsafeMutableBufferPointer<UInt8>
  ) {
    precondition(source.count >= byteCount && (channels == 1 || channels == 3))
    precondition(pixels.count >= width * height * channels)
    switch (colour, channels) {
    case (.rgb, 3): copyRows(source, into: pixels)
    case (.rgb, _): greyFromRGB(source, into: pixels)
    case (.chroma(let blue, let red), 3): rgb(source, blue: blue, red: red, into: pixels)
    case (.grey, 3): greyToRGB(source, into: pixels)
    case (.grey, _), (.chroma, _): grey(source, into: pixels)
    }
  }

  private func copyRows(_ source: UnsafeRawBufferPointer, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    let row = 3 * width
    for y in 0..<height {
      let start = luma.offset + y * luma.stride
      UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(pixels)[y * row..<(y + 1) * row])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + row]))
    }
  }

  private func greyFromRGB(_ source: UnsafeRawBufferPointer, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    var out = 0
    for y in 0..<height {
      var at = luma.offset + y * luma.stride
      for _ in 0..<width {
        let sum = 77 * Int32(source[at]) + 150 * Int32(source[at + 1]) + 29 * Int32(source[at + 2])
        pixels[out] = UInt8((sum + 128) >> 8)
        out += 1
        at += 3
      }
    }
  }

  private func grey(_ source: UnsafeRawBufferPointer, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    var out = 0
    for y in 0..<height {
      var at = luma.offset + y * luma.stride
      for _ in 0..<width {
        pixels[out] = fullRange ? source[at] : Self.expanded(source[at])
        out += 1
        at += luma.step
      }
    }
  }

  private func greyToRGB(_ source: UnsafeRawBufferPointer, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    var out = 0
    for y in 0..<height {
      var at = luma.offset + y * luma.stride
      for _ in 0..<width {
        let value = fullRange ? source[at] : Self.expanded(source[at])
        pixels[out] = value
        pixels[out + 1] = value
        pixels[out + 2] = value
        out += 3
        at += luma.step
      }
    }
  }

  private func rgb(
    _ source: UnsafeRawBufferPointer, blue: Plane, red: Plane, into pixels: UnsafeMutableBufferPointer<UInt8>
  ) {
    // 255/219 and 255/224 of BT.601's matrix for the limited range, the matrix itself for the full one.
    let scale: Int32 = fullRange ? 256 : 298
    let black: Int32 = fullRange ? 0 : 16
    let redOfRed: Int32 = fullRange ? 359 : 409
    let greenOfBlue: Int32 = fullRange ? 88 : 100
    let greenOfRed: Int32 = fullRange ? 183 : 208
    let blueOfBlue: Int32 = fullRange ? 454 : 516
    var out = 0
    for y in 0..<height {
      let lumaRow = luma.offset + y * luma.stride
      let blueRow = blue.offset + (y >> blue.shiftY) * blue.stride
      let redRow = red.offset + (y >> red.shiftY) * red.stride
      for x in 0..<width {
        let base = scale * (Int32(source[lumaRow + x * luma.step]) - black) + 128
        let cb = Int32(source[blueRow + (x >> blue.shiftX) * blue.step]) - 128
        let cr = Int32(source[redRow + (x >> red.shiftX) * red.step]) - 128
        pixels[out] = Self.clamped((base + redOfRed * cr) >> 8)
        pixels[out + 1] = Self.clamped((base - greenOfBlue * cb - greenOfRed * cr) >> 8)
        pixels[out + 2] = Self.clamped((base + blueOfBlue * cb) >> 8)
        out += 3
      }
    }
  }

  /// Limited-range luma 16...235 to 0...255.
  @inline(__always) private static func expanded(_ luma: UInt8) -> UInt8 {
    clamped((298 * (Int32(luma) - 16) + 128) >> 8)
  }

  @inline(__always) private static func clamped(_ value: Int32) -> UInt8 { UInt8(max(0, min(255, value))) }
}
