import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger

@Suite struct LedgerWriterTests {
  @Test func firstRecordIsChainedToNothingAndEachNextToTheOneBefore() throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    #expect(directory.names == ["checkpoint", "ledger-0000000000000001.jsonl", "lock"])
    let texts = lines(of: contents(of: try firstSegment(directory)))
    #expect(texts.count == 5)
    var previous = String(repeating: "0", count: 64)
    for (index, text) in texts.enumerated() {
      let record = try JSONPlace(JSONValue.parse(text)).object()
      #expect(record["seq"] == .integer(Int64(index + 1)))
      #expect(record["prev"] == .string(previous))
      previous = sha256Hex(of: text)
    }
  }

  @Test func goldenBytesOfEvents() throws {
    let directory = TemporaryDirectory()
    let time = LedgerStamp(boot: Instant(sinceBoot: 5), utc: 1_000_000_000, synced: true)
    do {
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(bootID: "b-1"), at: time, options: eager())
      writer.append(.start(version: "0.1", model: "digits", order: [1, 0]), at: time)
      writer.append(.wake(modality: 1, decision: 9), at: time)
      writer.append(.sleep(modality: 1, awake: Nanoseconds(77)), at: time)
      writer.append(.state(modality: 1, from: "waking", to: "failed", reason: "unplugged"), at: time)
      var change = OrderChange(
        from: [0, 1], to: [1, 0], askedBefore: .all(2), asked: ModalitySet(index: 1), formerValue: 0.25,
        value: 0.5, gain: 0.125, standardError: 0.0625, audits: 30)
      change.moved = [
        OrderChange.Moved(quantity: "hazard", modality: 0, exit: 2, from: 0.5, to: 0.25, audits: 20)
      ]
      change.sensors = [OrderChange.Sensor(modality: 0, isAsked: false, right: 0, events: 10)]
      writer.append(.reorder(change), at: time)
      writer.append(.fault(modality: nil, message: "a \"quoted\" thing"), at: time)
      writer.append(.stop(reason: "SIGTERM"), at: time)
    }
    let head =
      #""t_boot_ns":5,"t_utc":"1970-01-01T00:00:01.000000000Z","clock_synced":true,"model_sha256":"#
      + #""e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","config_sha256":""#
      + String(repeating: "0", count: 64) + "\","
    let bodies = [
      #""version":"0.1","model":"digits","order":["image","audio"],"after":"nothing""#,
      #""modality":"image","decision":9"#,
      #""modality":"image","awake_ns":77"#,
      #""modality":"image","from":"waking","to":"failed","reason":"unplugged""#,
      #""method":"audits","from":["audio","image"],"to":["image","audio"],"asked_before":["audio","image"],"#
        + #""asked":["image"],"former_value":0.25,"value":0.5,"gain":0.125,"standard_error":0.0625,"audits":30,"#
        + #""moved":[{"figure":"hazard","modality":"audio","exit":2,"from":0.5,"to":0.25,"audits":20.0}],"#
        + #""sensors":[{"modality":"audio","asked":false,"right":0,"events":10}]"#,
      #""message":"a \"quoted\" thing""#,
      #""reason":"SIGTERM","decisions":0,"total_nanojoules":0"#,
    ]
    let types = ["start", "wake", "sleep", "state", "reorder", "fault", "stop"]
    var previous = String(repeating: "0", count: 64)
    let texts = lines(of: contents(of: try firstSegment(directory)))
    for index in bodies.indices {
      let expected =
        #"{"schema":1,"type":""# + types[index] + #"","boot_id":"b-1","seq":\#(index + 1),"# + head
        + bodies[index] + #","prev":""# + previous + "\"}"
      #expect(String(decoding: texts[index], as: UTF8.self) == expected)
      previous = sha256Hex(of: Array(expected.utf8))
    }
  }

  @Test func theSameRunGivesTheSameBytes() throws {
    let one = TemporaryDirectory()
    let other = TemporaryDirectory()
    try write(50, in: one)
    try write(50, in: other)
    let bytes = contents(of: try firstSegment(one))
    #expect(bytes == contents(of: try firstSegment(other)))
    #expect(bytes.count > 10_000)
  }

  @Test func chainAndSequenceGoOnOverARestart() throws {
    let directory = TemporaryDirectory()
    for _ in 0..<3 { try write(4, in: directory) }
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.records == 18)
    #expect(report.head?.sequence == 18)
    #expect(report.segments == 1)
    #expect(try records(directory)[6]["after"] == "stop")
  }

  @Test func anEndWithoutStopIsSaidAtTheNextStart() throws {
    let directory = TemporaryDirectory()
    do {
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(0), options: eager())
      writer.append(.wake(modality: 1, decision: nil), at: stamp(0))
    }
    try write(1, in: directory)
    #expect(try records(directory)[1]["after"] == "crash")
  }

  @Test func segmentsRotateBySizeAndTheChainRunsThrough() throws {
    let directory = TemporaryDirectory()
    try write(100, in: directory, options: eager(segmentBytes: 10_000))
    let segments = try Segment.list(in: directory.path)
    #expect(segments.count > 5)
    for segment in segments { #expect(contents(of: segment.path).count <= 10_000) }
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(report.records == 102)
    try write(1, in: directory, options: eager(segmentBytes: 10_000))
    #expect(try audit(directory.path).findings == [])
  }

  @Test func writesAtMostOncePerIntervalUnlessTheBufferIsFull() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var options = eager()
    options.flushInterval = .seconds(1)
    options.bufferBytes = LedgerOptions.maximumRecordBytes + 4096
    options.output = sink.output
    var random = SeededGenerator(state: 1)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    for number in 1...7 { writer.append(decision(UInt64(number), &random), at: stamp(Int64(number) * 100)) }
    #expect(sink.calls == 0)
    let pending = writer.pending
    #expect(pending > 4000)
    writer.tick(at: stamp(999))
    #expect(sink.calls == 0)
    writer.tick(at: stamp(1000))
    #expect(sink.calls == 1)
    let left = writer.pending
    #expect(left == 0)
    writer.tick(at: stamp(5000))
    #expect(sink.calls == 1)
    // Within one interval, but more than the buffer holds.
    for number in 8...200 { writer.append(decision(UInt64(number), &random), at: stamp(5001)) }
    #expect(sink.calls >= 2)
    let shed = writer.totalShed
    #expect(shed == 0)
    let before = sink.calls
    let flushed = writer.flush(at: stamp(5002))
    #expect(flushed)
    #expect(sink.calls == before + 1)
  }

  @Test func aSecondDaemonIsRefusedByName() throws {
    let directory = TemporaryDirectory()
    let writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: eager())
    #expect(throws: LedgerError.locked(path: directory.path, process: getpid())) {
      _ = try LedgerWriter(directory: directory.path, identity: identity(), at: stamp(0), options: eager())
    }
    let written = writer.records
    #expect(written == 0)
    #expect(
      LedgerError.locked(path: "/x", process: 12).description
        == "/x: the ledger is being written by process 12; stop it, or set another directory")
  }

  @Test func absentAndUnwritableDirectoriesAreNamed() throws {
    let directory = TemporaryDirectory()
    let absent = directory.path + "/nowhere"
    #expect(throws: LedgerError.directoryMissing(path: absent)) {
      _ = try LedgerWriter(directory: absent, identity: identity(), at: stamp(0))
    }
    replace(directory.path + "/file", with: [])
    #expect(throws: LedgerError.notADirectory(path: directory.path + "/file")) {
      _ = try LedgerWriter(directory: directory.path + "/file", identity: identity(), at: stamp(0))
    }
    chmod(directory.path, 0o555)
    try asNobody {
      #expect(throws: LedgerError.notWritable(path: directory.path, errno: EACCES)) {
        _ = try LedgerWriter(directory: directory.path, identity: identity(), at: stamp(0))
      }
    }
    chmod(directory.path, 0o755)
    #expect(Segment.refusal("/d", errno: EROFS).exitCode == .cannotCreate)
    #expect(Segment.refusal("/d", errno: EACCES).exitCode == .noPermission)
    #expect(Segment.refusal("/d", errno: EROFS).description.contains("mount it writable"))
  }
}

/// Takes what is written in place of a disk.
final class Sink: @unchecked Sendable {
  // Used by one thread: the test's.
  var calls = 0
  var synchronizations = 0
  /// Bytes that still fit.
  var room = Int.max
  var synchronizationResult: Int32 = 0
  var reservation: Int32 = 0

  var output: LedgerOutput {
    var output = LedgerOutput(
      write: { [self] file, bytes in
        calls += 1
        if room == 0 { return -Int(ENOSPC) }
        let count = Glibc.write(file, bytes.baseAddress, min(room, bytes.count))
        room -= count
        return count
      },
      synchronize: { [self] _ in
        synchronizations += 1
        return synchronizationResult
      })
    output.reserve = { [self] _, _, _ in reservation }
    return output
  }
}
