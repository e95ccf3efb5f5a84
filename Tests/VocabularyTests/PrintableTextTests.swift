import Testing
import Vocabulary

@Suite struct PrintableTextTests {
  @Test func whatCommandsATerminalStandsEscaped() {
    #expect("a\nb\r\nc\u{1B}[31md\u{9B}e\u{7F}\té".printable == #"a\nb\r\nc\u{1b}[31md\u{9b}e\u{7f}\té"#)
    #expect("\0\u{2028}\u{2029}".printable == #"\u{0}\u{2028}\u{2029}"#)
    // Right to left, and a mark that is not seen.
    #expect("\u{202E}txt.exe\u{FEFF}".printable == #"\u{202e}txt.exe\u{feff}"#)
  }

  @Test(arguments: ["", "plain", #"C:\new"#, "né", "e\u{301}", "日本", "👩\u{200D}🔬", "नी\u{200C}"])
  func otherTextIsAsItWas(_ text: String) {
    #expect(Array(text.printable.utf8) == Array(text.utf8))
    #expect(Array(text.printableJSON.utf8) == Array(text.utf8))
  }

  @Test func longTextIsClippedBetweenCodePoints() {
    #expect("abc".clipped(to: 3) == "abc")
    #expect("abcd".clipped(to: 3) == "abc...")
    #expect("ab\u{e9}d".clipped(to: 3) == "ab...")
    #expect("日本".clipped(to: 1) == "...")
  }

  @Test func jsonKeepsItsMeaning() {
    #expect("\"\u{7F}\u{9B}\u{202E}\"".printableJSON == #""\u007f\u009b\u202e""#)
    // Beyond the first plane: two units.
    #expect("\u{E0001}".printableJSON == #"\udb40\udc01"#)
  }
}
