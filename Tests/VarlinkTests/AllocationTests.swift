// Compiled where the test target depends on the counter (Package.swift).
#if canImport(CAllocationCounter)
  import CAllocationCounter
  import Testing
  import Vocabulary

  @testable import Varlink

  @Suite(.enabled("a sanitizer has the allocator") { mmx_counts_allocations() == 1 })
  struct AllocationTests {
    @Test func publishingTakesNothingFromTheHeapOnceEveryPlaceHasHeldAMessage() throws {
      var bench = try Bench()
      let peers = try (0..<3).map { _ in try bench.connect() }
      for peer in peers { peer.send(watch) }
      try bench.serve()
      for number in 1...100 { bench.publish(number) }
      for peer in peers { _ = try peer.receive() }
      let before = mmx_allocations()
      for number in 101...200 { bench.publish(number) }
      let taken = mmx_allocations() - before
      #expect(taken == 0)
      for peer in peers { #expect(stream(try peer.receive()).numbers == (101...200).map(Int64.init)) }
    }
  }
#endif
