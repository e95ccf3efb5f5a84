import Glibc
import JSON
import Testing
import Vocabulary

@testable import Ledger

/// The ledger's files go while the daemon writes: decisions go on, it is said once, and what was lost is counted.
@Suite struct SegmentGoneTests {
  private func writer(_ directory: TemporaryDirectory, _ options: LedgerOptions = eager()) throws
    -> LedgerWriter
  {
    try LedgerWriter(directory: directory.path, identity: identity(), at: stamp(0), options: options)
  }

  private func notices(_ writer: inout LedgerWriter) -> [String] {
    var found: [String] = []
    while let notice = writer.nextNotice() { found.append(notice.description) }
    return found
  }

  private func wake(_ writer: inout LedgerWriter, _ milliseconds: Int64) -> Bool {
    writer.append(.wake(modality: 0, decision: nil), at: stamp(milliseconds))
  }

  @Test func anUnlinkedSegmentIsFollowedByANewOneThatTellsOfIt() throws {
    let directory = TemporaryDirectory()
    var writer = try writer(directory)
    for time in 1...5 { _ = wake(&writer, Int64(time)) }
    let path = try firstSegment(directory)
    unlink(path)
    var taken = true
    for time in 6...9 { taken = wake(&writer, Int64(time)) && taken }
    #expect(taken)
    #expect(
      notices(&writer) == [
        "\(path): the ledger's segment was removed or moved while it was being written; records 1 to 5 are gone "
          + "with it, which is recorded as a gap; the ledger goes on in \(Segment.name(6)); end the daemon before "
          + "its ledger is moved"
      ])
    try writer.finish(at: stamp(10))
    let shed = writer.totalShed
    #expect(shed == 5)
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.first == 6)
    #expect(report.shed == 5)
    let gap = try #require(try records(directory).first { $0["type"] == "gap" })
    #expect(gap["cause"] == "segmentGone")
    #expect(gap["lost_seq"] == [1, 5])
    #expect(gap["lost_records"] == 5)
  }

  @Test func aHoleInALongerLedgerStaysAFinding() throws {
    let directory = TemporaryDirectory()
    var writer = try writer(directory, eager(segmentBytes: 3000))
    for time in 1...12 { _ = wake(&writer, Int64(time)) }
    let segments = try Segment.list(in: directory.path)
    try #require(segments.count > 1)
    unlink(segments[segments.count - 1].path)
    for time in 13...15 { _ = wake(&writer, Int64(time)) }
    try writer.finish(at: stamp(16))
    let lost = segments[segments.count - 1].firstSequence
    #expect(
      try audit(directory.path).findings.first?.kind == .sequence(expected: lost, found: 13))
  }

  @Test func aRemovedDirectoryIsMadeAgainWithItsLock() throws {
    let directory = TemporaryDirectory()
    var writer = try writer(directory)
    for time in 1...3 { _ = wake(&writer, Int64(time)) }
    for name in directory.names { unlink(directory.path + "/" + name) }
    rmdir(directory.path)
    let taken = wake(&writer, 4)
    #expect(taken)
    #expect(notices(&writer).count == 1)
    #expect(directory.names == [Segment.name(4), "lock"])
    #expect(throws: LedgerError.locked(path: directory.path, process: getpid())) {
      _ = try self.writer(directory)
    }
    try writer.finish(at: stamp(5))
    #expect(try audit(directory.path).findings == [])
  }

  @Test func whereNoneCanBeMadeDecisionsGoOnAndItIsTriedOnceASecond() throws {
    let directory = TemporaryDirectory()
    var options = eager()
    options.bufferBytes = LedgerOptions.maximumRecordBytes + 4096
    var random = SeededGenerator(state: 8)
    var writer = try writer(directory, options)
    for number in 1...3 { writer.append(decision(UInt64(number), &random), at: stamp(Int64(number))) }
    for name in directory.names { unlink(directory.path + "/" + name) }
    rmdir(directory.path)
    // A file in the directory's place: nothing can be made there.
    replace(directory.path, with: [])
    var taken = 3
    for number in 4...400 {
      if writer.append(decision(UInt64(number), &random), at: stamp(Int64(number))) { taken += 1 }
    }
    let said = notices(&writer)
    #expect(said.count == 1)
    #expect(said.first?.contains("cannot be written (Not a directory)") == true)
    let (shed, failure) = (writer.totalShed, writer.failure)
    #expect(shed == 400 - taken && shed > 100)
    #expect(failure == ENOTDIR)
    unlink(directory.path)
    let early = wake(&writer, 401)
    let late = wake(&writer, 9000)
    #expect(!early && late)
    let news = notices(&writer)
    #expect(news.count == 2)
    #expect(news.last?.contains("written again; \(shed + 1 + 3) records were lost") == true)
    try writer.finish(at: stamp(9001))
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.shed == Int64(shed + 1 + 3))
    #expect(report.records + Int(report.shed) == 400 + 2 + 1)
  }

  @Test func aMovedDirectoryKeepsWhatItHasAndAHalfRecordIsWrittenWholeInTheNext() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var options = eager()
    options.output = sink.output
    var writer = try writer(directory, options)
    for time in 1...3 { _ = wake(&writer, Int64(time)) }
    // Half of the fourth record gets to the disk.
    sink.room = 100
    _ = wake(&writer, 4)
    let moved = TemporaryDirectory()
    #expect(rename(directory.path, moved.path) == 0)
    sink.room = .max
    _ = wake(&writer, 5000)
    try writer.finish(at: stamp(5001))
    #expect(try audit(moved.path).findings == [])
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.first == 4)
    #expect(report.shed == 3)
  }

  @Test func anEndFindsTheSegmentGoneToo() throws {
    let directory = TemporaryDirectory()
    var writer = try writer(directory)
    for time in 1...3 { _ = wake(&writer, Int64(time)) }
    unlink(try firstSegment(directory))
    try writer.finish(at: stamp(4))
    #expect(notices(&writer).count == 1)
    #expect(try records(directory).map { $0["cause"] } == ["segmentGone"])
  }

  @Test func aSegmentThatCannotBeFollowedGrowsAndIsTriedForOnceASecond() throws {
    let directory = TemporaryDirectory()
    var writer = try writer(directory, eager(segmentBytes: 2000))
    // Every name that could come next is taken.
    for number in 2...200 as ClosedRange<UInt64> {
      replace(directory.path + "/" + Segment.name(number), with: [])
    }
    for time in 1...100 { _ = wake(&writer, Int64(time)) }
    let said = notices(&writer)
    #expect(said.count == 1)
    #expect(said.first?.contains("no further segment can be begun") == true)
    for number in 2...200 as ClosedRange<UInt64> { unlink(directory.path + "/" + Segment.name(number)) }
    _ = wake(&writer, 5000)
    try writer.finish(at: stamp(5001))
    #expect(try Segment.list(in: directory.path).map(\.firstSequence) == [1, 101])
    #expect(try audit(directory.path).findings == [])
  }

  @Test func fullAndWorkingAgainAreSaidOnceEach() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var options = eager()
    options.output = sink.output
    var writer = try writer(directory, options)
    sink.room = 0
    for time in 1...5 { _ = wake(&writer, Int64(time) * 2000) }
    #expect(notices(&writer).map { $0.contains("make room on the disk") } == [true])
    sink.room = .max
    for time in 6...8 { _ = wake(&writer, Int64(time) * 2000) }
    #expect(notices(&writer).map { $0.hasSuffix("written again; nothing was lost") } == [true])
    sink.synchronizationResult = -EIO
    #expect(try audit(directory.path).records == 8)
  }
}
