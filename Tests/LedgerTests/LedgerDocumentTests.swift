import Energy
import Testing

@testable import Ledger
@testable import Wire

/// docs/ledger.md against the code: figures that both state are the same.
@Suite struct LedgerDocumentTests {
  private func document() throws -> String {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let path = folder.joined(separator: "/") + "/docs/ledger.md"
    let bytes = contents(of: path)
    try #require(!bytes.isEmpty, "\(path) is not there")
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func sizesAndIntervals() throws {
    let text = try document()
    let options = LedgerOptions()
    #expect(text.contains("(\(options.segmentBytes >> 20) MiB unless configured)"))
    #expect(text.contains("a buffer (\(options.bufferBytes >> 10) KiB)"))
    #expect(text.contains("A record is at most \(LedgerOptions.maximumRecordBytes >> 10) KiB"))
    #expect(
      text.contains("flush interval (\(options.flushInterval.count / 1_000_000_000) s unless configured)"))
  }

  @Test func everyRecordTypeIsDescribed() throws {
    let text = try document()
    for type in RecordType.allCases { #expect(text.contains("`\(type.rawValue)`"), "\(type)") }
  }

  @Test func theTableOfBoardsIsTheOneInForce() throws {
    let text = try document()
    func grouped(_ number: Int64) -> String {
      var digits = String(number)
      var groups: [String] = []
      while digits.count > 3 {
        groups.insert(String(digits.suffix(3)), at: 0)
        digits.removeLast(3)
      }
      return ([digits] + groups).joined(separator: ",")
    }
    for board in Board.allCases {
      let row =
        "| `\(board.rawValue)` | \(Int(board.picojoulesPerMac)) | \(Int(board.picojoulesPerByte)) | "
        + "\(grouped(board.features(.sound).count)) | \(grouped(board.features(.image).count)) |"
      #expect(text.contains(row), "\(row)")
    }
  }
}
