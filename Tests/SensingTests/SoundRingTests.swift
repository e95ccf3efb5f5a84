import Testing
import Vocabulary

@testable import Sensing

@Suite struct SoundRingTests {
  /// 1,000 Hz, so that a sample is a millisecond; 10 of them are kept.
  private func ring() -> SoundRing { SoundRing(rate: 1_000, history: .milliseconds(10)) }

  private func append(
    _ ring: inout SoundRing, _ values: [Int16], endingAt end: Int64, afterLoss: Bool = false
  ) -> Int {
    values.withUnsafeBufferPointer { ring.append($0, endingAt: at(end), afterLoss: afterLoss) }
  }

  private func copy(_ ring: borrowing SoundRing, endingAt end: Int64, count: Int) -> ([Int16], Int) {
    var buffer = [Int16](repeating: -7, count: count)
    var missing = 0
    buffer.withUnsafeMutableBufferPointer { missing = ring.copy(endingAt: at(end), into: $0).missing }
    return (buffer, missing)
  }

  @Test func soundIsFoundByItsTime() {
    var ring = ring()
    #expect(append(&ring, [1, 2, 3, 4], endingAt: 104) == 0)
    #expect(append(&ring, [5, 6], endingAt: 106) == 0)
    #expect(copy(ring, endingAt: 106, count: 6) == ([1, 2, 3, 4, 5, 6], 0))
    #expect(copy(ring, endingAt: 103, count: 2) == ([2, 3], 0))
    let (start, end, covered) = (ring.start, ring.end, ring.covered)
    #expect((start, end) == (at(100), at(106)))
    #expect(covered == at(107) - Nanoseconds(1))
  }

  @Test func whatIsNotThereIsZeroAndCounted() {
    var ring = ring()
    #expect(copy(ring, endingAt: 50, count: 3) == ([0, 0, 0], 3))
    _ = append(&ring, [1, 2, 3], endingAt: 103)
    #expect(copy(ring, endingAt: 102, count: 4) == ([0, 0, 1, 2], 2))
    #expect(copy(ring, endingAt: 105, count: 4) == ([2, 3, 0, 0], 2))
    #expect(copy(ring, endingAt: 90, count: 2) == ([0, 0], 2))
    #expect(copy(ring, endingAt: 200, count: 2) == ([0, 0], 2))
  }

  @Test func theOldestSoundIsOverwritten() {
    var ring = ring()
    for start in stride(from: 0, to: 24, by: 3) {
      _ = append(&ring, (0..<3).map { Int16(start + $0) }, endingAt: Int64(100 + start + 3))
    }
    #expect(copy(ring, endingAt: 124, count: 12) == ([0, 0] + Array(14..<24), 2))
  }

  @Test func aToldLossIsAsLongAsItsStampSays() {
    var ring = ring()
    _ = append(&ring, [1, 2], endingAt: 102)
    #expect(append(&ring, [3, 4], endingAt: 107, afterLoss: true) == 3)
    #expect(copy(ring, endingAt: 107, count: 7) == ([1, 2, 0, 0, 0, 3, 4], 3))
    #expect(copy(ring, endingAt: 104, count: 3) == ([2, 0, 0], 2))
    #expect(copy(ring, endingAt: 107, count: 2) == ([3, 4], 0))
  }

  @Test func aClockThatJumpsBackIsFollowedAtOnce() {
    var ring = ring()
    _ = append(&ring, [1, 2], endingAt: 1_102)
    #expect(append(&ring, [3, 4], endingAt: 804) == 0, "nothing was lost")
    let end = ring.end
    #expect(end == at(804))
    #expect(copy(ring, endingAt: 804, count: 4) == ([1, 2, 3, 4], 0))
  }

  @Test func aToldLossIsNeverNothing() {
    var ring = ring()
    _ = append(&ring, [1, 2], endingAt: 102)
    #expect(append(&ring, [3, 4], endingAt: 104, afterLoss: true) == 1)
    #expect(copy(ring, endingAt: 104, count: 4) == ([2, 0, 3, 4], 1))
  }

  @Test func aJumpThatNobodyToldOfIsALossToo() {
    var ring = ring()
    _ = append(&ring, [1, 2], endingAt: 102)
    #expect(append(&ring, [3], endingAt: 153) == 0, "50 ms late is jitter")
    #expect(append(&ring, [4], endingAt: 400) > 200)
    #expect(copy(ring, endingAt: 400, count: 3) == ([0, 0, 4], 2))
  }

  @Test func aLossLongerThanTheRingLeavesNothingOld() {
    var ring = ring()
    _ = append(&ring, [9, 9, 9, 9, 9, 9, 9, 9, 9, 9], endingAt: 110)
    #expect(append(&ring, [1], endingAt: 10_111, afterLoss: true) == 10_000)
    #expect(copy(ring, endingAt: 10_111, count: 10) == ([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 9))
  }

  @Test func moreLossesThanAreRememberedCountTooMuchAndNeverTooLittle() {
    var ring = SoundRing(rate: 1_000, history: .milliseconds(100))
    var time: Int64 = 100
    _ = append(&ring, [1], endingAt: time)
    for _ in 0..<20 {
      time += 2
      _ = append(&ring, [1], endingAt: time, afterLoss: true)
    }
    // 41 samples: 21 had and 20 lost. The 5 oldest losses are one range with the 4 had between them.
    #expect(copy(ring, endingAt: time, count: 41).1 == 20 + 4)
  }

  @Test func aRestartForgetsAll() {
    var ring = ring()
    _ = append(&ring, [1, 2], endingAt: 102)
    ring.restart()
    #expect(copy(ring, endingAt: 102, count: 2) == ([0, 0], 2))
    _ = append(&ring, [3], endingAt: 501)
    #expect(copy(ring, endingAt: 501, count: 2) == ([0, 3], 1))
  }
}
