import Linux
import Testing

@testable import Sensing

@Suite struct WAVReaderTests {
  private let directory = TemporaryDirectory()

  private func read(_ bytes: [UInt8], expecting rate: Int? = nil, limit: Int = 1_000) throws -> [Int16] {
    try WAVReader.readAll(path: directory.write("a.wav", bytes), expecting: rate, limit: limit)
  }

  private func refusal(_ bytes: [UInt8], expecting rate: Int? = nil) throws -> SensingError.Kind? {
    do {
      _ = try read(bytes, expecting: rate)
      return nil
    } catch let error as SensingError { return error.kind }
  }

  @Test func monoComesOutAsItIs() throws {
    let samples: [Int16] = [0, 1, -1, 32_767, -32_768, 258]
    #expect(try read(MediaFiles.wav(samples), expecting: 16_000) == samples)
  }

  @Test func stereoIsTheMeanRoundedDown() throws {
    let bytes = MediaFiles.wav([10, 20, -1, -2, 32_767, 32_767, -32_768, 32_767], channels: 2)
    #expect(try read(bytes) == [15, -2, 32_767, -1])
  }

  @Test func stereoLongerThanOneStepIsReadWhole() throws {
    let samples = (0..<10_001).map { Int16($0 % 3_000) }
    let bytes = MediaFiles.wav(samples.flatMap { [$0, $0] }, channels: 2)
    #expect(try read(bytes, limit: 20_000) == samples)
  }

