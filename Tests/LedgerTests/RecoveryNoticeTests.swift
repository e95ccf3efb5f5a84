import Glibc
import JSON
import Testing
import Vocabulary

@testable import Ledger

/// What a start finds wrong is said once, recorded, and no evidence is lost by it.
@Suite struct RecoveryNoticeTests {
  /// Starts and ends a daemon's ledger; what it had to say.
  private func notices(_ directory: TemporaryDirectory) throws -> [LedgerNotice] {
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(9), options: eager())
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(9))
    var found: [LedgerNotice] = []
    while let notice = writer.nextNotice() { found.append(notice) }
    writer.append(.stop(reason: "test"), at: stamp(9))
    try writer.finish(at: stamp(9))
    return found
  }

  @Test func aGoodLedgerIsGoneOnWithInSilence() throws {
    let directory = TemporaryDirectory()
    #expect(try notices(directory) == [])
    #expect(try notices(directory) == [])
  }

  @Test func aTornTailIsSaidOnceInOneLine() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    let tail = Array("{\"schema\":1,\"ty".utf8)
    replace(path, with: contents(of: path) + tail)
    let found = try notices(directory)
    let kept = "\(Segment.name(1)).cut-\(sha256Hex(of: tail).prefix(32))"
    #expect(
      found.map(\.description) == [
        "\(path): 15 bytes at its end were no whole record (a power cut leaves that, or an edit), set aside in "
          + "\(kept), and recorded as a gap; the ledger goes on, look at that file and remove it"
      ])
    #expect(contents(of: directory.path + "/" + kept) == tail)
    #expect(try notices(directory) == [])
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(
      report.gaps == ["\(path):5: tornTail, cut_bytes 15, segment \(Segment.name(1)), kept \(kept)"])
  }

  @Test func theGapIsOnTheDiskBeforeAnythingElseIs() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    replace(path, with: contents(of: path) + [65])
    var options = eager()
    options.flushInterval = .seconds(60)
    let writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(9), options: options)
    let pending = writer.pending
    #expect(pending == 0)
    #expect(try records(directory).last?["cause"] == "tornTail")
  }

  @Test func aBrokenChainIsLeftAsItIsAndTheLedgerGoesOnBesideIt() throws {
    let directory = TemporaryDirectory()
    try write(6, in: directory)
    let path = try firstSegment(directory)
    var edited = lines(of: contents(of: path))
    edited.remove(at: 3)
    replace(path, with: text(edited))
    let evidence = contents(of: path)
    let found = try notices(directory)
    guard case .broken(let broken)? = found.first, found.count == 1 else {
      Issue.record("expected the break to be said, found \(found)")
      return
    }
    #expect(broken.first.line == 4 && broken.first.kind == .sequence(expected: 4, found: 5))
    #expect(broken.next == 9)
    #expect(broken.bytes == evidence.count)
    #expect(found[0].description.hasPrefix("\(path):4 (record 5): sequence 5 where 4 should be; "))
    #expect(found[0].description.contains("the ledger goes on in \(Segment.name(9))"))
    #expect(!found[0].description.contains("\n"))
    #expect(contents(of: path) == evidence)
    let gap = try #require(try records(directory).first { $0["type"] == "gap" })
    #expect(gap["cause"] == "brokenChain")
    #expect(gap["seq"] == 9)
    #expect(gap["segment"] == .string(Segment.name(1)))
    #expect(gap["segment_sha256"] == .string(sha256Hex(of: evidence)))
    // Said once; the audit goes on naming it for as long as the segment is there.
    #expect(try notices(directory) == [])
    let report = try audit(directory.path)
    #expect(report.findings.allSatisfy { $0.segment == path })
    #expect(report.findings.first?.line == 4)
    unlink(path)
    #expect(try audit(directory.path).passes)
  }

  @Test(arguments: [Int64.max, .max - 1, 1 << 53 + 1, 1 << 53, 1 << 53 - 1, 1 << 40] as [Int64])
  func aForgedNumberIsNotGoneOnWith(_ forged: Int64) throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    let whole = contents(of: path)
    let last = String(decoding: try #require(lines(of: whole).last), as: UTF8.self)
    let record = last.replacing("\"seq\":4,", with: "\"seq\":\(forged),")
    replace(path, with: text(lines(of: whole).dropLast() + [Array(record.utf8)]))
    #expect(try notices(directory).count == 1)
    #expect(try notices(directory) == [])
    // The forged record is still there, in the segment or beside it, and later ones count on from its place.
    let kept = directory.names.filter { $0 != "lock" && $0 != Checkpoint.name }.map {
      contents(of: directory.path + "/" + $0)
    }
    #expect(kept.contains { String(decoding: $0, as: UTF8.self).contains(record) })
    let head = try #require(try audit(directory.path).head)
    #expect(head.sequence < 12)
  }

  @Test func aConsistentForgeryAtTheEndOfTheNumbersIsRefusedAndNeverTraps() throws {
    let directory = TemporaryDirectory()
    let number = LedgerChain.maximumSequence
    replace(
      directory.path + "/" + Segment.name(number),
      with: Array(
        #"{"schema":1,"type":"wake","seq":\#(number),"prev":"\#(String(repeating: "0", count: 64))"}"#.utf8)
        + [10])
    #expect(throws: LedgerError.damaged(path: directory.path, what: "the ledger's numbers have run out")) {
      _ = try notices(directory)
    }
    // A name beyond is no segment's name.
    rename(directory.path + "/" + Segment.name(number), directory.path + "/" + Segment.name(.max))
    #expect(try notices(directory) == [])
    #expect(try Segment.list(in: directory.path).map(\.firstSequence) == [1])
  }
}
