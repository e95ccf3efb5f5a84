import Testing

@testable import Ledger

@Suite struct SHA256Tests {
  @Test func publishedVectors() {
    // FIPS 180-4 examples.
    #expect(sha256Hex(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      sha256Hex(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      sha256Hex(of: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  @Test func piecesGiveTheDigestOfTheWholeAndTheStateStartsAnew() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var hash = SHA256()
    for cut in [0, 1, 63, 64, 65, 500, 1000] {
      bytes.withUnsafeBytes {
        hash.update(UnsafeRawBufferPointer(rebasing: $0[..<cut]))
        hash.update(UnsafeRawBufferPointer(rebasing: $0[cut...]))
      }
      #expect(hash.finish().hexString == sha256Hex(of: bytes))
    }
  }

  @Test func hexIsReadBackAndNothingElseIs() {
    let text = sha256Hex(of: [1, 2, 3])
    #expect(Digest(hex: text)?.hexString == text)
    #expect(Digest(hex: text.uppercased()) == nil)
    #expect(Digest(hex: String(text.dropLast())) == nil)
    #expect(Digest(hex: text + "0") == nil)
    #expect(Digest(hex: String(repeating: "g", count: 64)) == nil)
    #expect(Digest(hex: String(repeating: "0", count: 64)) == .zero)
  }
}
