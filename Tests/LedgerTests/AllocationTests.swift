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
  }
#endif
