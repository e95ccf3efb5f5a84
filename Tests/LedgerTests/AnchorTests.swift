import Glibc
import Testing
import Vocabulary

@testable import Ledger

@Suite struct AnchorTests {
  /// The head behind each record of the ledger's first segment.
  private func heads(_ directory: TemporaryDirectory) throws -> [LedgerHead] {
    lines(of: contents(of: try firstSegment(directory))).enumerated().map { index, line in
      LedgerHead(sequence: UInt64(index + 1), digest: line.withUnsafeBytes { SHA256.digest(of: $0) })
    }
  }

  private func states(_ report: AuditReport) -> [AuditReport.Anchored.State] { report.anchors.map(\.state) }

  @Test func everyRecordCanBeAnAnchor() throws {
    let directory = TemporaryDirectory()
    try write(6, in: directory)
    let heads = try heads(directory)
    for (index, head) in heads.enumerated() {
      let report = try audit(directory.path, anchors: [head])
      #expect(report.passes && states(report) == [.holds])
      #expect(report.unanchored == heads.count - index - 1)
      #expect(report.firstHead == heads.first && report.head == heads.last)
    }
    let all = try audit(directory.path, anchors: heads.reversed())
    #expect(all.passes && all.unanchored == 0 && states(all) == heads.map { _ in .holds })
    #expect(try audit(directory.path).unanchored == nil)
  }

  @Test func whatAnAnchorFinds() throws {
    let directory = TemporaryDirectory()
    try write(6, in: directory)
    let heads = try heads(directory)
    let other = LedgerHead(sequence: 3, digest: .zero)
    let report = try audit(directory.path, anchors: [heads[1], other])
    #expect(states(report) == [.holds, .differs] && report.findings.map(\.kind) == [.anchorDiffers])
    #expect(report.findings[0].sequence == 3 && report.unanchored == heads.count - 2)
    let beyond = LedgerHead(sequence: UInt64(heads.count) + 1, digest: .zero)
    let short = try audit(directory.path, anchors: [beyond])
    #expect(states(short) == [.beyond] && short.unanchored == heads.count)
    #expect(short.findings.map(\.kind) == [.truncated(lastExpected: beyond.sequence)])
    // Two anchors of one number cannot both hold.
    let both = try audit(directory.path, anchors: [other, heads[2]])
    #expect(states(both) == [.differs, .holds] && both.found == 1)
  }

  @Test func anAnchorInADroppedSegmentIsReported() throws {
    let directory = TemporaryDirectory()
    var options = eager()
    options.segmentBytes = 4096
    try write(30, in: directory, options: options)
    let first = try heads(directory)[0]
    let segments = try Segment.list(in: directory.path)
    try #require(segments.count > 2)
    remove(segments[0].path)
    let report = try audit(directory.path, anchors: [first])
    #expect(report.passes && states(report) == [.dropped] && report.unanchored == report.records)
  }

  @Test func aRecordTakenOutIsMissing() throws {
    let directory = TemporaryDirectory()
    try write(6, in: directory)
    let path = try firstSegment(directory)
    let gone = try heads(directory)[3]
    var records = lines(of: contents(of: path))
    records.remove(at: 3)
    replace(path, with: text(records))
    let report = try audit(directory.path, anchors: [gone])
    #expect(states(report) == [.missing])
    #expect(report.findings.contains { $0.kind == .anchorMissing(4) })
  }

  @Test func behindAStopComesAStartOrAGap() throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    #expect(try audit(directory.path).passes)
    try write(2, in: directory)
    #expect(try audit(directory.path).passes)
    // A chain that holds, with a run's decision behind its stop: what somebody has put in.
    let path = try firstSegment(directory)
    var records = lines(of: contents(of: path)).map { String(decoding: $0, as: UTF8.self) }
    let stop = try #require(records.firstIndex { $0.contains("\"type\":\"stop\"") })
    let start = stop + 1
    records[start].replace("\"type\":\"start\"", with: "\"type\":\"wake\"")
    var previous = Digest.zero
    var bytes: [UInt8] = []
    for record in records {
      let line = Array((record.dropLast(66) + previous.hexString + "\"}").utf8)
      previous = line.withUnsafeBytes { SHA256.digest(of: $0) }
      bytes += text([line])
    }
    replace(path, with: bytes)
    let kinds = try audit(directory.path).findings.map(\.kind)
    #expect(kinds.contains(.afterStop("wake")), "\(kinds)")
  }

  @Test func theHeadIsToldWhenTheDiskHasIt() throws {
    let directory = TemporaryDirectory()
    var options = eager()
    options.publishHead = .seconds(1)
    options.synchronizes = true
    options.output.synchronize = { _ in 0 }
    var random = SeededGenerator(state: 3)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    var told: [LedgerHead] = []
    for number in 1...20 {
      writer.append(decision(UInt64(number), &random), at: stamp(Int64(number) * 250))
      while let notice = writer.nextNotice() {
        if case .head(let head) = notice { told.append(head) }
      }
    }
    try writer.finish(at: stamp(5000))
    #expect(told.count == 4 || told.count == 5)
    let report = try audit(directory.path, anchors: told)
    #expect(report.anchors.allSatisfy { $0.state == .holds } && !told.isEmpty)
  }

  @Test(arguments: [
    "", ":", "0:" + String(repeating: "0", count: 64), "1:" + String(repeating: "0", count: 63), "x:00",
    "+1:" + String(repeating: "0", count: 64), "1:2:3",
    "99999999999999999999:" + String(repeating: "0", count: 64),
  ])
  func noAnchor(_ text: String) { #expect(LedgerHead(anchor: text) == nil) }

  @Test func anAnchorIsReadAsItIsTold() {
    let head = LedgerHead(sequence: 7211, digest: [1, 2, 3].withUnsafeBytes { SHA256.digest(of: $0) })
    #expect(LedgerHead(anchor: head.anchor) == head)
    #expect(
      LedgerNotice.head(head).description == "ledger head \(head.anchor)" && LedgerNotice.head(head).isGood)
  }
}
