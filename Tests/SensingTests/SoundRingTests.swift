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

  @Test func soundBeginsAWholeNumberOfHopsAfterTheFirstSample() {
    var ring = ring()
    _ = append(&ring, Array(0..<9), endingAt: 109)
    func cut(_ end: Int64, every hop: Int) -> ([Int16], SoundExtract) {
      var buffer = [Int16](repeating: -7, count: 4)
      let extract = buffer.withUnsafeMutableBufferPointer {
        ring.copy(endingAt: at(end), every: hop, into: $0)
      }
      return (buffer, extract)
    }
    func wanted(_ first: Int, missing: Int = 0) -> SoundExtract {
      SoundExtract(
        missing: missing, end: at(104 + Int64(first)), position: SoundPosition(stream: 0, first: first))
    }
    #expect(cut(109, every: 1) == ([5, 6, 7, 8], wanted(5)))
    #expect(cut(109, every: 3) == ([3, 4, 5, 6], wanted(3)), "up to two samples earlier")
    #expect(cut(108, every: 3) == ([3, 4, 5, 6], wanted(3)))
    #expect(cut(107, every: 3) == ([3, 4, 5, 6], wanted(3)))
    #expect(cut(106, every: 3) == ([0, 1, 2, 3], wanted(0)))
    #expect(cut(103, every: 3) == ([0, 0, 0, 0], wanted(-3, missing: 3)))
    ring.restart()
    _ = append(&ring, Array(0..<9), endingAt: 209)
    #expect(cut(209, every: 3).1.position == SoundPosition(stream: 1, first: 3))
  }

  /// Against the numbers themselves, over the end of the memory and through losses.
  @Test func whatASampleNumberStandsForNeverChanges() {
    var ring = SoundRing(rate: 1_000, history: .milliseconds(97))
    var known: [Int16] = []
    var end: Int64 = 1_000
    var state: UInt32 = 7
    func dice(_ n: Int) -> Int {
      state = state &* 1_664_525 &+ 1_013_904_223
      return Int(state >> 8) % n
    }
    for round in 0..<600 {
      let count = 1 + dice(150)
      let lost = round > 0 && dice(12) == 0 ? 1 + dice(130) : 0
      let new = (0..<count).map { _ in Int16(1 + dice(9_999)) }
      end += Int64(count + lost)
      #expect(append(&ring, new, endingAt: end, afterLoss: lost > 0) == lost)
      known += [Int16](repeating: 0, count: lost) + new
      let hop = 1 + dice(20)
      let asked = end - Int64(dice(120))
      var buffer = [Int16](repeating: -7, count: 1 + dice(90))
      let extract = buffer.withUnsafeMutableBufferPointer {
        ring.copy(endingAt: at(asked), every: hop, into: $0)
      }
      guard let first = extract.position?.first else {
        Issue.record("it has sound")
        return
      }
      #expect(first % hop == 0 && extract.end == at(1_000 + Int64(first + buffer.count)))
      #expect(extract.end <= at(asked) && extract.end > at(asked - Int64(hop)))
      for i in buffer.indices {
        let number = first + i
        let isThere = number >= max(0, known.count - 97) && number < known.count
        #expect(buffer[i] == (isThere ? known[number] : 0), "round \(round), sample \(number)")
      }
    }
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

  @Test func theDevicesClockIsToldAfterTenSecondsAndForgottenWithARestart() {
    var ring = SoundRing(rate: 16_000, history: .seconds(1))
    let period = [Int16](repeating: 1, count: 320)
    for number in 1...1_000 {
      // 320 samples in 19.998 ms: 100 millionths fast.
      let end = Instant.zero + Nanoseconds(Int64(number) * 19_998_000)
      _ = period.withUnsafeBufferPointer { ring.append($0, endingAt: end) }
      if number == 499 { #expect(ring.partsPerMillion == nil) }
    }
    let fast = ring.partsPerMillion ?? .nan
    #expect(abs(fast - 100) < 3, "\(fast)")
    ring.restart()
    #expect(ring.partsPerMillion == nil)
  }
}