  @Test func extensibleFormatIsReadByItsSubformat() throws {
    let data = MediaFiles.chunk("data", MediaFiles.samples([5, 7]))
    let pcm = MediaFiles.chunk("fmt ", MediaFiles.extensible(subformat: 1, channels: 1, rate: 8_000))
    #expect(try read(MediaFiles.riff(pcm + data), expecting: 8_000) == [5, 7])
    let float = MediaFiles.chunk("fmt ", MediaFiles.extensible(subformat: 3, channels: 1, rate: 8_000))
    #expect(
      try refusal(MediaFiles.riff(float + data))
        == .unsupported("16-bit floating point", use: "PCM of 8 to 32 bits or floating point"))
  }

  @Test func otherChunksAndOddPaddingAreWalkedOver() throws {
    let bytes = MediaFiles.riff(
      MediaFiles.chunk("LIST", [1, 2, 3]) + MediaFiles.chunk("fmt ", MediaFiles.format() + [0, 0])
        + MediaFiles.chunk("bext", [9]) + MediaFiles.chunk("data", MediaFiles.samples([3, 4])))
    #expect(try read(bytes) == [3, 4])
  }

  @Test func dataOfUnknownLengthGoesToTheEnd() throws {
    let data = MediaFiles.chunk("data", MediaFiles.samples([8, 9]) + [1], size: 0xFFFF_FFFF)
    #expect(try read(MediaFiles.riff(MediaFiles.chunk("fmt ", MediaFiles.format()) + data)) == [8, 9, 1])
  }

  @Test func lengthsThatWereNeverFilledInGoToTheEnd() throws {
    let format = MediaFiles.chunk("fmt ", MediaFiles.format())
    let open = MediaFiles.chunk("data", MediaFiles.samples([8, 9]), size: 0)
    for whole in [8, 36, 0x7FFF_F024, 0x7FFF_FFFF, 0x8000_0024, 0xFFFF_FFFF] {
      #expect(try read(MediaFiles.riff(format + open, size: whole)) == [8, 9], "RIFF of \(whole)")
    }
    // FFmpeg's -rf64 always leaves ds64 as zeros until it ends.
    let large = MediaFiles.chunk("ds64", [UInt8](repeating: 0, count: 28)) + format
    let data = MediaFiles.chunk("data", MediaFiles.samples([8, 9]), size: 0xFFFF_FFFF)
    #expect(try read(MediaFiles.riff(large + data, name: "RF64", size: 0xFFFF_FFFF)) == [8, 9])
  }

  @Test func oddChunksWithoutPaddingAreWalkedOver() throws {
    let format = MediaFiles.chunk("fmt ", MediaFiles.format())
    let data = MediaFiles.chunk("data", MediaFiles.samples([3, 4]))
    let odd = Array(MediaFiles.chunk("LIST", [1, 2, 3]).dropLast())
    #expect(try read(MediaFiles.riff(odd + format + data)) == [3, 4])
    #expect(try read(MediaFiles.riff(format + odd + data)) == [3, 4])
    // Padding that is no zero is padding all the same.
    #expect(try read(MediaFiles.riff(format + odd + [0x78] + data)) == [3, 4])
  }

  @Test func partsAreReadWhereAsked() throws {
    let reader = try WAVReader(path: directory.write("a.wav", MediaFiles.wav([0, 1, 2, 3, 4, 5])))
    var buffer = [Int16](repeating: -1, count: 4)
    let middle = try buffer.withUnsafeMutableBufferPointer { try reader.read(from: 1, into: $0) }
    #expect(middle == 4)
    #expect(buffer == [1, 2, 3, 4])
    let tail = try buffer.withUnsafeMutableBufferPointer { try reader.read(from: 4, into: $0) }
    #expect(tail == 2)
    #expect(buffer == [4, 5, 3, 4])
    #expect(try buffer.withUnsafeMutableBufferPointer { try reader.read(from: 6, into: $0) } == 0)
  }

  @Test func refusesWhatItIsNotByName() throws {
    let format = MediaFiles.chunk("fmt ", MediaFiles.format())
    let data = MediaFiles.chunk("data", MediaFiles.samples([1]))
    #expect(try refusal([]) == .empty)
    #expect(try refusal(Array("hello, this is text".utf8)) == .wrongType(expected: "a RIFF/WAVE file"))
    #expect(
      try refusal(MediaFiles.wav([1], rate: 8_000), expecting: 16_000)
        == .wrongRate(found: 8_000, wanted: 16_000))
    #expect(try refusal(MediaFiles.riff(data + format)) == .malformed("data before its format"))
    #expect(try refusal(MediaFiles.riff(format)) == .malformed("no data chunk"))
    #expect(try refusal(MediaFiles.wav([])) == .malformed("no samples in its data chunk"))
    #expect(
      try refusal(MediaFiles.riff(MediaFiles.chunk("fmt ", MediaFiles.format(bits: 40)) + data))
        == .unsupported("40-bit PCM", use: "PCM of 8 to 32 bits or floating point"))
    let wide = MediaFiles.chunk("fmt ", MediaFiles.format(bits: 24, block: 4))
    #expect(
      try refusal(MediaFiles.riff(wide + data))
        == .unsupported(
          "24-bit PCM in 4 bytes", use: "arecord -f S24_3LE or S32_LE, which every program understands"))
    #expect(
      try refusal(MediaFiles.riff(MediaFiles.chunk("fmt ", MediaFiles.format(channels: 6)) + data))
        == .unsupported("sound with 6 channels", use: "mono or stereo"))
    #expect(
      try refusal(MediaFiles.riff(MediaFiles.chunk("fmt ", MediaFiles.format(tag: 7, bits: 8)) + data))
        == .unsupported("mu-law", use: "PCM of 8 to 32 bits or floating point"))
  }

  @Test func refusesTruncatedDataWithBothSizes() throws {
    let whole = MediaFiles.wav([1, 2, 3, 4])
    #expect(try refusal(Array(whole.dropLast(3))) == .truncated(promised: 52, found: 49))
  }

  @Test func refusesMoreThanTheLimitBeforeReading() throws {
    #expect(throws: SensingError.self) { try self.read(MediaFiles.wav([1, 2, 3]), limit: 2) }
  }

  @Test func errorsAreOneLineWithPathReasonAndRemedy() throws {
    let path = try directory.write("b.wav", MediaFiles.wav([1], rate: 8_000))
    let error = #expect(throws: SensingError.self) { _ = try WAVReader(path: path, expecting: 16_000) }
    #expect(
      error?.description
        == "\(path): sound at 8000 Hz where 16000 Hz is wanted; resample it (sox IN -r 16000 OUT)")
    let absent = #expect(throws: SensingError.self) { _ = try WAVReader(path: "/nowhere/a.wav") }
    #expect(absent?.description == "/nowhere/a.wav: No such file or directory (open); check the path")
    let folder = #expect(throws: SensingError.self) { _ = try WAVReader(path: self.directory.path) }
    #expect(folder?.kind == .wrongType(expected: "a regular file"))
  }

  @Test func damagedFilesAreReadOrRefusedAndNeverMore() throws {
    var random = FixedRandom(seed: 1)
    let seeds = [
      MediaFiles.wav([1, 2, 3, 4]),
      MediaFiles.riff(
        MediaFiles.chunk("LIST", [1, 2, 3])
          + MediaFiles.chunk("fmt ", MediaFiles.extensible(subformat: 1, channels: 2, rate: 44_100))
          + MediaFiles.chunk("data", MediaFiles.samples([1, 2, 3, 4]))),
    ]
    var refused = 0
    for round in 0..<2_000 {
      let bytes = random.mutate(seeds[round % seeds.count])
      do {
        let samples = try read(bytes, limit: 1 << 20)
        #expect(samples.count * 2 <= bytes.count)
      } catch is SensingError { refused += 1 }
    }
    #expect(refused > 500)
  }
}
