// Compiled where the test target depends on the counter (Package.swift).
#if canImport(CAllocationCounter)
  import CAllocationCounter
  import Testing
  import Vocabulary

  @testable import Ledger

  @Suite(.enabled("a sanitizer has the allocator") { mmx_counts_allocations() == 1 })
  struct AllocationTests {
    @Test func appendingTakesNothingFromTheHeap() throws {
      let directory = TemporaryDirectory()
      var random = SeededGenerator(state: 5)
      let decisions = (1...200).map { decision($0, &random) }
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(0), options: eager())
      let time = LedgerStamp(boot: .zero, utc: 1_767_225_600_000_000_000, synced: true)
      func write(_ index: Int) {
        // By index: an iterator over values this large takes memory of its own in a debug build.
        writer.append(decisions[index], at: time)
        writer.append(.wake(modality: 1, decision: UInt64(index)), at: stamp(1))
        writer.append(.sleep(modality: 1, awake: .seconds(1)), at: stamp(1))
      }
      // The first of each kind has the runtime look up its types.
      write(0)
      let before = mmx_allocations()
      for index in 0..<200 { write(index) }
      let taken = mmx_allocations() - before
      #expect(taken == 0)
      try writer.finish(at: stamp(2))
      #expect(try audit(directory.path).types["decision"] == 201)
    }

    /// Windows that wait, and the counted records that they become.
    @Test func coalescingTakesNothingFromTheHeap() throws {
      let directory = TemporaryDirectory()
      var random = SeededGenerator(state: 5)
      let decisions = (1...1000).map {
        CoalescingTests.steady(UInt64($0), shape: $0 % 8 == 0 ? 2 : 1, &random)
      }
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(0), options: eager(), coalesces: true)
      func write(_ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound {
          writer.append(decisions[index], at: stamp(Int64(index) * 250))
          index += 1
        }
        writer.append(.label(decision: UInt64(range.upperBound - 2), label: 0, user: nil), at: stamp(1))
      }
      write(0..<300)
      let before = mmx_allocations()
      write(300..<1000)
      #expect(mmx_allocations() - before == 0)
      try writer.finish(at: stamp(2))
      #expect(try audit(directory.path).decisions == 1000)
    }
  }
#endif
