import Glibc
import JSON
import Testing
import Vocabulary

@testable import Ledger

@Suite struct AuditTests {
  @Test func totalsAreTheSumsOfTheDecisions() throws {
    let directory = TemporaryDirectory()
    try write(40, in: directory, seed: 11)
    var random = SeededGenerator(state: 11)
    var energy: Int64 = 0
    var macs: Int64 = 0
    var sensing: Int64 = 0
    for number in 1...40 {
      let decision = decision(UInt64(number), &random)
      energy += decision.totalEnergy.count
      macs += decision.macs
      for index in decision.energy.indices where decision.energy[index].account == .sensing {
        sensing += decision.energy[index].energy.count
      }
    }
    let report = try audit(directory.path)
    #expect(report.passes)
    #expect(report.totals.energy == energy)
    #expect(report.totals.macs == macs)
    #expect(report.totals.alwaysOn == 40 * 3_000_000)
    #expect(report.totals.accounts["sensing"] == sensing)
    #expect(report.totals.accounts["segment"] == energy - sensing)
    #expect(report.totals.modalities == ["audio": energy])
    #expect(report.totals.kinds == ["estimated": energy])
    #expect((report.totals.exits["audio.1"] ?? 0) + (report.totals.exits["audio.2"] ?? 0) == 40)
    #expect(report.bytes == contents(of: try firstSegment(directory)).count)
  }

  /// What an audit keeps of a ledger does not grow with it, whoever wrote it.
  @Test func namesWithoutEndAreAFindingAndNotKept() throws {
    let directory = TemporaryDirectory()
    func record(_ number: Int, _ account: String) -> String {
      #"{"schema":1,"type":"decision","seq":\#(number),"prev":"0","energy":[{"account":"\#(account)","kind":"k","#
        + #""nanojoules":1}],"total_nanojoules":1,"always_on_nanojoules":1,"macs":1}"#
    }
    let long = String(repeating: "x", count: 60_000)
    var text = (1...1500).map { record($0, "account \($0)") }
    text += (1501...1600).map { record($0, long + "\($0)") }
    replace(directory.path + "/" + Segment.name(1), with: Array((text.joined(separator: "\n") + "\n").utf8))
    let report = try audit(directory.path)
    #expect(report.records == 1600)
    #expect(report.totals.accounts.count == AuditTotals.maximumNames)
    #expect(report.totals.accounts["account 1000"] == 1 && report.totals.accounts["account 1001"] == nil)
    // What is not told by name is in the sum.
    #expect(report.totals.energy == 1600)
    let strange = report.findings.filter { if case .strangeName = $0.kind { true } else { false } }
    #expect(strange.count > 400 || report.found > report.findings.count)
    #expect(report.findings.allSatisfy { $0.description.utf8.count < 1000 })
  }

  @Test func textWithoutEndIsClipped() throws {
    let directory = TemporaryDirectory()
    let long = String(repeating: "y", count: 25_000)
    let text =
      (1...50).map {
        #"{"schema":1,"type":"gap","seq":\#($0),"prev":"0","cause":"\#(long)","\#(long)":1}"#
      } + [#"{"schema":1,"type":"decision","seq":51,"prev":"0","energy":[{"\#(long)":1}]}"#]
    replace(directory.path + "/" + Segment.name(1), with: Array((text.joined(separator: "\n") + "\n").utf8))
    let report = try audit(directory.path)
    #expect(report.records == 51 && report.gaps.count == 50)
    #expect(report.gaps.allSatisfy { $0.utf8.count < 1000 })
    #expect(report.findings.allSatisfy { $0.description.utf8.count < 1000 })
  }

  /// Any edit of a record that is not the last is found without help.
  @Test func randomEditsAreFound() throws {
    let directory = TemporaryDirectory()
    try write(12, in: directory)
    let path = try firstSegment(directory)
    let original = contents(of: path)
    let records = lines(of: original)
    var random = SeededGenerator(state: 2024)
    for round in 0..<600 {
      var edited = records
      let place = Int.random(in: 0..<records.count - 1, using: &random)
      switch round % 5 {
      case 0:
        let byte = Int.random(in: 0..<edited[place].count, using: &random)
        edited[place][byte] ^= UInt8.random(in: 1...255, using: &random)
      case 1:
        edited[place].removeLast(Int.random(in: 1...edited[place].count, using: &random))
      case 2:
        edited.swapAt(place, place + 1)
      case 3:
        edited.insert(edited[place], at: place)
      default:
        edited.remove(at: place)
      }
      let bytes = text(edited)
      replace(path, with: bytes)
      #expect(!(try audit(directory.path).passes), "round \(round), record \(place + 1)")
    }
    replace(path, with: original)
    #expect(try audit(directory.path).passes)
  }

  @Test func findingsNameTheRecord() throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    let path = try firstSegment(directory)
    var records = lines(of: contents(of: path))
    records.remove(at: 2)
    replace(path, with: text(records))
    let report = try audit(directory.path)
    let taken = report.findings.filter { $0.line == 3 && $0.sequence == 4 && $0.segment == path }
    #expect(taken.map(\.kind) == [.sequence(expected: 3, found: 4), .chainBroken])
    #expect(report.findings.first?.description.hasPrefix("\(path):3 (record 4): sequence 4") == true)
    // The decisions' number and sum at the end of the run tell of it too.
    let sums = report.findings.filter { $0.line == 4 }
    #expect(sums.count == 2)
  }

