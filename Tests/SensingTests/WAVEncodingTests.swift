import Testing

@testable import Sensing

/// Samples of every width, unknown lengths, files beyond 4 GiB.
@Suite struct WAVEncodingTests {
  private let directory = TemporaryDirectory()

  private func read(_ bytes: [UInt8]) throws -> [Int16] {
    try WAVReader.readAll(path: directory.write("a.wav", bytes), limit: 10_000)
  }

  private func file(tag: Int, bits: Int, channels: Int = 1, _ data: [UInt8], extensible: Bool = false)
    -> [UInt8]
  {
    let format =
      extensible
      ? MediaFiles.extensible(subformat: tag, channels: channels, rate: 8_000, bits: bits)
      : MediaFiles.format(tag: tag, channels: channels, rate: 8_000, bits: bits)
    return MediaFiles.riff(MediaFiles.chunk("fmt ", format) + MediaFiles.chunk("data", data))
  }

  private func little(_ value: UInt64, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static let samples: [Int16] = [0, 1, -1, 255, -256, 32_767, -32_768, 12_345, -23_456]

  @Test(arguments: [false, true])
  func wideIntegersLoseTheirLowestBits(_ extensible: Bool) throws {
    for (bits, extra) in [(24, 8), (32, 16)] {
      for low in [0, 1, (1 << extra) - 1] {
        let data = Self.samples.flatMap {
          little(UInt64(bitPattern: Int64($0) << extra | Int64(low)), bits / 8)
        }
        #expect(try read(file(tag: 1, bits: bits, data, extensible: extensible)) == Self.samples)
      }
    }
  }

  @Test func eightBitsAreUnsigned() throws {
    #expect(try read(file(tag: 1, bits: 8, [128, 129, 127, 255, 0])) == [0, 256, -256, 32_512, -32_768])
  }

  @Test func floatingPointIsScaledRoundedAndHeld() throws {
    let values: [(Double, Int16)] = [
      (0, 0), (0.5, 16_384), (-1, -32_768), (1, 32_767), (1.5, 32_767), (-7, -32_768), (1.4 / 32_768, 1),
      (1.6 / 32_768, 2), (-1.6 / 32_768, -2), (.infinity, 32_767), (-.infinity, -32_768), (.nan, 0),
    ]
    let wide = values.flatMap { little($0.0.bitPattern, 8) }
    let narrow = values.flatMap { little(UInt64(Float($0.0).bitPattern), 4) }
    #expect(try read(file(tag: 3, bits: 64, wide)) == values.map(\.1))
    #expect(try read(file(tag: 3, bits: 32, narrow)) == values.map(\.1))
    #expect(try read(file(tag: 3, bits: 32, narrow, extensible: true)) == values.map(\.1))
  }

  @Test func stereoOfAnyWidthIsTheMean() throws {
    let pairs = [(10, 20), (-1, -2), (300, -300)]
    for bits in [16, 24, 32] {
      let data = pairs.flatMap { [$0.0, $0.1] }.flatMap {
        little(UInt64(bitPattern: Int64($0) << (bits - 16)), bits / 8)
      }
      #expect(try read(file(tag: 1, bits: bits, channels: 2, data)) == [15, -2, 0])
    }
  }

  @Test func moreThanOnePieceIsConverted() throws {
    let samples = (0..<5_001).map { Int16($0) }
    #expect(try read(file(tag: 1, bits: 24, samples.flatMap { little(UInt64($0) << 8, 3) })) == samples)
  }

  @Test(arguments: [0x8000_0000, 0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF])
  func anUnknownLengthGoesToTheEnd(_ size: Int) throws {
    let format = MediaFiles.chunk("fmt ", MediaFiles.format())
    let bytes = MediaFiles.riff(format + MediaFiles.chunk("data", MediaFiles.samples([8, 9]), size: size))
    #expect(try read(bytes) == [8, 9])
  }

  @Test func aRecorderThatWasKilledLeftALengthOfZero() throws {
    let format = MediaFiles.chunk("fmt ", MediaFiles.format())
    let data = MediaFiles.chunk("data", MediaFiles.samples([8, 9, 10]), size: 0)
    for riff in [0, 8, 36] {
      let bytes = Array("RIFF".utf8) + MediaFiles.little32(riff) + Array("WAVE".utf8) + format + data
      #expect(try read(bytes) == [8, 9, 10])
    }
    // A file that was closed, and holds no sound.
    let closed = MediaFiles.riff(format + MediaFiles.chunk("data", []) + MediaFiles.chunk("LIST", [1, 2]))
    #expect(throws: SensingError.self) { _ = try read(closed) }
    #expect(throws: SensingError.self) {
      _ = try read(MediaFiles.riff(format + MediaFiles.chunk("data", [])))
    }
  }

