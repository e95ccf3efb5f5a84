import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Pipeline

/// When windows end and full checks begin, where that changes or is asked for.
@Suite struct ClockTests {
  private func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }
  private func clock() -> WindowClock { WindowClock(first: at(1_000), period: .milliseconds(250)) }

  @Test func anAskedWindowTakesAlongThoseThatCameDue() {
    var clock = clock()
    clock.answeredBetween(windowEnding: at(990))
    #expect(clock.next == at(1_000) && clock.joined == 0)
    clock.answeredBetween(windowEnding: at(1_510))
    #expect(clock.next == at(1_750) && clock.joined == 3)
  }

  @Test func whoAsksGetsTheWindowThatEndsNow() {
    var clock = clock()
    #expect(clock.end(isAsked: false, at: at(600)) == at(1_000))
    #expect(clock.end(isAsked: true, at: at(600)) == at(600))
    #expect(clock.end(isAsked: true, at: at(1_100)) == at(1_000), "one that is due comes first")
    clock.answeredBetween(windowEnding: at(600))
    #expect(clock.end(isAsked: true, at: at(600)) == at(1_000), "no window twice")
    #expect(clock.end(isAsked: true, at: at(601)) == at(601))
  }

  @Test func anotherPeriodCountsFromTheLastWindow() {
    var clock = clock()
    clock.answeredBetween(windowEnding: at(750))
    clock.adopt(period: .milliseconds(100), now: at(760))
    #expect(clock.next == at(850))
    clock.adopt(period: .milliseconds(50), now: at(820))
    #expect(clock.next == at(820), "not before now")
    clock.adopt(period: .milliseconds(500), now: at(820))
    #expect(clock.next == at(820), "a longer one takes back nothing")
    clock.answered(windowEnding: at(820), at: at(821))
    #expect(clock.next == at(1_320))
  }

  @Test func afterAPauseWindowsBeginAnew() {
    var clock = clock()
    clock.restart(first: at(9_000))
    #expect(clock.next == at(9_000) && clock.joined == 0)
    clock.restart(first: at(8_000))
    #expect(clock.next == at(9_000), "no window twice")
  }

  /// For a minute after an event they come closer together.
  @Test func fullChecksComeCloserTogetherAfterAnEvent() {
    var checks = FullCheckClock(
      period: .milliseconds(250), maximumBlind: .seconds(10), afterEvent: .seconds(3), start: at(-100_000))
    checks.completed(at: at(0))
    #expect(!checks.isDue(at: at(9_750), wake: .zero) && checks.isDue(at: at(9_751), wake: .zero))
    checks.event(at: at(2_000))
    #expect(checks.isDue(at: at(2_751), wake: .zero) && !checks.isDue(at: at(2_750), wake: .zero))
    #expect(checks.nextWake(taking: .milliseconds(500)) == at(2_250))
    checks.completed(at: at(61_999))
    #expect(checks.isDue(at: at(64_750), wake: .zero))
    checks.completed(at: at(62_000))
    #expect(!checks.isDue(at: at(71_750), wake: .zero) && checks.isDue(at: at(71_751), wake: .zero))
    // Longer than max-blind it is never, and a reload may take it away.
    checks.adopt(period: .milliseconds(250), maximumBlind: .seconds(2), afterEvent: .seconds(3))
    checks.event(at: at(62_000))
    #expect(checks.isDue(at: at(63_751), wake: .zero))
    checks.adopt(period: .milliseconds(250), maximumBlind: .seconds(10))
    #expect(!checks.isDue(at: at(71_750), wake: .zero))
  }

  /// For half a minute after the start too; an event in it counts for longer.
  @Test func fullChecksBeginCloseTogether() {
    var checks = FullCheckClock(
      period: .milliseconds(250), maximumBlind: .seconds(10), afterEvent: .seconds(3), start: at(1_000))
    #expect(checks.isDue(at: at(3_751), wake: .zero) && !checks.isDue(at: at(3_750), wake: .zero))
    checks.completed(at: at(30_999))
    #expect(checks.isDue(at: at(33_750), wake: .zero))
    checks.completed(at: at(31_000))
    #expect(!checks.isDue(at: at(40_750), wake: .zero) && checks.isDue(at: at(40_751), wake: .zero))
    checks.event(at: at(10_000))
    #expect(checks.isDue(at: at(33_751), wake: .zero))
    checks.areWorthMore = false
    #expect(!checks.isDue(at: at(40_750), wake: .zero))
    // No configuration without its own time after an event looks more often.
    let usual = FullCheckClock(period: .milliseconds(250), maximumBlind: .seconds(10), start: at(0))
    #expect(!usual.isDue(at: at(9_750), wake: .zero))
  }

  /// Not where they find too little.
  @Test func closerTogetherOnlyWhereItIsWorthIt() {
    var checks = FullCheckClock(
      period: .milliseconds(250), maximumBlind: .seconds(10), afterEvent: .seconds(3), start: at(0))
    #expect(checks.isDue(at: at(2_751), wake: .zero))
    checks.event(at: at(2_000))
    #expect(checks.isDue(at: at(2_751), wake: .zero))
    checks.areWorthMore = false
    #expect(!checks.isDue(at: at(9_750), wake: .zero) && checks.isDue(at: at(9_751), wake: .zero))
  }

  /// A camera's wake and a window of it take 1 J, a right answer is worth half a joule.
  @Test func checksThatFindNothingAreNotWorthIt() {
    var worth = WakeWorth()
    #expect(worth.pays(1, for: 0.5) && !worth.pays(1, for: 0.05))
    var checks = 0
    while worth.pays(1, for: 0.5) {
      worth.note(hasFound: false)
      checks += 1
    }
    #expect((30...60).contains(checks), "\(checks)")
    // One in twenty finds something.
    for check in 0..<200 { worth.note(hasFound: check % 20 == 0) }
    #expect(worth.pays(1, for: 0.5) && worth.share > 0.03 && worth.share < 0.06)
    for _ in 0..<1000 { worth.note(hasFound: false) }
    #expect(!worth.pays(1, for: 0.5) && worth.pays(1, for: 4))
  }

  @Test func anAskedWindowEndsAfterTheLastOne() {
    var clock = clock()
    clock.answeredBetween(windowEnding: at(900))
    #expect(clock.end(isAsked: true, at: at(900)) == at(1_000), "that would be the same window again")
    #expect(clock.end(isAsked: true, at: at(899)) == at(1_000))
    #expect(clock.end(isAsked: true, at: at(901)) == at(901))
    #expect(clock.end(isAsked: false, at: at(901)) == at(1_000))
  }

  @Test func aFullCheckIsDueWhenTheNextWindowWouldBeTooLate() {
    var checks = FullCheckClock(period: .milliseconds(250), maximumBlind: .seconds(2), start: at(0))
    #expect(!checks.isDue(at: at(1_750), wake: .zero) && checks.isDue(at: at(1_751), wake: .zero))
    #expect(!checks.isDue(at: at(1_450), wake: .milliseconds(300)))
    #expect(checks.isDue(at: at(1_451), wake: .milliseconds(300)))
    checks.completed(at: at(1_000))
    checks.completed(at: at(500))
    #expect(checks.last == at(1_000) && !checks.isDue(at: at(2_750), wake: .zero))
    #expect(checks.isDue(at: at(2_751), wake: .zero))
  }

  @Test func aSensorSleepsForAtLeastAPeriodAndItsWake() {
    let checks = FullCheckClock(period: .milliseconds(250), maximumBlind: .seconds(2), start: at(0))
    // It has to be woken at 1,750 ms less its wake.
    #expect(checks.leavesSleep(from: at(950), wake: .milliseconds(400)))
    #expect(!checks.leavesSleep(from: at(951), wake: .milliseconds(400)))
    #expect(checks.leavesSleep(from: at(1_400), wake: .milliseconds(100)))
    #expect(!checks.leavesSleep(from: at(1_401), wake: .milliseconds(100)), "a period at least")
  }

  @Test(
    arguments: [(Reason.sure, 0), (.fused, 0), (.inactive, 0), (.fusedUnsure, 1), (.noData, 1)]
      as [(Reason, UInt64)])
  func whatStatusCountsAsUnsure(reason: Reason, count: UInt64) {
    let board = PipelineStatusBoard(sensors: 2, order: [0, 1], start: at(0))
    var decision = Decision(number: 1, start: at(0), end: at(250))
    decision.answer = Answer(
      label: 0, exit: nil, entropy: 0, certainty: 1, threshold: nil, reason: reason)
    decision.look = count == 1
    board.publish(decision, joined: 3, at: at(260))
    let status = board.read()
    #expect(status.unsure == count && status.looks == count && status.joined == 3 && status.decisions == 1)
    #expect(status.now == at(260))
  }

  /// Whoever looks in every window is not asked to look because he has not.
  @Test func aWindowThatAllSensorsAnsweredIsAFullCheckWhetherDueOrNot() throws {
    let scene = try Scene()
    scene.configuration.gate.maximumBlind = .seconds(2)
    let model = ScriptedModel(
      audio: [.unsure, .unsure], image: [.unsure, .unsure], fusion: .sure(1))
    let outcome = try scene.play(model, seconds: 12)
    let settled = outcome.decisions.filter { $0.end >= at(1_000) }
    #expect(settled.count > 30 && settled.allSatisfy { $0.used == .all(2) && !$0.look })
  }
}
