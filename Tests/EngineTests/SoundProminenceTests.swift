import Testing
import Vocabulary

@testable import Engine

@Suite struct SoundProminenceTests {
  private static let length = Nanoseconds.seconds(1)

  private func end(_ milliseconds: Int) -> Instant { .zero + .milliseconds(Int64(milliseconds)) }

  /// Windows a quarter of a second apart: against the loudest of the four that end from two seconds to one second before.
  @Test func equalsTheLoudestBefore() throws {
    var seed: UInt64 = 3
    func next() -> Int64 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1
      return Int64(seed >> 34)
    }
    var prominence = SoundProminence(length: Self.length)
    let levels = (0..<200).map { _ in next() }
    for (index, level) in levels.enumerated() {
      let found = prominence.observe(level, endingAt: end(index * 250))
      let before = levels[max(0, index - 7)..<max(0, index - 3)].max()
      let expected = before.map { Double(max(level, 1)) / Double(max($0, SoundActivity.quietest)) }
      #expect(found == expected, "\(index)")
    }
  }

  @Test func aWindowThatComesAgainIsNoOther() {
    var prominence = SoundProminence(length: Self.length)
    for index in 0..<12 {
      let once = prominence.observe(100, endingAt: end(index * 250))
      #expect(prominence.observe(100, endingAt: end(index * 250)) == once)
    }
    // And the louder of the two counts.
    _ = prominence.observe(4000, endingAt: end(2750))
    #expect(prominence.observe(400, endingAt: end(3750)) == 0.1)
  }

  /// A microphone that slept, and a recording that begins anew: nothing is known of what was before.
  @Test func nothingIsKnownAfterAPause() {
    var prominence = SoundProminence(length: Self.length)
    for index in 0..<12 { _ = prominence.observe(100, endingAt: end(index * 250)) }
    #expect(prominence.observe(900, endingAt: end(3000)) == 9)
    #expect(prominence.observe(900, endingAt: end(8000)) == nil)
    #expect(prominence.observe(900, endingAt: end(100)) == nil)
  }

  /// Closer together than it has places for: none is lost.
  @Test func manyWindows() {
    var prominence = SoundProminence(length: Self.length)
    for index in 0..<300 { _ = prominence.observe(index == 150 ? 8000 : 80, endingAt: end(index * 10)) }
    #expect(prominence.observe(80, endingAt: end(2990)) == 0.01)
    for index in 300..<400 { _ = prominence.observe(80, endingAt: end(index * 10)) }
    #expect(prominence.observe(80, endingAt: end(4000)) == 1)
  }

  @Test func silenceIsNoReasonToStandOut() {
    var prominence = SoundProminence(length: Self.length)
    for index in 0..<8 { _ = prominence.observe(0, endingAt: end(index * 250)) }
    #expect(prominence.observe(32, endingAt: end(2000)) == 2)
    #expect(prominence.observe(0, endingAt: end(2250))! > 0)
  }
}
