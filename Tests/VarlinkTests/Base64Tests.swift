import Testing

@testable import Varlink

@Suite struct Base64Tests {
  /// RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func theStandardsVectors(plain: String, text: String) {
    #expect(Base64.text(Array(plain.utf8)) == text)
    #expect(Base64.bytes(text) == Array(plain.utf8))
  }

  @Test func everyByteComesBack() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(Base64.bytes(Base64.text(bytes)) == bytes)
  }

  @Test(arguments: ["Zg", "Zg=", "Z===", "Zm9!", "Zm\u{e9}="]) func whatIsNoneIsRefused(text: String) {
    #expect(Base64.bytes(text) == nil)
  }
}