  @Test(arguments: ["RF64", "BW64"])
  func lengthsOf64BitsStandInAChunkOfTheirOwn(_ name: String) throws {
    let data = MediaFiles.samples([3, 4, 5])
    func bytes(_ promised: UInt64) -> [UInt8] {
      let sizes = little(100, 8) + little(promised, 8) + little(3, 8) + little(0, 4)
      let chunks =
        MediaFiles.chunk("ds64", sizes) + MediaFiles.chunk("fmt ", MediaFiles.format())
        + MediaFiles.chunk("data", data, size: 0xFFFF_FFFF)
      return Array(name.utf8) + MediaFiles.little32(0xFFFF_FFFF) + Array("WAVE".utf8) + chunks
    }
    #expect(try read(bytes(6)) == [3, 4, 5])
    #expect(try read(bytes(4)) == [3, 4])
    for unknown: UInt64 in [.max, 1 << 63, (1 << 63) - 1, 1 << 40] {
      #expect(try read(bytes(unknown)) == [3, 4, 5])
    }
    #expect(throws: SensingError.self) { _ = try read(bytes(8)) }
  }

  @Test func damagedFilesAreReadOrRefusedAndNeverMore() throws {
    var random = FixedRandom(seed: 3)
    let seeds = [
      file(tag: 1, bits: 24, [1, 2, 3, 4, 5, 6], extensible: true),
      file(tag: 3, bits: 64, channels: 2, [UInt8](repeating: 77, count: 32)),
    ]
    for round in 0..<2_000 {
      let bytes = random.mutate(seeds[round % seeds.count])
      do {
        let samples = try read(bytes)
        #expect(samples.count <= bytes.count)
      } catch is SensingError {}
    }
  }
}

@Suite struct NaturalOrderTests {
  @Test func numbersCountAndLettersFollowTheirBytes() {
    let sorted = [
      "1", "frame", "frame1", "frame01", "frame2", "frame10", "frame10a", "frame10b2", "frame10b10",
      "frame99999999999999999999",
      "frame100000000000000000000", "g",
    ]
    var random = FixedRandom(seed: 4)
    for _ in 0..<50 {
      #expect(sorted.shuffled(using: &random).sorted(by: precedesNaturally).map { $0 } == order(sorted))
    }
  }

  /// As above, but names that are one number are told apart by their bytes.
  private func order(_ names: [String]) -> [String] {
    var names = names
    if let plain = names.firstIndex(of: "frame1"), let padded = names.firstIndex(of: "frame01") {
      names.swapAt(plain, padded)
    }
    return names
  }

  @Test func itIsAnOrder() {
    var random = FixedRandom(seed: 5)
    let letters = Array("a0019".utf8)
    let names = (0..<60).map { _ in
      String(
        decoding: (0..<Int.random(in: 0...5, using: &random)).map { _ in
          letters.randomElement(using: &random)!
        }, as: UTF8.self)
    }
    for a in names {
      #expect(!precedesNaturally(a, a))
      for b in names where a != b {
        #expect(precedesNaturally(a, b) != precedesNaturally(b, a))
        for c in names where precedesNaturally(a, b) && precedesNaturally(b, c) {
          #expect(precedesNaturally(a, c))
        }
      }
    }
  }
}
