import Testing

@testable import Evaluation

@Suite struct CSVTableTests {
  private func table(_ text: String) throws -> CSVTable { try CSVTable(Array(text.utf8)) }

  @Test func quotesLineEndsAndEmptyCells() throws {
    let t = try table("\u{FEFF}label,audio\r\n\"a,b\",\"say \"\"yes\"\"\"\r\n\r\nc,\nd,\"two\nlines\"\n")
    #expect(t.header == ["label", "audio"])
    #expect(t.rows.map(\.cells) == [["a,b", "say \"yes\""], ["c", ""], ["d", "two\nlines"]])
    #expect(t.rows.map(\.line) == [2, 4, 5])
  }

  @Test func lastLineWithoutEndIsARow() throws {
    #expect(try table("label,x\na,b").rows.count == 1)
  }

  @Test func faultsNameTheLine() {
    #expect(
      throws: CSVTable.Fault(line: 3, message: "has 3 cells where the header has 2; give every row as many")
    ) {
      try table("label,x\na,b\na,b,c\n")
    }
    #expect(
      throws: CSVTable.Fault(
        line: 2, message: "a quote is opened and never closed; close it, or double it to mean itself")
    ) {
      try table("label,x\n\"a,b\n")
    }
    #expect(throws: CSVTable.Fault.self) { try table("") }
    #expect(throws: CSVTable.Fault(line: 2, message: "is not UTF-8 text; save it as UTF-8")) {
      try CSVTable([0x61, 0x0A, 0xFF, 0x0A])
    }
  }

  @Test func randomBytesNeverTrap() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let alphabet: [UInt8] = [0x22, 0x2C, 0x0A, 0x0D, 0x61, 0xC3, 0xA9, 0x00]
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement()! }
      if let t = try? CSVTable(bytes) { #expect(t.rows.allSatisfy { $0.cells.count == t.header.count }) }
    }
  }
}
