import Ledger
import ScriptedModels
import Sensing
import Testing
import Vocabulary

@testable import Pipeline

@Suite struct SensorAccountTests {
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  private func account(perMinute: Int = 3) -> SensorAccount {
    SensorAccount(wakeDeadline: .milliseconds(800), wakesPerMinute: perMinute, start: at(0))
  }

  @discardableResult private func enter(
    _ state: SensorState, _ account: inout SensorAccount, at ms: Int64
  ) -> SensorTransition? {
    account.enter(state, of: 4, at: at(ms), detail: "a line")
  }

  @Test func timeIsCountedInTheStateItWasSpentIn() {
    var account = account()
    enter(.waking(since: at(100)), &account, at: 100)
    enter(.awake(since: at(390)), &account, at: 400)
    var expected = StateDurations()
    expected.asleep = .milliseconds(100)
    expected.waking = .milliseconds(300)
    expected.awake = .milliseconds(600)
    #expect(account.post(at: at(1000)).states == expected)
    enter(.failed(.unplugged, since: at(1100)), &account, at: 1100)
    expected = StateDurations()
    expected.awake = .milliseconds(100)
    expected.failed = .milliseconds(200)
    #expect(account.post(at: at(1300)).states == expected)
    #expect(account.post(at: at(1300)).states == StateDurations(), "nothing is posted twice")
    #expect(account.figures.awakeTime(at: at(9000)) == .milliseconds(700))
    #expect(account.figures.durations(at: at(9000)).total == .milliseconds(9000))
  }

  @Test func theFiguresCountTheTimeThatStillRuns() {
    var account = account()
    enter(.awake(since: at(100)), &account, at: 100)
    #expect(account.figures.awakeTime(at: at(1_000)) == .milliseconds(900))
    #expect(account.figures.awakeTime(at: at(50)) == .zero, "an older clock takes nothing away")
  }

  @Test func aTransitionSaysHowLongTheSensorWasAwake() throws {
    var account = account()
    let wake = try #require(enter(.waking(since: at(100)), &account, at: 100))
    #expect(wake.sensor == 4 && wake.from == .asleep && wake.at == at(100))
    #expect(wake.lasted == .milliseconds(100) && wake.awake == .zero)
    let refused = try #require(enter(.asleep, &account, at: 250))
    #expect(refused.awake == .zero, "it was waking, and never awake")
    enter(.waking(since: at(300)), &account, at: 300)
    enter(.awake(since: at(400)), &account, at: 400)
    #expect(try #require(enter(.asleep, &account, at: 1_650)).awake == .milliseconds(1_250))
  }

  @Test func eachFaultIsReportedOnceUntilTheSensorDelivers() throws {
    var account = account()
    enter(.waking(since: at(0)), &account, at: 0)
    let first = try #require(enter(.failed(.openHung, since: at(10)), &account, at: 10))
    #expect(first.detail == "a line" && !first.isRecovery)
    #expect(enter(.failed(.openHung, since: at(20)), &account, at: 20) == nil)
    #expect(account.figures.faults == 1, "no other fault than it has")
    #expect(enter(.failed(.absent, since: at(30)), &account, at: 30) != nil)
    #expect(enter(.failed(.openHung, since: at(40)), &account, at: 40) == nil)
    #expect(account.figures.faults == 3 && account.state == .failed(.openHung, since: at(40)))
    let back = try #require(enter(.awake(since: at(50)), &account, at: 50))
    #expect(back.isRecovery && back.detail == nil)
    #expect(enter(.failed(.openHung, since: at(60)), &account, at: 60) != nil)
    #expect(account.figures.durations(at: at(60)).failed == .milliseconds(40))
  }

  @Test func aFirstAwakeningIsNoRecovery() throws {
    var account = account()
    enter(.waking(since: at(0)), &account, at: 0)
    #expect(try #require(enter(.awake(since: at(10)), &account, at: 10)).isRecovery == false)
  }

  @Test func wakesAreCountedAndHeldToAMinutesBudget() {
    var account = account(perMinute: 2)
    for (index, second) in [0, 10].enumerated() {
      #expect(!account.isWakeBudgetSpent(at: at(Int64(second) * 1_000)))
      enter(.waking(since: at(0)), &account, at: Int64(second) * 1_000)
      enter(.asleep, &account, at: Int64(second) * 1_000 + 500)
      #expect(account.figures.wakes == UInt64(index + 1))
    }
    #expect(account.isWakeBudgetSpent(at: at(59_000)) && !account.isWakeBudgetSpent(at: at(60_000)))
  }

  @Test func heldAwakeIsRecordedEachTimeAndToldOnceAnHour() {
    var account = account()
    var told: [Bool] = []
    for minute in [0, 1, 59, 60, 61] as [Int64] {
      enter(.awake(since: at(minute * 60_000)), &account, at: minute * 60_000)
      let first = account.holdAwake(at: at(minute * 60_000))
      #expect(first.isNew && account.figures.heldAwake)
      #expect(account.holdAwake(at: at(minute * 60_000 + 1)) == (false, false))
      told.append(first.isTold)
      enter(.asleep, &account, at: minute * 60_000 + 2)
      #expect(!account.figures.heldAwake)
    }
    #expect(told == [true, false, false, true, false])
  }

  @Test func anExpectedWakeFollowsASlowerOneAtOnceAndAFasterOneSlowly() {
    var account = account()
    #expect(account.expectedWake == .milliseconds(800))
    account.wakeTook(.milliseconds(1_000))
    #expect(account.expectedWake == .milliseconds(1_000))
    account.wakeTook(.milliseconds(100))
    #expect(account.expectedWake == .milliseconds(875))
  }
}
