import Glibc
import JSON
import Testing
import Vocabulary

@testable import Ledger

/// Records that are read from their bytes, held against the tree that reads all.
@Suite struct PlainRecordTests {
  private func audited(_ directory: TemporaryDirectory, readsPlain: Bool) throws -> (AuditReport, Auditor) {
    var auditor = Auditor(readsPlain: readsPlain)
    for segment in try Segment.list(in: directory.path) { try auditor.read(segment, hashing: true) }
    return (auditor.finish(directory.path), auditor)
  }

  /// Whatever stands in the ledger, both ways tell the same; how many records went without a tree.
  @discardableResult
  private func compare(_ directory: TemporaryDirectory, _ comment: Comment) throws -> Int {
    let (report, one) = try audited(directory, readsPlain: true)
    let (expected, other) = try audited(directory, readsPlain: false)
    try #require(report == expected, comment)
    try #require(other.plainRecords == 0)
    let same =
      one.last?.end == other.last?.end && one.last?.type == other.last?.type
      && one.last?.findings == other.last?.findings && one.last?.follows == other.last?.follows
      && one.previous == other.previous && one.expected == other.expected && one.size == other.size
      && one.lines == other.lines && one.leftOutTotals == other.leftOutTotals
      && one.prefix.digest == other.prefix.digest && one.told.map(\.sequence) == other.told.map(\.sequence)
    try #require(same, comment)
    return one.plainRecords
  }

  /// What comes in masses goes without a tree; else the audit is slow, and nothing tells.
  @Test func whatTheDaemonWritesNeedsNoTree() throws {
    for compresses in [false, true] {
      let directory = TemporaryDirectory()
      var options = eager(segmentBytes: 16 << 10)
      options.compresses = compresses
      try writeMixed(600, in: directory, options: options)
      let plain = try compare(directory, "as written")
      let report = try audit(directory.path)
      #expect(report.passes)
      let others = ["start", "stop", "gap"].reduce(0) { $0 + (report.types[BytewiseText($1)] ?? 0) }
      // A name is taken up by the tree; and the state of a sensor has an escape here.
      let names = report.totals.accounts.count + report.totals.exits.count + report.totals.modalities.count
      let states = report.types["state"] ?? 0
      #expect(report.records - plain <= others + names + states + 2, "\(plain) of \(report.records)")
      for type in ["decision", "wake", "sleep", "audit", "meter", "event"] {
        #expect(report.types[BytewiseText(type)] ?? 0 > 5, "\(type)")
      }
    }
  }

  private static let values = [
    "1e5", "-0", "01", "9223372036854775808", "999999999999999999", "9999999999999999999", "1.0", "1.", ".5",
    "1e400",
    "-1", "null", "true", "nul", "\"x\"", "\"\"", "[]", "{}", "[1,]", "{\"a\":1,\"a\":2}", "\"\\u0041\"",
    "\"\\u0000\"",
    "\"é\"", "\"\u{7F}\"", "\"\t\"", " 1", "1 ", "[[[[[[[[[[[[1]]]]]]]]]]]]", "0", "2", "{\"fusion\":true}",
    "{\"exit\":1}",
  ].map { Array($0.utf8) }

  private func mutated(_ line: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var line = line
    guard !line.isEmpty else { return [UInt8.random(in: 0...255, using: &random)] }
    let place = Int.random(in: 0..<line.count, using: &random)
    switch Int.random(in: 0..<8, using: &random) {
    case 0: line[place] ^= UInt8.random(in: 1...255, using: &random)
    case 1:
      line.insert(
        Array("\"\\{}[],:0123456789.eE- \t\u{7F}é".utf8).randomElement(using: &random) ?? 0, at: place)
    case 2: line.removeSubrange(place..<min(line.count, place + Int.random(in: 1...9, using: &random)))
    case 3:
      // A digit more, less or another: the kind of number stays.
      if let digit = line[place...].firstIndex(where: { (0x30...0x39).contains($0) }) {
        line[digit] = UInt8.random(in: 0x30...0x39, using: &random)
      }
    case 4, 5:
      // Another value behind a colon, up to the comma.
      if let colon = line[place...].firstIndex(of: UInt8(ascii: ":")) {
        let end =
          line[(colon + 1)...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") } ?? line.count
        line.replaceSubrange((colon + 1)..<end, with: Self.values.randomElement(using: &random) ?? [])
      }
    case 6:
      // A member that stands there twice.
      let members = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      let member = members.randomElement(using: &random) ?? []
      if let comma = line[place...].firstIndex(of: UInt8(ascii: ",")) {
        line.insert(contentsOf: [UInt8(ascii: ",")] + member, at: comma)
      }
    default:
      // Members in another order.
      var members = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      members.swapAt(
        Int.random(in: 0..<members.count, using: &random), Int.random(in: 0..<members.count, using: &random))
      line = Array(members.joined(separator: [UInt8(ascii: ",")]))
    }
    return line.filter { $0 != UInt8(ascii: "\n") }
  }

  /// 1,000 damaged ledgers, most of them with a chain that holds; MMEXIT_EDITS has another number.
  @Test func bothWaysTellTheSameOfDamagedLedgers() throws {
    let count = getenv("MMEXIT_EDITS").flatMap { Int(String(cString: $0)) } ?? 1000
    let directory = TemporaryDirectory()
    try writeMixed(16, in: directory)
    let path = try firstSegment(directory)
    let original = lines(of: contents(of: path))
    var random = SeededGenerator(state: 77)
    var (passed, plain) = (0, 0)
    for round in 0..<count {
      var records = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<records.count, using: &random)
        records[place] = mutated(records[place], &random)
      }
      if round % 10 == 0 { records.insert(records[round % records.count], at: round % 7) }
      var previous = Digest.zero
      if round % 4 > 0 { records = chainedAnew(records, behind: &previous) }
      replace(path, with: text(records))
      plain += try compare(directory, "round \(round)")
      if try audit(directory.path).passes { passed += 1 }
    }
    // Neither side of the comparison is idle.
    #expect(plain > count && passed > 0 && passed < count)
  }

  /// The scanner accepts nothing that the parser refuses.
  @Test func whatIsScannedIsJSON() throws {
    let seeds =
      Self.values
      + [
        #"{"a":1,"b":[true,false,null],"c":{"d":"e","f":-1.5e-07}}"#,
        #"{"modality":"audio","modality_":"x","always_on_nanojoules":12,"always_on_nanojoulez":3,"":0}"#,
        #"[0.04300366,1e99,-12,"text that is longer than eight bytes",{"k":{"k":{"k":[]}}}]"#,
      ].map { Array($0.utf8) }
    var random = SeededGenerator(state: 9)
    var scanner = PlainScanner()
    var accepted = 0
    for round in 0..<30_000 {
      var line = seeds[round % seeds.count]
      for _ in 0..<Int.random(in: 0...3, using: &random) { line = mutated(line, &random) }
      let isScanned = line.withUnsafeBytes { bytes in
        scanner.begin(bytes)
        return scanner.skip() && scanner.isAtEnd
      }
      guard isScanned else { continue }
      accepted += 1
      #expect(throws: Never.self, "\(String(decoding: line, as: UTF8.self))") { try JSONValue.parse(line) }
    }
    #expect(accepted > 3000)
  }
}
