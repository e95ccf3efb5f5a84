import Energy
import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger

/// The end of a run on a disk that does not do what it should.
@Suite struct LedgerEndTests {
  private func writer(_ directory: TemporaryDirectory, _ sink: Sink) throws -> LedgerWriter {
    var options = eager()
    options.output = sink.output
    options.bufferBytes = LedgerOptions.maximumRecordBytes + 4096
    return try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
  }

  @Test func aGoodDiskConfirmsEverything() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var writer = try writer(directory, sink)
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    #expect(writer.end(reason: "signal", at: stamp(1)) == nil)
    #expect(sink.synchronizations == 1)
    #expect(try records(directory).map { $0["type"] } == ["start", "stop"])
    #expect(try audit(directory.path).findings == [])
  }

  /// Wherever the disk ends, in or between records, the ledger ends whole, tells what is missing, and its sums hold.
  @Test(arguments: [600, 900, 1300, 2500, 7777]) func aFullDiskEndsWhole(_ room: Int) throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    func run() throws -> LedgerError? {
      var random = SeededGenerator(state: UInt64(room))
      var writer = try writer(directory, sink)
      writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
      sink.room = room
      for number in 1...300 { writer.append(decision(UInt64(number), &random), at: stamp(Int64(number))) }
      return writer.end(reason: "signal", closing: ClosingEnergy(), at: stamp(400)) {
        // The reserve.
        sink.room = 8192
      }
    }
    let error = try run()
    let report = try audit(directory.path)
    #expect(report.findings == [])
    #expect(
      error
        == .notWritten(
          path: try firstSegment(directory), records: Int(report.shed), errno: ENOSPC, told: true))
    #expect(error?.exitCode == .ioError)
    #expect((report.types["decision"] ?? 0) + Int(report.shed) == 300)
    let last = try records(directory)
    #expect(last.suffix(2).map { $0["type"] } == ["gap", "stop"])
    #expect(last.last?["decisions"] == .integer(Int64(report.types["decision"] ?? 0)))
    // The next start goes on from a stop.
    sink.room = .max
    try write(1, in: directory)
    #expect(try records(directory).last { $0["type"] == "start" }?["after"] == "stop")
    #expect(try audit(directory.path).findings == [])
  }

  @Test func aRunThatNeverGotToTheDiskBeginsAndEndsThereAllTheSame() throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    let sink = Sink()
    var random = SeededGenerator(state: 1)
    func run() throws -> LedgerError? {
      var writer = try writer(directory, sink)
      sink.room = 0
      writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
      for number in 1...9 { writer.append(decision(UInt64(number), &random), at: stamp(Int64(number))) }
      return writer.end(reason: "signal", at: stamp(400)) { sink.room = 8192 }
    }
    #expect(
      try run()
        == .notWritten(path: try firstSegment(directory), records: 9, errno: ENOSPC, told: true))
    let report = try audit(directory.path)
    #expect(report.findings == [] && report.shed == 9)
    #expect(try records(directory).suffix(3).map { $0["type"] } == ["gap", "start", "stop"])
  }

  @Test func withoutAReserveTheLedgerIsWholeAllTheSameAndItIsSaid() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var writer = try writer(directory, sink)
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    sink.room = 100
    writer.append(.wake(modality: 1, decision: nil), at: stamp(1))
    let error = writer.end(reason: "signal", at: stamp(2))
    #expect(
      error == .notWritten(path: try firstSegment(directory), records: 1, errno: ENOSPC, told: false))
    #expect(error?.description.contains("make room on the disk") == true)
    // Half a record was cut off again.
    #expect(try records(directory).map { $0["type"] } == ["start"])
    #expect(try audit(directory.path).findings == [])
  }

  @Test func aReserveThatCannotBeHeldIsAFullDiskBeforeAnyByteIsWritten() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var writer = try writer(directory, sink)
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    sink.reservation = -ENOSPC
    let calls = sink.calls
    writer.append(.wake(modality: 1, decision: nil), at: stamp(1))
    #expect(writer.failure == ENOSPC && sink.calls == calls)
    // The last records are written without asking.
    #expect(writer.end(reason: "signal", at: stamp(2)) != nil)
    #expect(try records(directory).map { $0["type"] } == ["start", "gap", "stop"])
  }

  /// Another program fills the disk between two records: what is held behind the last one takes the last words.
  @Test(arguments: [1, 2, 7]) func whatIsHeldTakesTheLastWords(_ before: Int) throws {
    let directory = TemporaryDirectory()
    let disk = HoldingDisk()
    var options = eager()
    options.output = disk.output
    var random = SeededGenerator(state: UInt64(before))
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    for number in 1...before { writer.append(decision(UInt64(number), &random), at: stamp(Int64(number))) }
    disk.free = 0
    for number in before + 1...before + 3 {
      writer.append(decision(UInt64(number), &random), at: stamp(Int64(number)))
    }
    #expect(writer.failure == ENOSPC)
    #expect(
      writer.end(reason: "signal", at: stamp(90))
        == .notWritten(path: try firstSegment(directory), records: 3, errno: ENOSPC, told: true))
    #expect(try records(directory).suffix(2).map { $0["type"] } == ["gap", "stop"])
    #expect(try audit(directory.path).findings == [])
  }

  @Test func aDiskThatDoesNotConfirmIsSaid() throws {
    let directory = TemporaryDirectory()
    let sink = Sink()
    var writer = try writer(directory, sink)
    sink.synchronizationResult = -EIO
    #expect(
      writer.end(reason: "signal", at: stamp(1))
        == .notConfirmed(path: try firstSegment(directory), errno: EIO))
  }

  @Test func aDiskThatHangsIsNotWaitedFor() throws {
    let directory = TemporaryDirectory()
    let link = try LedgerLink()
    let file = try LedgerFile(directory: directory.path, link: link, at: .zero)
    var chain = LedgerChain(after: file.start, link: link, identity: identity(), at: stamp(0))
    var asked = 0
    let error = chain.end(reason: "signal", closing: nil, at: stamp(1)) { _ in
      asked += 1
      return nil
    }
    #expect(error == .notConfirmed(path: directory.path, errno: nil))
    #expect(asked == 1)
  }

  /// Both halves on their own threads, a disk that is slow to confirm, and records that come meanwhile.
  @Test func aSlowDiskHoldsUpNobodyWhoMakesRecords() throws {
    let directory = TemporaryDirectory()
    let bell = try EventDescriptor()
    let number = bell.descriptor.number
    let link = try LedgerLink {
      var one: UInt64 = 1
      _ = write(number, &one, 8)
    }
    let gate = Gate()
    var options = LedgerOptions()
    options.flushInterval = .zero
    options.output.synchronize = { file in
      gate.wait()
      return fdatasync(file) == 0 ? 0 : -errno
    }
    let file = Box(try LedgerFile(directory: directory.path, link: link, at: .zero, options: options))
    var chain = LedgerChain(after: file.start, link: link, identity: identity(), at: stamp(0))
    let writer = try Thread(named: "writer") { file.take().serve() }
    var random = SeededGenerator(state: 1)
    // The first write hangs in its synchronization; these are made all the same.
    for number in 1...40 {
      let taken = chain.append(decision(UInt64(number), &random), at: stamp(Int64(number)))
      #expect(taken)
    }
    gate.open()
    let error = chain.end(reason: "signal", closing: nil, at: stamp(100)) { link in
      while true {
        if let answer = link.answer() { return answer }
        bell.wait(until: bootTimeNanoseconds() + 1_000_000_000)
      }
    }
    writer.join()
    #expect(error == nil)
    let report = try audit(directory.path)
    #expect(report.findings == [] && report.types["decision"] == 40 && report.shed == 0)
  }
}

