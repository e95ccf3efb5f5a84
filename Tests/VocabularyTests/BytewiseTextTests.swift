import Testing
import Vocabulary

@Suite struct BytewiseTextTests {
  private let composed = "\u{e9}"
  private let decomposed = "e\u{301}"

  @Test func textsThatLookTheSameAreToldApart() {
    #expect(composed == decomposed, "Swift's own equality is that of the eye")
    #expect(BytewiseText(composed) != BytewiseText(decomposed))
    #expect(!composed.hasSameBytes(as: decomposed))
    #expect(composed.hasSameBytes(as: "\u{e9}"[...]))
    // The Kelvin sign is a K to the eye.
    #expect(!"\u{212a}".hasSameBytes(as: "K"))
    #expect(Set<BytewiseText>([BytewiseText(composed), BytewiseText(decomposed)]).count == 2)
    #expect(BytewiseText("ab").hashValue == BytewiseText("ab").hashValue)
  }

  @Test func listsAreSearchedByBytes() {
    #expect([decomposed, composed].firstIndex(bytesOf: composed) == 1)
    #expect(![decomposed].contains(bytesOf: composed))
    #expect(["a", composed].contains(bytesOf: composed))
    #expect([""].firstIndex(bytesOf: "") == 0)
  }

  @Test func wordsAreFoundWhole() {
    for word in ["shape", "scale", "zero_point"] { #expect("shape scale zero_point".hasWord(word)) }
    for word in ["", " ", "shap", "cale", "point", "shape scale", "shape ", "zero_point_"] {
      #expect(!"shape scale zero_point".hasWord(word), "\(word)")
    }
    #expect(!"".hasWord(""))
    #expect(!"a  b".hasWord(""))
    #expect("a \(decomposed)".hasWord(decomposed))
    #expect(!"a \(decomposed)".hasWord(composed))
  }

  @Test func theOrderIsThatOfTheBytes() {
    #expect(
      ["b", "", "\u{e9}", "a", "e\u{301}"].map { BytewiseText($0) }.sorted().map(\.text).map {
        Array($0.utf8)
      }
        == [[], [0x61], [0x62], [0x65, 0xcc, 0x81], [0xc3, 0xa9]])
  }
}
