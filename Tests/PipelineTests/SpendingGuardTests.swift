import Configuration
import Engine
import ScriptedModels
import Startup
import Testing
import Vocabulary

@testable import Pipeline

/// No hour takes more than the budget, whatever the windows ask for.
@Suite struct SpendingGuardTests {
  private let period = Nanoseconds.milliseconds(250)

  private func spending(_ watts: Double) throws -> (SpendingGuard, floor: Nanojoules) {
    let model = try ScriptedModel().model()
    let plan = try PolicyPlan(Configuration(), model)
    // The microphone listens, the camera sleeps.
    let floor =
      (plan.energy.sensing(0, for: period)?.energy ?? .zero)
      + (plan.energy.idle(1, for: period)?.energy ?? .zero)
    return (
      SpendingGuard(watts: watts, period: period, model, plan.energy, listening: 0), floor
    )
  }

  @Test(arguments: [0.3, 0.6, 1.0]) func noRunOfAnHourTakesMore(_ watts: Double) throws {
    var (spending, floor) = try spending(watts)
    let span = 14_400
    var spent: [Int64] = []
    var sum: Int64 = 0
    var (highest, frugal) = (0 as Int64, 0)
    var state: UInt64 = 7
    for window in 0..<60_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      // A camera that stays awake, and now and then a wake that is waited for.
      var cost = floor + Nanojoules(300_000_000)
      if state >> 60 == 0 { cost += Nanojoules(2_500_000_000) }
      // A quiet half hour now and then.
      if spending.isFrugal || window / 7200 % 3 == 1 { cost = floor }
      if spending.isFrugal { frugal += 1 }
      spending.post(cost, joined: 0)
      spent.append(cost.count)
      sum += cost.count
      if spent.count > span { sum -= spent[spent.count - 1 - span] }
      highest = max(highest, sum)
    }
    let limit = watts * 3600
    #expect(Double(highest) * 1e-9 <= limit)
    // It is made use of all the same.
    #expect(Double(highest) * 1e-9 > 0.95 * limit && frugal > 1000 && frugal < 59_000)
  }

  /// Who listens may take more than the budget alone: that is told once, and once that it is kept again.
  @Test func aBrokenBudgetIsTold() throws {
    var (spending, floor) = try spending(0.3)
    #expect(spending.isKept)
    var told: [BoundChange] = []
    // 1 W for an hour, then nothing but the floor.
    for window in 0..<40_000 {
      let cost = window < 14_400 ? Nanojoules(250_000_000) : floor
      if let change = spending.post(cost, joined: 0) { told.append(change) }
    }
    #expect(told.map(\.isKept) == [false, true] && told.allSatisfy { $0.bound == .budget })
    #expect(told[0].limit == 0.3 && told[0].value > 0.3 && told[0].value < 0.301)
    #expect(told[1].value <= 0.297)
    let figures = spending.figures
    #expect(figures.isKept && figures.watts == 0.3 && figures.elapsed == SpendingFigures.period)
    #expect(abs(figures.used.joules - 14_400 * floor.joules) < 20)
  }

  @Test func windowsThatJoinedOthersPassToo() throws {
    var (spending, floor) = try spending(0.6)
    // A budget's worth and more in ten minutes.
    for _ in 0..<2400 where !spending.isFrugal { spending.post(Nanojoules(1_000_000_000), joined: 0) }
    #expect(spending.isFrugal)
    // An hour later all of that has left, in 1,440 decisions that ten windows each were answered with.
    for decision in 1...1500 as ClosedRange<UInt64> { spending.post(floor, joined: 9 * decision) }
    #expect(!spending.isFrugal)
  }
}
