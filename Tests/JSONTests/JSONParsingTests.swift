import JSON
import Testing

@Suite struct JSONParsingTests {
  @Test func readsEveryKindAndKeepsTheOrderOfMembers() throws {
    let value = try JSONValue.parse(#"{"z": [1, -2.5, true, false, null], "a": {"ü": "\u00e9\n"}}"#)
    #expect(value == ["z": [1, -2.5, true, false, nil], "a": ["ü": "é\n"]])
    guard case .object(let object) = value else { return #expect(Bool(false), "an object is expected") }
    #expect(object.members.map(\.key) == ["z", "a"])
  }

  @Test func integersAreExactAndDistinctFromReals() throws {
    #expect(try JSONValue.parse("9223372036854775807") == .integer(.max))
    #expect(try JSONValue.parse("-9223372036854775808") == .integer(.min))
    #expect(try JSONValue.parse("9007199254740993") == .integer(9_007_199_254_740_993))
    #expect(try JSONValue.parse("1.0") == .real(1))
    #expect(try JSONValue.parse("1e2") == .real(100))
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "nul", "01", "+1", "1 2", "\"\\u0000\"", "'a'",
    "NaN",
    "9223372036854775808", "1e999", "[1}", "\"\u{1}\"", "\"\\ud800\"", "{1:2}", "// c\n1",
  ])
  func refusesWhatIsNotOneSoundText(_ text: String) {
    #expect(throws: JSONError.self) { try JSONValue.parse(text) }
  }

  @Test func refusesTextThatIsNotUTF8() {
    #expect(throws: JSONError.self) { try JSONValue.parse([0x22, 0xff, 0x22] as [UInt8]) }
  }

  @Test func saysLineAndColumn() {
    let error = #expect(throws: JSONError.self) { try JSONValue.parse("{\"a\": 1,\n  \"b\": ?}") }
    guard case .syntax(let line, let column)? = error?.kind else {
      return #expect(Bool(false), "a syntax error is expected")
    }
    #expect(line == 2)
    #expect((7...8).contains(column))
    #expect(error?.description.hasPrefix("line 2, column ") == true)
  }

  @Test func boundsSizeAndDepthBeforeParsing() throws {
    let deep = String(repeating: "[", count: 10) + String(repeating: "]", count: 10)
    #expect(try JSONValue.parse(deep, maximumDepth: 10) != .null)
    #expect(#expect(throws: JSONError.self) { try JSONValue.parse(deep, maximumDepth: 9) }?.kind == .tooDeep)
    let unclosed = String(repeating: "[", count: 1_000_000)
    #expect(#expect(throws: JSONError.self) { try JSONValue.parse(unclosed) }?.kind == .tooDeep)
    #expect(try JSONValue.parse(#"["[[[[\"[[["]"#, maximumDepth: 1) == ["[[[[\"[[["])
    #expect(try JSONValue.parse("[1]", maximumBytes: 3) == [1])
    #expect(
      #expect(throws: JSONError.self) { try JSONValue.parse("[12]", maximumBytes: 3) }?.kind == .tooLarge)
  }

  @Test func survivesEveryTruncationAndEveryBitFlip() throws {
    let text = Array(#"{"k":[1,-2.5e3,"a\u00e9\n",{"x":null,"y":true}]}"#.utf8)
    for length in 0..<text.count {
      #expect(throws: JSONError.self) { try JSONValue.parse(Array(text[..<length])) }
    }
    for index in text.indices {
      for bit in 0..<8 {
        var broken = text
        broken[index] ^= 1 << UInt8(bit)
        // Either outcome will do; what may not happen is a crash or a tree that cannot be written again.
        if let value = try? JSONValue.parse(broken) { #expect(try JSONValue.parse(value.text) == value) }
      }
    }
  }

  /// jansson tells keys apart by their bytes, as RFC 8259 does; Swift's strings do not.
  @Test func keysThatOnlyLookTheSameAreTwo() throws {
    let text = "{\"\u{e9}\": 1, \"e\u{301}\": 2, \"K\": 3, \"\u{212a}\": 4}"
    guard case .object(let object) = try JSONValue.parse(text) else {
      return #expect(Bool(false), "an object is expected")
    }
    #expect(object.count == 4)
    #expect(object["\u{e9}"] == 1 && object["e\u{301}"] == 2 && object["K"] == 3 && object["\u{212a}"] == 4)
    #expect(try JSONValue.parse(JSONValue.object(object).text) == .object(object))
    #expect(object != ["\u{e9}": 1, "e\u{301}": 2, "K": 3, "K\u{301}": 4])
    #expect(JSONValue.string("\u{e9}") != .string("e\u{301}"))
    #expect(["\u{e9}": 1] as JSONValue != ["e\u{301}": 1])
    #expect(throws: JSONError.self) { try JSONValue.parse(#"{"\u00e9": 1, "é": 2}"#) }
  }

  @Test func whatIsReadCanBeWrittenAgain() throws {
    let depth = JSONValue.defaultMaximumDepth
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      let text = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
      #expect(try JSONValue.parse(text).text == text)
      #expect(
        #expect(throws: JSONError.self) { try JSONValue.parse(open + text + close) }?.kind == .tooDeep)
    }
  }
}
