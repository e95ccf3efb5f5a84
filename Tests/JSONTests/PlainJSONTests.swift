import JSON
import Testing

/// What `PlainJSON` reads must be what jansson reads, and what it should read it must not leave to jansson.
@Suite struct PlainJSONTests {
  /// nil where it is left to jansson.
  private func plain(_ text: String, maximumDepth: Int = 20) -> JSONValue? {
    Array(text.utf8).withUnsafeBytes { PlainJSON.value(of: $0, maximumDepth: maximumDepth) }
  }

  private func jansson(_ bytes: [UInt8]) -> JSONValue? {
    bytes.withUnsafeBytes { try? JSONValue.parseByJansson($0) }
  }

  @Test func readsWhatOursIsMadeOf() {
    #expect(plain(#"{"a": [1, -2.5e-3, true, false, null], "b": {"c": "d"}, "e": [], "f": {}}"#) != nil)
    #expect(plain(#"{"\"\\\/\b\f\n\r\t": "{\"x\":\"\\n\"}"}"#) == ["\"\\/\u{8}\u{c}\n\r\t": #"{"x":"\n"}"#])
    #expect(
      plain("[-0, 0, 999999999999999999, -999999999999999999, 0.25, 1E2, 1e+2]")
        == [0, 0, 999_999_999_999_999_999, -999_999_999_999_999_999, 0.25, 100.0, 100.0])
    #expect(plain("[ 1 ,\t2\r\n] ") == [1, 2])
    #expect(plain("[[[1]]]", maximumDepth: 3) == [[[1]]])
  }

  @Test(arguments: [
    "", " [1]", "[1]x", "[1]]", "{}{}", "[1", "[1,]", "[,1]", "{\"a\"}", "{\"a\":1,}", "{a:1}",
    "{\"a\":1,\"a\":2}", "[01]", "[-]",
    "[+1]", "[1.]", "[.5]",
    "[1e]", "[1e999]", "[0x10]", "[tru]", "[truex]", "[nul", "[\"", "[\"\\", "[\"\\x\"]", "[\"\u{1}\"]",
    "[NaN]", "[inf]", "1", "\"a\"",
    "true", "[1}", "{\"a\":1]", "[1 2]", "[\"\\u0041\"]", "[\"\u{e9}\"]", "[9223372036854775807]",
    "\u{feff}[1]",
  ])
  func leavesTheRest(_ text: String) { #expect(plain(text) == nil) }

  @Test func leavesWhatIsTooDeep() {
    #expect(plain("[[[[1]]]]", maximumDepth: 3) == nil)
    #expect(plain("[[1],[[1]]]", maximumDepth: 3) != nil)
    #expect(plain("{\"a\":{\"b\":1}}", maximumDepth: 1) == nil)
  }

  @Test func longObjectsKeepTheirKeysApart() throws {
    let keys = (0..<40).map { "key\($0)" }
    let text = "{" + keys.map { "\"\($0)\": \"\($0)\"" }.joined(separator: ",") + "}"
    guard case .object(let object)? = plain(text) else {
      return #expect(Bool(false), "an object is expected")
    }
    #expect(object.members.map(\.key) == keys)
    #expect(keys.allSatisfy { object[$0] == .string($0) })
    #expect(object["key40"] == nil)
    for key in keys {
      #expect(plain(text.dropLast() + ",\"\(key)\":1}") == nil)
      #expect(throws: JSONError.self) { try JSONValue.parse(text.dropLast() + ",\"\(key)\":1}") }
    }
  }

  private static let pieces = Array("[]{},:\"\\0123456789.eE+-truefalsn u\u{1}\u{7f}é".utf8)

  /// Made-up texts, and such texts with a byte or two changed.
  @Test func neverDiffersFromJansson() {
    var dice = Dice(state: 7)
    var (read, left) = (0, 0)
    for _ in 0..<20_000 {
      var bytes = Array(dice.text(depth: 4).utf8)
      for _ in 0..<dice.below(3) where !bytes.isEmpty {
        bytes[dice.below(bytes.count)] = Self.pieces[dice.below(Self.pieces.count)]
      }
      guard let value = bytes.withUnsafeBytes({ PlainJSON.value(of: $0, maximumDepth: 64) }) else {
        left += 1
        continue
      }
      read += 1
      #expect(jansson(bytes) == value, "\(String(decoding: bytes, as: UTF8.self))")
    }
    #expect(read > 5_000 && left > 2_000, "\(read) read, \(left) left")
  }

  private struct Dice {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }

    mutating func text(depth: Int) -> String {
      let space = ["", "", "", " ", "\n"][below(5)]
      let kinds = depth == 4 ? 2 : depth > 0 ? 9 : 7
      switch kinds == 2 ? 7 + below(2) : below(kinds) {
      case 0: return "\(below(2) == 0 ? "-" : "")\(below(1_000_000))"
      case 1:
        return
          "\(below(100)).\(below(100_000))\(["", "", "e5", "E-7", "e+300", below(20) == 0 ? "e400" : "E0"][below(6)])"
      case 2: return ["true", "false", "null"][below(3)]
      case 3...6:
        let pieces = ["a", "key", "\\n", "\\\"", "\\\\", " ", "{", "~", "\\/", "é", "\\u00e9"]
        return "\"" + (0..<below(4)).map { _ in pieces[below(below(40) == 0 ? 11 : 9)] }.joined() + "\""
      case 7:
        return "[" + space + (0..<below(4)).map { _ in text(depth: depth - 1) }.joined(separator: "," + space)
          + "]"
      default:
        let members = (0..<below(12)).map {
          "\"k\(below(60) == 0 ? 0 : $0)\"" + space + ":" + text(depth: depth - 1)
        }
        return "{" + members.joined(separator: space + ",") + space + "}"
      }
    }
  }
}
