import Glibc
import Linux
import Testing

@Suite struct ResidentMemoryTests {
  @Test func textAndConstantsLeaveTheResidentMemory() throws {
    let before = try fileKiB()
    trimText()
    let after = try fileKiB()
    // Other tests fetch theirs back meanwhile: of the tens of megabytes that testing has loaded, most stay out.
    #expect(after < before, "\(before) KiB before, \(after) after")
  }

  /// `RssFile` of /proc/self/status: pages of files that this process has mapped in.
  private func fileKiB() throws -> Int {
    let file = try #require(fopen("/proc/self/status", "re"))
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix("RssFile:") { return try #require(Int(text.filter { $0.isASCII && $0.isNumber })) }
    }
    throw Missing()
  }

  private struct Missing: Error {}
}