  @Test func aForgedSumWithARewrittenChainIsFoundInTheSum() throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    let path = try firstSegment(directory)
    let head = try #require(try audit(directory.path).head)
    // Whoever rewrites the whole chain: every record anew with honest digests.
    func rewrite(_ edit: (inout String) -> Void) throws {
      var previous = Digest.zero
      var bytes: [UInt8] = []
      for (index, line) in lines(of: contents(of: path)).enumerated() {
        var record = String(decoding: line, as: UTF8.self)
        if index == 1 { edit(&record) }
        record = String(record.dropLast(66)) + previous.hexString + "\"}"
        previous = Array(record.utf8).withUnsafeBytes { SHA256.digest(of: $0) }
        bytes += text([Array(record.utf8)])
      }
      replace(path, with: bytes)
    }
    try rewrite { record in
      let place = record.firstRange(of: "total_nanojoules\":")?.upperBound ?? record.endIndex
      record.insert("1", at: place)
    }
    let report = try audit(directory.path)
    #expect(report.findings.count == 1)
    #expect(report.findings.first?.sequence == 2)
    guard case .sum(member: "total_nanojoules", _, _)? = report.findings.first?.kind else {
      Issue.record("expected a wrong sum, found \(report.findings)")
      return
    }
    #expect(try audit(directory.path, anchors: [head]).findings.contains { $0.kind == .anchorDiffers })
  }

  @Test func aShortenedOrChangedEndShowsAgainstTheAnchorOnly() throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    let path = try firstSegment(directory)
    let head = try #require(try audit(directory.path).head)
    #expect(try audit(directory.path, anchors: [head]).passes)
    let records = lines(of: contents(of: path))
    replace(path, with: text(records.dropLast(2)))
    #expect(try audit(directory.path).passes)
    #expect(
      try audit(directory.path, anchors: [head]).findings.map(\.kind) == [.truncated(lastExpected: 5)])
  }

  @Test func aTornTailIsAFindingUntilTheDaemonHasCutIt() throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    let path = try firstSegment(directory)
    replace(path, with: contents(of: path) + Array("{\"sch".utf8))
    #expect(try audit(directory.path).findings.map(\.kind) == [.tornTail(bytes: 5)])
  }

  @Test func removedOldSegmentsAreSaidAndNoFinding() throws {
    let directory = TemporaryDirectory()
    try write(30, in: directory, options: eager(segmentBytes: 8000))
    let segments = try Segment.list(in: directory.path)
    #expect(segments.count > 2)
    unlink(segments[0].path)
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.first == segments[1].firstSequence)
    // One from the middle is a finding.
    try #require(segments.count > 3)
    unlink(segments[2].path)
    #expect(!(try audit(directory.path).passes))
  }

  @Test func hostileLinesAreFindingsAndNeverTraps() throws {
    let directory = TemporaryDirectory()
    let hostile = [
      "", "null", "[]", "{}", "{\"schema\":2}", String(repeating: "[", count: 5000),
      #"{"schema":1,"type":"decision","seq":9223372036854775807,"prev":null}"#,
      #"{"schema":1,"type":"decision","seq":1,"prev":"","energy":[{"nanojoules":9223372036854775807,"account":"a","kind":"k"},{"nanojoules":9223372036854775807,"account":"a","kind":"k"}],"total_nanojoules":0,"always_on_nanojoules":-9223372036854775808,"macs":9223372036854775807,"exit":3}"#,
      #"{"schema":1,"type":"gap","seq":5,"prev":"","shed":{"decision":9223372036854775807,"wake":9223372036854775807}}"#,
      String(repeating: "x", count: 3 << 20),
    ]
    for line in hostile {
      replace(
        directory.path + "/" + Segment.name(1), with: text([Array(line.utf8), Array(line.utf8), []]))
      #expect(!(try audit(directory.path).passes), "\(line.prefix(40))")
    }
    let all = text(hostile.map { Array($0.utf8) })
    replace(directory.path + "/" + Segment.name(1), with: all)
    #expect(try audit(directory.path).bytes == all.count)
  }

  @Test func findingsBeyondTheListAreCountedAndTakeNoMemory() throws {
    let directory = TemporaryDirectory()
    replace(directory.path + "/" + Segment.name(1), with: [UInt8](repeating: 10, count: 5000))
    let report = try audit(directory.path)
    #expect(report.found == 5000)
    #expect(report.findings.count == AuditReport.maximumListed)
    #expect(!report.passes)
  }

  /// Nothing stands before the very first record, and `prev` says so. Alone it has no other that tells of a change.
  @Test(arguments: [
    String(repeating: "0", count: 63) + "1", String(repeating: "0", count: 63), "", "x",
  ])
  func theFirstRecordIsChainedToNothing(_ prev: String) throws {
    let directory = TemporaryDirectory()
    func ledger(_ prev: String, _ number: Int) -> [UInt8] {
      Array(#"{"schema":1,"type":"wake","seq":\#(number),"modality":"audio","prev":"\#(prev)"}"#.utf8) + [10]
    }
    let path = directory.path + "/" + Segment.name(1)
    replace(path, with: ledger(String(repeating: "0", count: 64), 1))
    #expect(try audit(directory.path).findings == [])
    replace(path, with: ledger(prev, 1))
    #expect(try audit(directory.path).findings.map(\.kind) == [.chainBroken])
    guard prev.utf8.count != 64 else { return }
    // A later one may stand first, but it has a digest of something.
    unlink(path)
    replace(directory.path + "/" + Segment.name(7), with: ledger(prev, 7))
    #expect(try audit(directory.path).findings.map(\.kind) == [.chainBroken])
  }
}
