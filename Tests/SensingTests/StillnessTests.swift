import Testing
import Vocabulary

@testable import Sensing

@Suite struct StillnessTests {
  /// 1,000 Hz, and a fault after a second.
  private func stillness(_ limit: Nanoseconds = .seconds(1)) -> Stillness {
    Stillness(rate: 1_000, limit: limit)
  }

  private func observe(_ stillness: inout Stillness, _ samples: [Int16]) -> Bool {
    samples.withUnsafeBufferPointer { stillness.observe($0) }
    return stillness.fault("sensor x") != nil
  }

  @Test(arguments: [0, -1, 1_234]) func oneValueForTheLimitIsAFault(value: Int16) {
    var stillness = stillness()
    for _ in 0..<9 { #expect(!observe(&stillness, Array(repeating: value, count: 100))) }
    #expect(observe(&stillness, Array(repeating: value, count: 100)))
    #expect(stillness.isDoubted)
  }

  @Test func theSmallestMovementIsSound() {
    var stillness = stillness()
    for round in 0..<100 {
      var samples = [Int16](repeating: 0, count: 999)
      samples[round * 9] = 1
      #expect(!observe(&stillness, samples))
    }
    // Also where it lies between two blocks.
    for round in 0..<100 { #expect(!observe(&stillness, Array(repeating: Int16(round % 2), count: 600))) }
  }

  @Test func whoWasStuckHasToMoveBeforeHeIsBelieved() {
    var stillness = stillness()
    #expect(observe(&stillness, Array(repeating: 0, count: 1_000)))
    stillness.begin()
    #expect(!observe(&stillness, Array(repeating: 0, count: 499)) && stillness.isDoubted)
    #expect(observe(&stillness, [0]), "sooner than the first time")
    stillness.begin()
    #expect(!observe(&stillness, [0, 0, 1]) && !stillness.isDoubted)
    #expect(!observe(&stillness, Array(repeating: 1, count: 900)))
  }

  @Test func zeroIsNever() {
    var stillness = stillness(.zero)
    #expect(!observe(&stillness, Array(repeating: 0, count: 1_000_000)))
  }

  @Test func nothingTellsNothing() {
    var stillness = stillness()
    #expect(!observe(&stillness, []))
  }
}
