import Glibc
import JSON
import Linux
import Synchronization
import Testing
import Vocabulary

@testable import Ledger

/// A start with a checkpoint ends where one without it does, and reads less.
@Suite struct CheckpointTests {
  private func recover(_ directory: TemporaryDirectory) throws -> LedgerTail {
    try LedgerTail.recover(directory.path)
  }

  /// What two starts must agree on.
  private func expectSame(_ a: LedgerTail, _ b: LedgerTail, _ comment: Comment) {
    #expect(a.segment == b.segment, comment)
    #expect(a.size == b.size && a.nextSequence == b.nextSequence, comment)
    #expect(a.previous == b.previous && a.lastType == b.lastType, comment)
    #expect(a.notices == b.notices, comment)
    #expect(a.prefix.bytes == b.prefix.bytes && a.prefix.lines == b.prefix.lines, comment)
    #expect(a.prefix.digest == b.prefix.digest, comment)
  }

  @Test func atEveryRecordItGivesTheSameStart() throws {
    let directory = TemporaryDirectory()
    try write(6, in: directory)
    let bytes = contents(of: try firstSegment(directory))
    unlink(directory.path + "/" + Checkpoint.name)
    let whole = try recover(directory)
    #expect(whole.checkpointed == 0)
    #expect(whole.prefix.bytes == bytes.count)
    for place in ends(of: bytes) {
      _ = try saved(bytes, upTo: place, in: directory)
      let tail = try recover(directory)
      // A `stop` whose run began in front of the checkpoint has it all read; no other record has.
      #expect(tail.checkpointed == (place == bytes.count ? place : 0), "\(place)")
      expectSame(tail, whole, "\(place)")
    }
    // Without the `stop`.
    let open = Array(bytes[..<(ends(of: bytes).dropLast().last ?? 0)])
    replace(try firstSegment(directory), with: open)
    for place in ends(of: open) {
      _ = try saved(open, upTo: place, in: directory)
      let tail = try recover(directory)
      #expect(tail.checkpointed == place)
      #expect(tail.prefix.digest == open.withUnsafeBytes { SHA256.digest(of: $0) })
    }
  }

  @Test func aCloseLeavesOneThatFitsAndEveryStartGoesOnWithIt() throws {
    let directory = TemporaryDirectory()
    for run in 1...4 {
      try write(3, in: directory, seed: UInt64(run))
      let bytes = contents(of: try firstSegment(directory))
      let checkpoint = try #require(Checkpoint.read(in: directory.path))
      #expect(checkpoint.bytes == bytes.count && checkpoint.lines == 5 * run)
      #expect(checkpoint.prefix == bytes.withUnsafeBytes { SHA256.digest(of: $0) })
      #expect(try audit(directory.path).head == checkpoint.head)
      #expect(try recover(directory).checkpointed == bytes.count)
    }
    #expect(!directory.names.contains(Checkpoint.newName))
  }

  @Test func noByteOfItIsBelievedAgainstTheSegment() throws {
    let directory = TemporaryDirectory()
    try write(5, in: directory)
    let path = directory.path + "/" + Checkpoint.name
    let good = contents(of: path)
    let expected = try recover(directory)
    var random = SeededGenerator(state: 5)
    for place in 0..<good.count {
      var bad = good
      // Digits become other digits too: what parses is compared.
      bad[place] =
        place % 2 == 0 ? (bad[place] == 49 ? 50 : 49) : bad[place] ^ UInt8.random(in: 1...255, using: &random)
      replace(path, with: bad)
      expectSame(try recover(directory), expected, "byte \(place)")
      replace(path, with: Array(good[..<place]))
      expectSame(try recover(directory), expected, "\(place) bytes")
    }
    replace(path, with: [UInt8](repeating: 0, count: 100_000))
    expectSame(try recover(directory), expected, "zeros")
  }

