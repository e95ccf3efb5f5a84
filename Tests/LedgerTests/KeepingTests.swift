import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger
@testable import Wire

/// Segments that are full: compressed, and dropped when they are too many.
@Suite struct KeepingTests {
  private static func options(compresses: Bool, _ retention: LedgerRetention = LedgerRetention())
    -> LedgerOptions
  {
    var options = eager(segmentBytes: 4096)
    options.compresses = compresses
    options.retention = retention
    return options
  }

  private func ledger(
    _ count: Int, _ options: LedgerOptions, in directory: TemporaryDirectory
  ) throws -> [LedgerNotice] {
    var random = SeededGenerator(state: 7)
    var notices: [LedgerNotice] = []
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    for number in 1...count {
      // A minute each, so that each one may look again.
      let now = stamp(Int64(number) * 60_000)
      writer.append(decision(UInt64(number), &random), at: now)
      writer.keep(at: now)
      writer.keep(at: now)
      while let notice = writer.nextNotice() { notices.append(notice) }
    }
    #expect(writer.end(reason: "end", at: stamp(Int64(count) * 60_000)) == nil)
    return notices
  }

  @Test func compressedSegmentsHoldTheSameBytes() throws {
    let (plain, compressed) = (TemporaryDirectory(), TemporaryDirectory())
    _ = try ledger(60, Self.options(compresses: false), in: plain)
    _ = try ledger(60, Self.options(compresses: true), in: compressed)
    let names = compressed.names.filter { $0.hasPrefix("ledger-") }
    #expect(names.count > 5)
    #expect(names.dropLast().allSatisfy { $0.hasSuffix(".jsonl.gz") }, "\(names)")
    #expect(names.last?.hasSuffix(".jsonl") == true)
    let (one, other) = (try audit(plain.path), try audit(compressed.path))
    #expect(one == other)
    #expect(one.passes)
    var lines = 0
    try readRecords(compressed.path, from: nil) { _ in
      lines += 1
      return true
    }
    #expect(lines == one.records)
    func size(_ directory: TemporaryDirectory) -> Int {
      directory.names.reduce(0) { $0 + contents(of: directory.path + "/" + $1).count }
    }
    #expect(size(compressed) * 2 < size(plain))
  }