/// A disk that keeps what was asked to be held, and has so much beside that.
private final class HoldingDisk: @unchecked Sendable {
  // Unchecked: one test's thread uses it.
  var free = 1 << 20
  /// Bytes of the file that have a place on the disk.
  private var held = 0

  private func hold(to end: Int) -> Bool {
    let more = max(0, end - held)
    guard more <= free else { return false }
    free -= more
    held += more
    return true
  }

  var output: LedgerOutput {
    var output = LedgerOutput(
      write: { [self] file, bytes in
        let end = Int(lseek(file, 0, SEEK_END))
        guard hold(to: end + bytes.count) else { return -Int(ENOSPC) }
        return LedgerOutput.file.write(file, bytes)
      }, synchronize: { _ in 0 })
    output.reserve = { [self] _, offset, length in hold(to: offset + length) ? 0 : -ENOSPC }
    return output
  }
}

/// Closed until it is opened.
private final class Gate: @unchecked Sendable {
  // By a pipe: it is read by as many as wait.
  private let ends: (Int32, Int32)
  init() {
    var pair: [Int32] = [0, 0]
    _ = pipe(&pair)
    ends = (pair[0], pair[1])
  }
  deinit { close(ends.0) }
  func open() { close(ends.1) }
  func wait() {
    var byte: UInt8 = 0
    _ = read(ends.0, &byte, 1)
  }
}

/// Hands a ledger's file to its thread. Unchecked: taken once.
private final class Box: @unchecked Sendable {
  private var file: LedgerFile?
  let start: LedgerStart
  init(_ file: consuming LedgerFile) {
    start = file.start
    self.file = consume file
  }
  func take() -> LedgerFile {
    guard let file = file.take() else { fatalError("taken twice") }
    return file
  }
}
