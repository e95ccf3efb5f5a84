import Testing

@testable import Sensing

@Suite struct PNMReaderTests {
  private func decode(_ header: String, _ pixels: [UInt8]) throws(SensingError) -> Picture {
    try PNMReader.decode(Array(header.utf8) + pixels, path: "p.pgm")
  }

  private func refusal(_ header: String, _ pixels: [UInt8] = []) -> SensingError.Kind? {
    do throws(SensingError) {
      _ = try decode(header, pixels)
      return nil
    } catch { return error.kind }
  }

  @Test func greyAndColourComeOutAsTheyAre() throws {
    let grey = try decode("P5\n2 1\n255\n", [7, 250])
    #expect((grey.width, grey.height, grey.channels, grey.pixels) == (2, 1, 1, [7, 250]))
    let colour = try decode("P6 1 2 255 ", [1, 2, 3, 4, 5, 6])
    #expect((colour.width, colour.height, colour.channels, colour.pixels) == (1, 2, 3, [1, 2, 3, 4, 5, 6]))
  }

  @Test func commentsMayStandBetweenAllWords() throws {
    #expect(try decode("P5# one\n # two 9 9\n2#three\n 1 #\n\t255\n", [1, 2]).pixels == [1, 2])
  }

  @Test func smallerLargestValuesAreScaled() throws {
    #expect(try decode("P5 4 1 15\n", [0, 7, 15, 200]).pixels == [0, 119, 255, 255])
  }

  @Test func samplesOfTwoBytesAreScaled() throws {
    let grey = try decode("P5 4 1 65535\n", [0, 0, 0, 128, 127, 255, 255, 255])
    #expect(grey.pixels == [0, 0, 127, 255])
    #expect(try decode("P5 3 1 1023\n", [1, 0, 3, 255, 9, 9]).pixels == [64, 255, 255])
    #expect(try decode("P6 1 1 256 ", [0, 1, 0, 128, 1, 0]).pixels == [1, 128, 255])
  }

  @Test func pixelsMayLookLikeSpaceAndMoreMayFollow() throws {
    #expect(try decode("P5 2 1 255\n", [10, 35, 99]).pixels == [10, 35])
  }

  @Test func refusesWhatItIsNotByName() {
    #expect(refusal("") == .empty)
    #expect(refusal("GIF89a") == .wrongType(expected: "a PGM, PPM or PAM file"))
    #expect(
      refusal("P2 1 1 255 ", [49])
        == .unsupported("netpbm's P2", use: "binary PGM (P5), PPM (P6) or PAM (P7)"))
    #expect(refusal("P5 1 1 65535 ", [0]) == .truncated(promised: 15, found: 14))
    #expect(refusal("P5 1 1 65536 ", [0, 0]) == .malformed("largest value 65536"))
    #expect(refusal("P5 1 1 0 ", [0]) == .malformed("largest value 0"))
    #expect(refusal("P5 0 1 255 ", [0]) == .malformed("picture of 0 x 1 pixels"))
    #expect(refusal("P5 99999999999 1 255 ", [0]) == .malformed("picture header"))
    #expect(refusal("P5 1 1") == .malformed("picture header"))
    #expect(refusal("P5 1 1 255x", [0]) == .malformed("picture header"))
    #expect(refusal("P6 8192 8192 255\n", [0]) == .truncated(promised: 17 + 3 * 8_192 * 8_192, found: 18))
  }

  @Test(arguments: [
    Array("P6\n# c\n2 2\n255\n".utf8) + [UInt8](0..<12),
    Array("P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n".utf8)
      + [UInt8](repeating: 255, count: 8),
  ])
  func damagedFilesAreReadOrRefusedAndNeverMore(_ seed: [UInt8]) {
    var random = FixedRandom(seed: 3)
    var refused = 0
    for _ in 0..<5_000 {
      let bytes = random.mutate(seed)
      do throws(SensingError) {
        let picture = try PNMReader.decode(bytes, path: "p")
        #expect(picture.pixels.count == picture.width * picture.height * picture.channels)
        #expect(picture.pixels.count <= bytes.count)
      } catch { refused += 1 }
    }
    #expect(refused > 1_000)
  }
}