  /// A kill at any place: the plain segment is there, or the whole compressed one, or both.
  @Test func aKillWhileCompressingLosesNothing() throws {
    let directory = TemporaryDirectory()
    _ = try ledger(60, Self.options(compresses: true), in: directory)
    let whole = try audit(directory.path)
    let segment = try Segment.list(in: directory.path)[2]
    let compressed = contents(of: segment.path)
    var reader = try LineReader(segment)
    var plain: [UInt8] = []
    while try reader.next({ plain += Array($0) + [UInt8(ascii: "\n")] }) != nil {}
    let plainPath = String(segment.path.dropLast(3))
    // Behind the last name, and in the middle of the compressed file.
    for (left, half) in [(compressed, nil), (nil, Array(compressed.prefix(100)))] as [([UInt8]?, [UInt8]?)] {
      replace(plainPath, with: plain)
      unlink(segment.path)
      if let left { replace(segment.path, with: left) }
      if let half { replace(segment.path + ".new", with: half) }
      #expect(try audit(directory.path) == whole)
    }
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: Self.options(compresses: true))
    writer.keep(at: stamp(0))
    try writer.finish(at: stamp(0))
    #expect(directory.names.allSatisfy { !$0.hasSuffix(".new") })
    #expect(contents(of: segment.path) == compressed)
    #expect(contents(of: plainPath).isEmpty)
  }

  /// Any flip, cut or byte more in a compressed segment is found.
  @Test func damageIsFound() throws {
    let directory = TemporaryDirectory()
    _ = try ledger(40, Self.options(compresses: true), in: directory)
    let segment = try Segment.list(in: directory.path)[1]
    let bytes = contents(of: segment.path)
    var random = SeededGenerator(state: 1)
    for _ in 0..<60 {
      var changed = bytes
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        // Of the header, what no reader looks at (time, system, compression's kind) says nothing of the records.
        let place = Int.random(in: 10..<bytes.count, using: &random)
        changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: changed.removeLast(Int.random(in: 1..<bytes.count, using: &random))
      default: changed += [0]
      }
      replace(segment.path, with: changed)
      let report = try audit(directory.path)
      try #require(!report.passes)
    }
    replace(segment.path, with: bytes)
    #expect(try audit(directory.path).passes)
  }

  /// 64 MiB of zeros in 64 KB: read in the memory of any other segment, and one finding.
  @Test func aBombIsOneFinding() throws {
    let directory = TemporaryDirectory()
    let gzip = try #require(GzipStream(.compressing))
    let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 1)
    defer { zeros.deallocate() }
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 1)
    defer { room.deallocate() }
    var bytes: [UInt8] = []
    for piece in 0..<64 {
      let step = gzip.step(UnsafeRawBufferPointer(zeros), into: room, isLast: piece == 63)
      bytes += Array(room[..<step.given])
    }
    #expect(bytes.count < 100_000)
    let segment = Segment(firstSequence: 1, in: directory.path, isCompressed: true)
    replace(segment.path, with: bytes)
    let report = try audit(directory.path)
    #expect(report.bytes == 64 << 20)
    #expect(report.found == 1 && report.findings.first?.what == "67108864 bytes after the last whole record")
  }

  private func dropped(_ directory: TemporaryDirectory) throws -> [(JSONPlace, first: Int64, last: Int64)] {
    try records(directory).map { JSONPlace(.object($0)) }.compactMap { record in
      guard let place = try record.optional("dropped_seq") else { return nil }
      let numbers = try place.elements(count: 2...2)
      return (record, try numbers[0].integer(), try numbers[1].integer())
    }
  }

  @Test func theOldestAreDroppedAndToldOf() throws {
    let directory = TemporaryDirectory()
    let keep = 5 * 4096
    let notices = try ledger(
      200, Self.options(compresses: false, LedgerRetention(bytes: keep)), in: directory)
    let report = try audit(directory.path)
    #expect(report.passes)
    // One segment more at most, until the next look.
    #expect(report.bytes <= keep + 2 * 4096)
    #expect(!notices.isEmpty)
    let told = try dropped(directory)
    // What is told last may wait for the next look.
    let first = try #require(report.first)
    let last = try #require(told.last { $0.last + 1 == Int64(first) })
    #expect(told.allSatisfy { $0.first <= $0.last })
    #expect(try last.0.member("cause").string() == "dropped")
    #expect(report.shed == 0, "they were written, and are no loss")
    // The digest is that of the last record dropped: what the first one left says of it.
    let head = try last.0.member("dropped_head_sha256").string()
    #expect(try records(directory).first?["prev"] == .string(head))
    #expect(report.gaps.contains { $0.contains("dropped, dropped ") })
  }

  /// Nothing goes before the record that tells of it is on the disk.
  @Test func aKillBeforeTheRecordDropsNothing() throws {
    let directory = TemporaryDirectory()
    _ = try ledger(60, Self.options(compresses: false), in: directory)
    let names = directory.names.filter { $0.hasPrefix("ledger-") }
    var options = Self.options(compresses: false, LedgerRetention(bytes: 2 * 4096))
    options.flushInterval = .seconds(5)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    writer.keep(at: stamp(0))
    writer.keep(at: stamp(0))
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(1))
    writer.keep(at: stamp(1))
    #expect(directory.names.filter { $0.hasPrefix("ledger-") } == names)
    writer.flush(at: stamp(2))
    writer.keep(at: stamp(2))
    #expect(directory.names.filter { $0.hasPrefix("ledger-") }.count < names.count)
    try writer.finish(at: stamp(3))
    #expect(try audit(directory.path).passes)
    #expect(try dropped(directory).count == 1)
  }

  @Test func whatIsTooOldIsDropped() throws {
    let directory = TemporaryDirectory()
    _ = try ledger(60, Self.options(compresses: false), in: directory)
    let segments = try Segment.list(in: directory.path)
    // The three oldest were written last a week ago.
    for segment in segments[..<3] {
      var times = [timespec](repeating: timespec(tv_sec: time(nil) - 7 * 86_400, tv_nsec: 0), count: 2)
      #expect(utimensat(AT_FDCWD, segment.path, &times, 0) == 0)
    }
    let options = Self.options(compresses: false, LedgerRetention(age: .seconds(86_400)))
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    writer.keep(at: stamp(0))
    writer.append(.fault(modality: nil, message: "something"), at: stamp(1))
    writer.keep(at: stamp(1))
    try writer.finish(at: stamp(2))
    #expect(try Segment.list(in: directory.path).first == segments[3])
  }

  /// The newest full one stays, however little is free.
  @Test func aFullDiskTakesAllButTheNewestFullSegment() throws {
    let directory = TemporaryDirectory()
    _ = try ledger(60, Self.options(compresses: false), in: directory)
    let options = Self.options(compresses: false, LedgerRetention(free: .max / 4))
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    writer.keep(at: stamp(0))
    writer.append(.fault(modality: nil, message: "something"), at: stamp(1))
    writer.keep(at: stamp(1))
    try writer.finish(at: stamp(2))
    #expect(try Segment.list(in: directory.path).count == 2)
  }

  /// The segment being written is gone, and the newest one left is compressed: it is gone on behind, not in it.
  @Test func aStartBehindACompressedSegment() throws {
    for isDamaged in [false, true] {
      let directory = TemporaryDirectory()
      _ = try ledger(60, Self.options(compresses: true), in: directory)
      let segments = try Segment.list(in: directory.path)
      unlink(try #require(segments.last).path)
      let newest = segments[segments.count - 2]
      var bytes = contents(of: newest.path)
      if isDamaged {
        bytes.removeLast(20)
        replace(newest.path, with: bytes)
      }
      let found = try audit(directory.path)
      #expect(found.passes == !isDamaged)
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(0), options: eager())
      writer.append(.fault(modality: nil, message: "something"), at: stamp(1))
      try writer.finish(at: stamp(2))
      #expect(contents(of: newest.path) == bytes)
      #expect(try audit(directory.path).found == found.found)
    }
  }
}
