import Glibc
import Linux
import Synchronization
import Testing
import Vocabulary

@testable import Ledger

/// A daemon that ends at any of its calls to the disk: coalescing, compressing and dropping old segments as it is live.
/// The next start is clean, and whatever the disk has confirmed is there.
@Suite struct WriteSequenceTests {
  /// A disk that does nothing any more from the call with that number on; the write that it ends in is half done.
  private final class Disk: Sendable {
    private let state: Mutex<(calls: Int, limit: Int, written: Int, confirmed: Int)>

    init(endsAt limit: Int) { state = Mutex((0, limit, 0, 0)) }

    var calls: Int { state.withLock { $0.calls } }
    var isDead: Bool { state.withLock { $0.calls > $0.limit } }
    /// Whole lines that were there when it was last asked to confirm.
    var confirmed: Int { state.withLock { $0.confirmed } }

    var output: LedgerOutput {
      LedgerOutput(
        write: { file, bytes in
          let (whole, half) = self.state.withLock { state in
            state.calls += 1
            return (state.calls <= state.limit, state.calls == state.limit + 1)
          }
          guard whole || half else { return -Int(EIO) }
          let count = Glibc.write(file, bytes.baseAddress, whole ? bytes.count : bytes.count / 2)
          let lines = bytes.prefix(count).count { $0 == UInt8(ascii: "\n") }
          if whole { self.state.withLock { $0.written += lines } }
          return whole ? count : -Int(EIO)
        },
        synchronize: { _ in
          self.state.withLock { state in
            state.calls += 1
            guard state.calls <= state.limit else { return -EIO }
            state.confirmed = state.written
            return 0
          }
        })
    }
  }

  private func options(_ disk: Disk?) -> LedgerOptions {
    var options = eager(segmentBytes: 5000)
    options.synchronizes = true
    options.compresses = true
    options.retention = LedgerRetention(bytes: 16_000)
    options.checkpointBytes = 2000
    if let disk { options.output = disk.output }
    return options
  }

  private func run(_ directory: TemporaryDirectory, _ disk: Disk) throws {
    var random = SeededGenerator(state: 11)
    var writer = try LedgerWriter(
      directory: directory.path, identity: CoalescingTests.identity(), at: stamp(0), options: options(disk),
      coalesces: true)
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
    for number in 1...90 as ClosedRange<UInt64> {
      // A minute each, so that old segments are looked at each time.
      let now = stamp(Int64(number) * 60_000)
      if number % 3 == 0 {
        writer.append(decision(number, &random), at: now)
      } else {
        writer.append(CoalescingTests.steady(number, shape: Int(number % 2), &random), at: now)
      }
      if disk.isDead { return }
      writer.keep(at: now)
    }
    try writer.finish(at: stamp(91 * 60_000))
  }

  private func lines(_ directory: TemporaryDirectory) throws -> [[UInt8]] {
    try Segment.list(in: directory.path).flatMap { segment in
      var reader = try LineReader(segment)
      var found: [[UInt8]] = []
      while let line = try reader.nextLine() {
        if line.terminated { found.append(Array(line.bytes)) }
      }
      return found
    }
  }

  @Test func everyPrefixOfARunIsGoneOnWith() throws {
    let whole = TemporaryDirectory()
    let disk = Disk(endsAt: .max / 2)
    try run(whole, disk)
    #expect(whole.names.contains { $0.hasSuffix(".gz") })
    #expect(try audit(whole.path).first ?? 1 > 1, "old segments were dropped")
    try #require(disk.calls > 100)
    for limit in 0..<disk.calls {
      let directory = TemporaryDirectory()
      let disk = Disk(endsAt: limit)
      try? run(directory, disk)
      try #require(disk.isDead)
      let left = try lines(directory)
      // Numbers count from 1 without holes: what is there ends with all that was confirmed.
      let report = try? audit(directory.path)
      let last = report?.head?.sequence ?? 0
      try #require(
        last >= UInt64(disk.confirmed), "after \(limit) calls: \(last) of \(disk.confirmed) confirmed")
      var writer = try LedgerWriter(
        directory: directory.path, identity: CoalescingTests.identity(), at: stamp(0), options: options(nil),
        coalesces: true)
      writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
      #expect(writer.end(reason: "end", at: stamp(1)) == nil)
      let after = try audit(directory.path)
      try #require(after.passes, "after \(limit) calls: \(after.findings)")
      let kept = try lines(directory)
      // Whole lines are as they were; only the oldest segments may have been dropped.
      let same = left.isEmpty || kept.indices.contains { kept[$0...].starts(with: left.suffix(1)) }
      try #require(same && kept.count >= left.count, "after \(limit) calls")
    }
  }
}
