import Glibc
import JSON
import Testing
import Vocabulary

@testable import Ledger

@Suite struct LedgerRecoveryTests {
  @Test func aTailTornAtAnyByteOfTheLastRecordIsCutAndRecorded() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    let whole = contents(of: path)
    let last = lines(of: whole).last ?? []
    let start = whole.count - last.count - 1
    for cut in start..<whole.count {
      replace(path, with: Array(whole[..<cut]))
      do {
        var writer = try LedgerWriter(
          directory: directory.path, identity: identity(), at: stamp(9), options: eager())
        writer.append(.wake(modality: 0, decision: nil), at: stamp(9))
      }
      let report = try audit(directory.path)
      try #require(report.findings == [], "cut at byte \(cut)")
      let found = try records(directory)
      try #require(found.count == (cut == start ? 4 : 5))
      if cut > start {
        #expect(found[3]["type"] == "gap")
        #expect(found[3]["cause"] == "tornTail")
        #expect(found[3]["cut_bytes"] == .integer(Int64(cut - start)))
        let digest = sha256Hex(of: Array(whole[start..<cut]))
        #expect(found[3]["cut_sha256"] == .string(digest))
        let kept = "\(Segment.name(1)).cut-\(digest.prefix(32))"
        #expect(found[3]["kept"] == .string(kept))
        #expect(contents(of: directory.path + "/" + kept) == Array(whole[start..<cut]))
        unlink(directory.path + "/" + kept)
      }
    }
  }

  @Test func blocksThatWereNeverFilledAreCut() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    let whole = contents(of: path)
    // More than one look backwards takes, a newline among it.
    replace(path, with: whole + [UInt8](repeating: 0, count: 200_000) + [10] + [0, 0, 10])
    try write(1, in: directory)
    #expect(try audit(directory.path).findings == [])
    #expect(try records(directory)[4]["cut_bytes"] == 200_004)
    #expect(contents(of: path).starts(with: whole))
  }

  @Test func aSegmentWithoutAnyRecordIsPassedOver() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    replace(directory.path + "/" + Segment.name(5), with: [])
    replace(directory.path + "/" + Segment.name(9), with: Array("{\"schema\"".utf8))
    try write(1, in: directory)
    let kept = Segment.name(9) + ".cut-" + sha256Hex(of: Array("{\"schema\"".utf8)).prefix(32)
    #expect(directory.names == [Checkpoint.name, Segment.name(1), kept, "lock"])
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.types == ["start": 2, "decision": 3, "stop": 2, "gap": 1])
  }

  @Test func nothingButGarbageBecomesAGapInANewLedger() throws {
    let directory = TemporaryDirectory()
    replace(directory.path + "/" + Segment.name(1), with: Array("garbage\nmore".utf8))
    try write(1, in: directory)
    let found = try records(directory)
    #expect(found[0]["type"] == "gap")
    #expect(found[0]["seq"] == 1)
    #expect(found[1]["after"] == "nothing")
    #expect(try audit(directory.path).findings == [])
  }

  @Test func wholeRecordsAreNeverCutHoweverWrong() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    var bytes = contents(of: path)
    bytes += Array(#"{"schema":1,"type":"wake","seq":77,"prev":"x"}"#.utf8) + [10]
    replace(path, with: bytes)
    try write(1, in: directory)
    #expect(contents(of: path) == bytes)
    // The number out of the sequence is not gone on with.
    #expect(directory.names == [Checkpoint.name, Segment.name(1), Segment.name(6), "lock"])
    let report = try audit(directory.path)
    #expect(report.findings.contains { $0.kind == .sequence(expected: 5, found: 77) })
  }

  @Test func otherFilesInTheDirectoryAreLeftAlone() throws {
    let directory = TemporaryDirectory()
    for name in ["notes.txt", "ledger-1.jsonl", "ledger-00000000000000x1.jsonl", "ledger-.jsonl"] {
      replace(directory.path + "/" + name, with: [65])
    }
    try write(1, in: directory)
    #expect(contents(of: directory.path + "/ledger-1.jsonl") == [65])
    #expect(try audit(directory.path).segments == 1)
  }
}
