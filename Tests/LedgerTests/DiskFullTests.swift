import JSON
import Testing
import Vocabulary

@testable import Ledger

@Suite struct DiskFullTests {
  private func options(_ sink: Sink) -> LedgerOptions {
    var options = eager()
    options.output = sink.output
    options.bufferBytes = LedgerOptions.maximumRecordBytes + 4096
    return options
  }

  @Test func decisionsGoOnRecordsAreShedAndTheGapIsRecorded() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var random = SeededGenerator(state: 3)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options(sink))
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    // The disk takes two and a half records more.
    sink.room = 2500
    var taken = 0
    for number in 1...400 {
      if writer.append(decision(UInt64(number), &random), at: stamp(Int64(number) * 5)) { taken += 1 }
    }
    let (failure, shed) = (writer.failure, writer.totalShed)
    #expect(failure != nil)
    #expect(shed == 400 - taken)
    #expect(shed > 100 && taken > 10)
    let refused = writer.append(.wake(modality: 1, decision: nil), at: stamp(2001))
    #expect(!refused)
    sink.room = .max
    // Not before the time for another try.
    let tooEarly = writer.append(.wake(modality: 1, decision: nil), at: stamp(2002))
    #expect(!tooEarly)
    let inTime = writer.append(.wake(modality: 1, decision: nil), at: stamp(4000))
    #expect(inTime)
    let failureAfter = writer.failure
    #expect(failureAfter == nil)
    writer.append(.stop(reason: "test"), at: stamp(4001))
    try writer.finish(at: stamp(4001))

    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.types["decision"] == taken)
    #expect(report.shed == Int64(400 - taken + 2))
    let gap = try records(directory).first { $0["type"] == "gap" }
    #expect(gap?["cause"] == "shed")
    #expect(gap?["shed"] == ["decision": .integer(Int64(400 - taken)), "wake": 2])
    #expect(gap?["last_ns"] == 2_002_000_000)
  }

  @Test(arguments: [0, 1, 700, 1024, 4000]) func noHalfRecordIsLeftWhereverTheDiskEnds(_ room: Int) throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    sink.room = room
    var random = SeededGenerator(state: 4)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options(sink))
    for number in 1...200 { writer.append(decision(UInt64(number), &random), at: stamp(Int64(number))) }
    sink.room = .max
    try writer.finish(at: stamp(9999))
    let report = try audit(directory.path)
    #expect(report.findings == [])
    let shed = writer.totalShed
    #expect(report.shed == Int64(shed))
    #expect((report.types["decision"] ?? 0) + Int(report.shed) == 200)
    #expect(report.shed > 0)
  }

  @Test func anEndOnAFullDiskSaysSo() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    sink.room = 10
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options(sink))
    writer.append(.stop(reason: "test"), at: stamp(0))
    var message = ""
    do {
      try writer.finish(at: stamp(1))
    } catch {
      message = error.description
    }
    #expect(message.contains("No space left on device"))
    #expect(message.contains(directory.path))
  }

  @Test func aFailedSynchronizationIsRecorded() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var options = options(sink)
    options.synchronizes = true
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    sink.synchronizationResult = -5
    writer.append(.wake(modality: 0, decision: nil), at: stamp(1))
    sink.synchronizationResult = 0
    writer.append(.wake(modality: 1, decision: nil), at: stamp(2))
    try writer.finish(at: stamp(3))
    let gap = try records(directory).first { $0["type"] == "gap" }
    #expect(gap?["cause"] == "notSynchronized")
    #expect(gap?["errno"] == 5)
    #expect(try audit(directory.path).findings == [])
  }
}
