import Vocabulary

/// The last few seconds of a microphone's sound, with the time of each sample and a note of what was lost.
/// One thread appends, under the lock of whoever shares it. Allocates once.
package struct SoundRing: ~Copyable, @unchecked Sendable {
  // Unchecked: the memory behind the pointer is this value's alone.

  /// Lost ranges remembered; beyond that the two oldest become one, sound between them included.
  private static let holeLimit = 16

  private let capacity: Int
  private let samples: UnsafeMutablePointer<Int16>
  /// Samples are numbered from 0 at the last restart, lost ones included. What a number stands for never changes.
  package private(set) var count = 0
  private var restarts: UInt64 = 0
  private var clock: SampleClock
  /// Ascending and apart.
  private var holes: InlineArray<16, Range<Int>>
  private var holeCount = 0

  /// - Precondition: within `SensingLimits`.
  package init(rate: Int, history: Nanoseconds) {
    capacity = max(1, SampleRate(perSecond: rate).samples(in: history))
    samples = .allocate(capacity: capacity)
    samples.initialize(repeating: 0, count: capacity)
    clock = SampleClock(rate: rate)
    holes = InlineArray(repeating: 0..<0)
  }

  deinit { samples.deallocate() }

  /// The end of the newest sample.
  package var end: Instant { clock.time(of: count) }
  /// The start of sample 0.
  package var start: Instant { clock.time(of: 0) }
  /// Every instant up to here rounds down to a sample that is there.
  package var covered: Instant { clock.time(of: count + 1) - Nanoseconds(1) }

  /// What the device's clock is fast by, in millionths; nil while that is not known.
  package var partsPerMillion: Double? { clock.partsPerMillion }

  /// Forgets everything: the device was opened anew.
  package mutating func restart() {
    count = 0
    restarts += 1
    holeCount = 0
    clock = SampleClock(rate: clock.rate)
  }

  /// Adds samples of which the last ended at `stamp`.
  ///
  /// A stamp more than 100 ms later than the samples before it lets expect is a loss that nobody told of.
  /// - Parameter afterLoss: the device said that it lost sound before these samples; how much, their stamp says.
  /// - Returns: the number of samples lost, which stand in the ring as zeros and count as missing.
  @discardableResult package mutating func append(
    _ new: UnsafeBufferPointer<Int16>, endingAt stamp: Instant, afterLoss: Bool = false
  ) -> Int {
    var lost = 0
    if !clock.isSet {
      clock.set(count + new.count, at: stamp)
    } else {
      let error = stamp - clock.time(of: count + new.count)
      if afterLoss || error > SampleClock.jump || Nanoseconds.zero - error > SampleClock.jump {
        let late = max(0, Double(error.count)) * Double(clock.rate) / 1e9
        lost = Int(late.rounded())
        if afterLoss { lost = max(1, lost) }
        appendHole(lost)
        clock.set(count + new.count, at: stamp)
      } else {
        clock.learn(count + new.count, at: stamp)
      }
    }
    store(new)
    return lost
  }

  /// Copies the sound that ends at `end` into the whole of the buffer; what is not there is 0 and counted.
  /// - Parameter hop: it begins a whole number of so many samples after sample 0, and ends up to one less than that earlier.
  package borrowing func copy(
    endingAt end: Instant, every hop: Int = 1, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract {
    guard clock.isSet else {
      buffer.update(repeating: 0)
      return SoundExtract(missing: buffer.count, end: end)
    }
    let first = floorDivide(clock.number(at: end) - buffer.count, hop) * hop
    let last = first + buffer.count
    let there = (max(0, count - capacity)..<count).clamped(to: first..<last)
    buffer[..<(there.lowerBound - first)].update(repeating: 0)
    buffer[(there.upperBound - first)...].update(repeating: 0)
    // In two pieces where it goes over the memory's end.
    var number = there.lowerBound
    while number < there.upperBound {
      let place = number % capacity
      let n = min(there.upperBound - number, capacity - place)
      buffer.baseAddress?.advanced(by: number - first).update(from: samples + place, count: n)
      number += n
    }
    var missing = buffer.count - there.count
    for i in 0..<holeCount { missing += holes[i].clamped(to: there).count }
    return SoundExtract(
      missing: missing, end: clock.time(of: last), position: SoundPosition(stream: restarts, first: first))
  }

  private mutating func store(_ new: UnsafeBufferPointer<Int16>) {
    var done = 0
    while let base = new.baseAddress, done < new.count {
      let place = count % capacity
      let n = min(new.count - done, capacity - place)
      (samples + place).update(from: base + done, count: n)
      done += n
      count += n
    }
  }

  private mutating func appendHole(_ length: Int) {
    if length == 0 { return }
    let hole = count..<count + length
    for number in hole.suffix(capacity) { samples[number % capacity] = 0 }
    count += length
    forgetHoles(before: count - capacity)
    if holeCount == Self.holeLimit {
      holes[0] = holes[0].lowerBound..<holes[1].upperBound
      for i in 2..<holeCount { holes[i - 1] = holes[i] }
      holeCount -= 1
    }
    holes[holeCount] = hole
    holeCount += 1
  }

  private mutating func forgetHoles(before number: Int) {
    var kept = 0
    for i in 0..<holeCount where holes[i].upperBound > number {
      holes[kept] = holes[i]
      kept += 1
    }
    holeCount = kept
  }
}