  @Test func everyByteInFrontOfItIsHashed() throws {
    let directory = TemporaryDirectory()
    try write(4, in: directory)
    let path = try firstSegment(directory)
    let bytes = contents(of: path)
    for place in 0..<bytes.count {
      var edited = bytes
      edited[place] ^= 1
      replace(path, with: edited)
      let found = try Checkpoint.read(in: directory.path)?.find(in: Segment.list(in: directory.path)[0])
      try #require(found == nil, "byte \(place)")
    }
  }

  @Test func totalsOfARunThatBeganInFrontOfItAreChecked() throws {
    let directory = TemporaryDirectory()
    try write(5, in: directory)
    let path = try firstSegment(directory)
    let bytes = contents(of: path)
    var records = lines(of: bytes)
    let stop = String(decoding: records.removeLast(), as: UTF8.self)
    let forged = stop.replacing("\"decisions\":5", with: "\"decisions\":6")
    #expect(forged != stop)
    let edited = text(records + [Array(forged.utf8)])
    replace(path, with: edited)
    _ = try saved(edited, upTo: ends(of: edited)[2], in: directory)
    guard case .broken? = try recover(directory).notices.first else {
      Issue.record("a forged total was gone on with")
      return
    }
  }

  @Test func untoldCutsHaveTheWholeSegmentRead() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    replace(path, with: contents(of: path) + Array("{\"sch".utf8))
    do {
      // Killed behind the record that tells of the cut, before the copy has its last name.
      var options = eager()
      options.recovery.rename = { (_, _) throws(LinuxError) in throw LinuxError("rename", errno: EIO) }
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(9), options: options)
      writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(9))
    }
    #expect(directory.names.contains { $0.contains(".untold-") })
    let bytes = contents(of: path)
    _ = try saved(bytes, upTo: bytes.count, in: directory)
    let tail = try recover(directory)
    #expect(tail.checkpointed == 0)
    // It was told, in front of the checkpoint: not twice.
    #expect(tail.notices.isEmpty && tail.hasCuts)
  }

  @Test func itIsWrittenWhenTheDiskHasConfirmedSoMuchAndNotBefore() throws {
    let directory = TemporaryDirectory()
    let result = Atomic<Int32>(-EIO)
    var options = eager()
    options.synchronizes = true
    options.checkpointBytes = 4000
    options.output.synchronize = { _ in result.load(ordering: .relaxed) }
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(0), options: options)
    var random = SeededGenerator(state: 6)
    for number in 1...10 as ClosedRange<UInt64> {
      writer.append(decision(number, &random), at: stamp(Int64(number)))
    }
    #expect(contents(of: writer.path).count > 8000)
    #expect(!directory.names.contains(Checkpoint.name))
    result.store(0, ordering: .relaxed)
    var places: Set<Int> = []
    for number in 11...40 as ClosedRange<UInt64> {
      writer.append(decision(number, &random), at: stamp(Int64(number)))
      let checkpoint = try #require(Checkpoint.read(in: directory.path))
      let size = contents(of: writer.path).count
      #expect(checkpoint.bytes <= size && size - checkpoint.bytes < 4000)
      places.insert(checkpoint.bytes)
    }
    #expect(places.count > 3 && places.count < 15)
  }

  @Test(arguments: ["checkpoint", "checkpoint.new"])
  func aPipeUnderItsNameHoldsNothingUp(_ name: String) throws {
    let directory = TemporaryDirectory()
    mkfifo(directory.path + "/" + name, 0o600)
    try write(2, in: directory)
    try write(2, in: directory)
    #expect(try audit(directory.path).findings == [])
    #expect(try recover(directory).checkpointed == contents(of: try firstSegment(directory)).count)
    #expect(directory.names == [Checkpoint.name, Segment.name(1), "lock"])
  }

  @Test func whatCannotBeWrittenCostsNothing() throws {
    let directory = TemporaryDirectory()
    mkdir(directory.path + "/" + Checkpoint.name, 0o700)
    defer { rmdir(directory.path + "/" + Checkpoint.name) }
    try write(2, in: directory)
    try write(2, in: directory)
    #expect(try audit(directory.path).findings == [])
    #expect(!directory.names.contains(Checkpoint.newName))
  }
}
