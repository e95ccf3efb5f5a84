import Testing

@testable import Sensing

/// netpbm's PAM, as pamtopng, FFmpeg and ImageMagick write it.
@Suite struct PAMReaderTests {
  private func pam(
    _ depth: Int, _ kind: String?, largest: Int = 255, width: Int = 2, extra: String = ""
  ) -> String {
    "P7\n\(extra)WIDTH \(width)\nHEIGHT 1\nDEPTH \(depth)\nMAXVAL \(largest)\n"
      + (kind.map { "TUPLTYPE \($0)\n" } ?? "") + "ENDHDR\n"
  }

  private func decode(_ header: String, _ pixels: [UInt8]) throws(SensingError) -> Picture {
    try PNMReader.decode(Array(header.utf8) + pixels, path: "p.pam")
  }

  private func refusal(_ header: String, _ pixels: [UInt8] = Array(repeating: 255, count: 16)) -> SensingError
    .Kind?
  {
    do throws(SensingError) {
      _ = try decode(header, pixels)
      return nil
    } catch { return error.kind }
  }

  @Test func greyAndColourComeOutAsTheyAre() throws {
    let grey = try decode(pam(1, "GRAYSCALE"), [7, 250])
    #expect((grey.width, grey.height, grey.channels, grey.pixels) == (2, 1, 1, [7, 250]))
    let colour = try decode(pam(3, "RGB"), [1, 2, 3, 4, 5, 6, 99])
    #expect((colour.width, colour.height, colour.channels, colour.pixels) == (2, 1, 3, [1, 2, 3, 4, 5, 6]))
    #expect(try decode(pam(1, "BLACKANDWHITE", largest: 1), [0, 1]).pixels == [0, 255])
    #expect(try decode(pam(1, "GRAYSCALE", largest: 65_535), [0, 128, 255, 255]).pixels == [0, 255])
  }

  @Test func depthSaysItWhereNoKindIsGiven() throws {
    #expect(try decode(pam(1, nil), [1, 2]).channels == 1)
    #expect(try decode(pam(3, nil), [1, 2, 3, 4, 5, 6]).channels == 3)
    #expect(
      refusal(pam(4, nil)) == .unsupported("a PAM of 4 channels without a name", use: "GRAYSCALE or RGB"))
  }

  @Test func commentsEmptyLinesAndCarriageReturnsAreStepped() throws {
    let header = pam(1, "GRAYSCALE", extra: "# ENDHDR\n\n  #x\n")
    #expect(try decode(header, [10, 35]).pixels == [10, 35])
    // As a string, "\r\n" would be one character.
    let lines = header.utf8.flatMap { $0 == 10 ? [13, 10] : [$0] }
    #expect(try PNMReader.decode(lines + [10, 35], path: "p").pixels == [10, 35])
  }

  @Test func transparencyThatHidesNothingIsLeftOutAndAnyOtherRefused() throws {
    #expect(try decode(pam(2, "GRAYSCALE_ALPHA"), [1, 255, 2, 255]).pixels == [1, 2])
    let colour = try decode(pam(4, "RGB_ALPHA"), [1, 2, 3, 255, 4, 5, 6, 255])
    #expect((colour.channels, colour.pixels) == (3, [1, 2, 3, 4, 5, 6]))
    let transparent = SensingError.Kind.unsupported(
      "a picture with transparent pixels",
      use: "one on a background (magick IN -background black -flatten OUT)")
    #expect(refusal(pam(2, "GRAYSCALE_ALPHA"), [1, 255, 2, 254]) == transparent)
    #expect(refusal(pam(4, "RGB_ALPHA"), [1, 2, 3, 0, 4, 5, 6, 255]) == transparent)
  }

  @Test func refusesWhatItIsNotByName() {
    #expect(refusal(pam(4, "CMYK")) == .unsupported("a PAM of CMYK", use: "GRAYSCALE or RGB"))
    #expect(refusal(pam(1, "RGB")) == .malformed("RGB of 1 channels"))
    #expect(refusal(pam(4, "RGB")) == .malformed("RGB of 4 channels"))
    #expect(refusal(pam(1, "GRAYSCALE", width: 0)) == .malformed("picture of 0 x 1 pixels"))
    #expect(refusal(pam(1, "GRAYSCALE", largest: 65_536)) == .malformed("largest value 65536"))
    let header = pam(3, "RGB")
    #expect(
      refusal(header, [1, 2]) == .truncated(promised: header.utf8.count + 6, found: header.utf8.count + 2))
    for broken in [
      "P7", "P7 332\n", "P7\nENDHDR\n", "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nENDHDR\n",
      pam(1, nil, extra: "COLOR 1\n"),
      pam(1, nil, extra: "WIDTH\n"), pam(1, nil, extra: "WIDTH 1 2\n"), pam(1, nil, extra: "WIDTH -1\n"),
      pam(1, nil, extra: "WIDTH 9999999999\n"), pam(1, nil, extra: String(repeating: "#\n", count: 2_048)),
      String(pam(1, nil).dropLast(7)),
    ] { #expect(refusal(broken) == .malformed("picture header"), "\(broken.prefix(40))") }
  }
}
