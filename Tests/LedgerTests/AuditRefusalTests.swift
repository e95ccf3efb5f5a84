import Glibc
import Testing
import Vocabulary

@testable import Ledger

/// What is no ledger is refused, in words for one who reads, and with the exit code of an absent input.
@Suite struct AuditRefusalTests {
  private func refusal(_ path: String) -> LedgerError? {
    do throws(LedgerError) {
      _ = try audit(path)
      return nil
    } catch {
      return error
    }
  }

  @Test func whereThereIsNoRecordThereIsNoLedger() throws {
    let directory = TemporaryDirectory()
    #expect(refusal(directory.path) == .noLedger(path: directory.path))
    replace(directory.path + "/notes.txt", with: [65])
    #expect(refusal(directory.path) == .noLedger(path: directory.path))
    replace(directory.path + "/" + Segment.name(1), with: [])
    #expect(refusal(directory.path) == .noLedger(path: directory.path))
    #expect(LedgerError.noLedger(path: "/d").exitCode == .noInput)
    #expect(LedgerError.noLedger(path: "/d").description.hasPrefix("/d: no ledger here"))
    // Who knows that there was one is told that it is gone.
    let anchor = LedgerHead(sequence: 3, digest: .zero)
    #expect(
      try audit(directory.path, anchors: [anchor]).findings.map(\.kind) == [.truncated(lastExpected: 3)])
    // Half a record is a ledger, and no good one.
    replace(directory.path + "/" + Segment.name(1), with: Array("{\"sch".utf8))
    #expect(try audit(directory.path).findings.map(\.kind) == [.tornTail(bytes: 5)])
  }

  @Test func anAbsentPathAndAFileAreAbsentInputs() throws {
    let directory = TemporaryDirectory()
    let absent = directory.path + "/x"
    #expect(refusal(absent) == .unreadable(path: absent, errno: ENOENT))
    replace(absent, with: [65])
    #expect(refusal(absent) == .unreadable(path: absent, errno: ENOTDIR))
    for code in [ENOENT, ENOTDIR, EISDIR] {
      #expect(LedgerError.unreadable(path: "/d", errno: code).exitCode == .noInput)
    }
    #expect(LedgerError.unreadable(path: "/d", errno: EIO).exitCode == .ioError)
  }

  @Test func whatMayNotBeReadIsSaidInWordsOfReading() throws {
    let directory = TemporaryDirectory()
    try write(1, in: directory)
    let path = try firstSegment(directory)
    chmod(path, 0)
    var found: LedgerError?
    chmod(directory.path, 0o755)
    try asNobody { found = refusal(directory.path) }
    #expect(found == .unreadable(path: path, errno: EACCES))
    chmod(directory.path, 0o700)
    try asNobody { found = refusal(directory.path) }
    #expect(found == .unreadable(path: directory.path, errno: EACCES))
    #expect(found?.exitCode == .noPermission)
    #expect(found?.description.contains("cannot read") == true)
    #expect(found?.description.contains("writ") == false)
  }

  @Test func anEmptySegmentBearsTheNextRecordsNumberOrIsAFinding() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    replace(directory.path + "/" + Segment.name(5), with: [])
    #expect(try audit(directory.path).passes)
    replace(directory.path + "/" + Segment.name(9), with: [])
    #expect(try audit(directory.path).findings.map(\.kind) == [.misnamed(first: 9)])
  }

  /// A line with two keys that only look the same is a line like any other: it stops no audit and no start.
  @Test func keysThatOnlyLookTheSameStopNobody() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    let whole = lines(of: contents(of: path))
    var odd = whole
    odd[1] = Array("{\"\u{e9}\":1,\"e\u{301}\":2,".utf8) + odd[1].dropFirst()
    replace(path, with: text(odd))
    // It is a record still, but not the one that the next is chained to.
    #expect(try audit(directory.path).findings.map(\.kind) == [.chainBroken])
    try write(1, in: directory)
    #expect(try records(directory).count == 8)
    // Accounts that only look the same are added up apart.
    let other = TemporaryDirectory()
    try write(2, in: other)
    let accounts = lines(of: contents(of: try firstSegment(other))).map { line in
      Array(
        String(decoding: line, as: UTF8.self).replacing(
          "\"account\":\"segment\"", with: "\"account\":\"\u{e9}\""
        )
        .replacing("\"account\":\"sensing\"", with: "\"account\":\"e\u{301}\"").utf8)
    }
    replace(try firstSegment(other), with: text(accounts))
    let totals = try audit(other.path).totals
    #expect(totals.accounts["\u{e9}"] != nil && totals.accounts["e\u{301}"] != nil)
    #expect(totals.accounts.values.reduce(0, +) == totals.energy)
  }
}
