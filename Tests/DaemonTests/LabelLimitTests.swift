import Testing
import Vocabulary

@testable import Daemon

@Suite struct LabelLimitTests {
  private func second(_ number: Int64) -> Instant { .zero + .seconds(number) }

  /// How many of so many are taken at an instant.
  private func take(_ count: Int, _ limit: inout LabelLimit, at now: Instant) -> Int {
    var taken = 0
    for _ in 0..<count where limit.take(at: now) { taken += 1 }
    return taken
  }

  @Test func soManyAtOnceAndOneASecondAfterThat() {
    var limit = LabelLimit()
    #expect(take(100, &limit, at: second(5)) == 60)
    #expect(take(1, &limit, at: .zero + .milliseconds(5_999)) == 0)
    #expect(take(5, &limit, at: second(6)) == 1)
    // A minute later there are as many again, and no more.
    #expect(take(100, &limit, at: second(600)) == 60)
    var taken = 0
    for tenth in 0..<6000 as Range<Int64> {
      taken += take(1, &limit, at: second(600) + .milliseconds(tenth * 100))
    }
    #expect(taken == 599)
  }

  @Test func aClockThatGoesBackGivesNone() {
    var limit = LabelLimit()
    #expect(take(60, &limit, at: second(100)) == 60)
    #expect(take(1, &limit, at: second(50)) == 0)
    #expect(take(2, &limit, at: second(101)) == 1)
  }
}
