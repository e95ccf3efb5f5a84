import Testing
import Vocabulary

@testable import Daemon

@Suite struct LabelLimitTests {
  private func second(_ number: Int64) -> Instant { .zero + .seconds(number) }

  @Test func soManyAtOnceAndOneASecondAfterThat() {
    var limit = LabelLimit()
    for _ in 0..<60 { #expect(limit.take(at: second(5))) }
    #expect(!limit.take(at: second(5)))
    #expect(!limit.take(at: .zero + .milliseconds(5_999)))
    #expect(limit.take(at: second(6)) && !limit.take(at: second(6)))
    // A minute later there are as many again, and no more.
    for _ in 0..<60 { #expect(limit.take(at: second(600))) }
    #expect(!limit.take(at: second(600)))
    var taken = 0
    for tenth in 0..<6000 where limit.take(at: second(600) + .milliseconds(Int64(tenth) * 100)) { taken += 1 }
    #expect(taken == 599)
  }

  @Test func aClockThatGoesBackGivesNone() {
    var limit = LabelLimit()
    for _ in 0..<60 { #expect(limit.take(at: second(100))) }
    #expect(!limit.take(at: second(50)) && limit.take(at: second(101)))
  }
}
