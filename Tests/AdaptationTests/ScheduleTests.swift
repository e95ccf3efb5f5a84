import Testing
import Vocabulary

@testable import Adaptation

@Suite struct ScheduleTests {
  private func schedule(seed: UInt64, probability: Double, share: Double, lead: Int64) -> AuditSchedule {
    guard
      let schedule = AuditSchedule(
        seed: seed, probability: probability, share: share, longestWake: .milliseconds(lead * 250),
        stride: .milliseconds(250), expectedCost: Nanojoules(100))
    else { fatalError("a schedule that is none") }
    return schedule
  }

  @Test func everyAuditIsAnnouncedInTime() {
    for lead in [0, 1, 6, 63] as [Int64] {
      var schedule = schedule(seed: 1, probability: 0.2, share: 1, lead: lead)
      #expect(schedule.lead == Int(lead))
      var expected: Int?
      var audits = 0
      for _ in 0..<5000 {
        schedule.post(decision: Nanojoules(1000))
        let turn = schedule.next()
        if turn.isAudited {
          audits += 1
          if lead > 0 { #expect(expected == 1) }
        } else {
          #expect(expected != 1)
        }
        if let next = turn.windowsToNext { #expect((1...Int(lead)).contains(next)) }
        // What was announced stays announced, one window nearer each time.
        if let before = expected, before > 1 { #expect(turn.windowsToNext == before - 1) }
        expected = turn.windowsToNext
      }
      #expect(abs(audits - 1000) < 120)
    }
    #expect(
      AuditSchedule(
        seed: 1, probability: 1, share: 1, longestWake: .seconds(20), stride: .milliseconds(250),
        expectedCost: .zero) == nil)
  }

  @Test func auditsStayWithinTheirShareOfTheEnergy() {
    var draws = SeededDraws(seed: 2)
    for seed in 0..<30 as Range<UInt64> {
      let share = 0.3 * draws.uniform()
      var schedule = schedule(seed: seed, probability: draws.uniform(), share: share, lead: 4)
      var (all, audits) = (0.0, 0.0)
      for _ in 0..<4000 {
        let isAudited = schedule.next().isAudited
        let decision = Int64(draws.index(below: 300))
        let audit = isAudited ? Int64(50 + draws.index(below: 51)) : 0
        schedule.post(decision: Nanojoules(decision), audit: Nanojoules(audit))
        all += Double(decision + audit)
        audits += Double(audit)
        #expect(audits <= share * all + 1e-6)
      }
    }
  }

  @Test func theSeedAloneDecidesWhileEnergyAllows() {
    var (rich, richer) = (
      schedule(seed: 3, probability: 0.1, share: 1, lead: 2),
      schedule(seed: 3, probability: 0.1, share: 1, lead: 2)
    )
    var other = schedule(seed: 4, probability: 0.1, share: 1, lead: 2)
    var differs = false
    for _ in 0..<2000 {
      rich.post(decision: Nanojoules(1000))
      richer.post(decision: Nanojoules(5000))
      other.post(decision: Nanojoules(1000))
      let turn = rich.next()
      #expect(turn == richer.next())
      if turn != other.next() { differs = true }
    }
    #expect(differs)
  }
}
