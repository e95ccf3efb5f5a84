import Testing

@testable import Ledger

@Suite struct LedgerStampTests {
  private func text(_ nanoseconds: Int64) -> String {
    RFC3339(unixNanoseconds: nanoseconds).quoted.span.withUnsafeBufferPointer {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000000Z"),
    (-1, "1969-12-31T23:59:59.999999999Z"),
    (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
    (1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999999Z"),
    (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
    (Int64.max, "2262-04-11T23:47:16.854775807Z"),
    (Int64.min, "1677-09-21T00:12:43.145224192Z"),
  ])
  func knownInstants(_ nanoseconds: Int64, _ expected: String) {
    #expect(text(nanoseconds) == "\"" + expected + "\"")
  }
}
