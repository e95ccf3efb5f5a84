import Scheduling
import Testing
import Vocabulary

@testable import Adaptation

@Suite struct RiskTests {
  private let two = layout([1, 1])

  private func risk(_ change: (inout RiskThresholds.Settings) -> Void = { _ in }, startingAt: Double = 1)
    -> RiskThresholds
  {
    var settings = RiskThresholds.Settings()
    change(&settings)
    return RiskThresholds(
      exits: thresholds(two), fusion: ExitThresholds(nil), classCount: Scene.classes, startingAt: startingAt,
      settings: settings)
  }

  /// A population whose sure answers are wrong more often the higher the threshold; the true risk of each factor is known.
  private func population(_ wrong: Double, _ draws: inout SeededDraws) -> ValidationBuffer {
    var all = ValidationBuffer(two, capacity: 2000)
    for number in 1...2000 {
      var record = AuditRecord(decision: UInt64(number), end: Instant.zero + .seconds(Int64(number)))
      let entropy = draws.uniform()
      let isWrong = draws.chance(wrong * entropy)
      record.set(ExitOutcome(entropy: Float(entropy), certainty: 0.5, label: isWrong ? 2 : 1), row: 0)
      record.set(ExitOutcome(entropy: 1, certainty: 0.5, label: 1), row: 1)
      record.setFusion(ExitOutcome(entropy: 0, certainty: 1, label: 1))
      all.append(record)
    }
    return all
  }

  private func trueRisk(_ all: ValidationBuffer, _ table: ThresholdTable) -> Double {
    let replay = AuditReplay(two, prices: prices(two), policy: policy(two).with(thresholds: table))
    return Double(all.indices.count { replay.outcome(all[$0])?.agrees == false }) / Double(all.count)
  }

  @Test func theRiskStaysBelowItsBoundInStationaryDays() {
    var draws = SeededDraws(seed: 31)
    let all = population(0.5, &draws)
    #expect(trueRisk(all, risk().table(scale: 3)) > 0.1)
    var above = 0
    var bolder = 0
    for _ in 0..<12 {
      var one = risk({ $0.choices = 4 }, startingAt: 0)
      var buffer = ValidationBuffer(two)
      var isAbove = false
      for hour in 0..<24 where hour % 3 == 0 {
        for audit in 0..<100 {
          var record = all[draws.index(below: all.count)]
          record.end = Instant.zero + .seconds(Int64(hour * 3600 + audit * 100))
          buffer.append(record)
        }
        let review = one.review(
          buffer, policy: policy(two), prices: prices(two),
          at: Instant.zero + .seconds(Int64(hour + 3) * 3600))
        #expect(review.choicesLeft >= 0)
        if review.isChanged, trueRisk(all, one.table) > 0.03 { isAbove = true }
      }
      if isAbove { above += 1 }
      if one.scale > 0 { bolder += 1 }
    }
    #expect(above <= 1 && bolder >= 10, "above \(above), bolder \(bolder)")
  }

  @Test func aRiskAboveTheBoundIsToldAndLowered() {
    var draws = SeededDraws(seed: 32)
    let bad = population(1, &draws)
    var buffer = ValidationBuffer(two)
    for index in 0..<512 { buffer.append(bad[index]) }
    var one = risk(startingAt: 3)
    let review = one.review(
      buffer, policy: policy(two), prices: prices(two), at: Instant.zero + .seconds(600))
    #expect(review.isChanged && review.scale < 3 && review.choicesLeft == 23)
    #expect(trueRisk(bad, one.table) <= 0.03)
    #expect(review.assurance == .tested)
  }

  @Test func tooFewAuditsSpendNoTest() {
    var draws = SeededDraws(seed: 33)
    let good = population(0, &draws)
    var buffer = ValidationBuffer(two)
    for index in 0..<100 { buffer.append(good[index]) }
    var one = risk()
    let review = one.review(
      buffer, policy: policy(two), prices: prices(two), at: Instant.zero + .seconds(100))
    #expect(!review.isChanged && review.choicesLeft == 24 && review.assurance == .monitored)
    #expect(review.scale == 1 && review.audits == 100 && review.risk == 0)
  }

  @Test func aChangeOfSceneTakesTheAssuranceAway() {
    var draws = SeededDraws(seed: 34)
    var buffer = ValidationBuffer(two)
    Scene(skill: [0.98, 0.98], prevalence: 1, fusionSkill: 1).fill(&buffer, 480, &draws)
    var one = risk()
    let now = Instant.zero + .seconds(480 * 20)
    #expect(
      one.review(buffer, policy: policy(two), prices: prices(two), at: now).assurance == .tested)
    Scene(skill: [0.02, 0.98], prevalence: 1, fusionSkill: 1).fill(&buffer, 30, from: 480 * 20 + 20, &draws)
    let after = one.review(
      buffer, policy: policy(two), prices: prices(two), at: now + .seconds(620))
    #expect(after.assurance != .tested && after.audits < 60)
  }

  @Test func classThresholdsAreScaledToo() {
    let one = RiskThresholds(
      exits: [[ExitThresholds(0.4, classThresholds: [2: 0.1], besideNone: 0.05)]],
      fusion: ExitThresholds(0.9), classCount: 4)
    let table = one.table(scale: 2)
    let exit = ExitID.encoder(modality: 0, exit: 1)
    #expect(table.threshold(at: exit, label: 1) == 0.8 && table.threshold(at: exit, label: 2) == 0.2)
    #expect(table.threshold(at: .fusion, label: 0) == 0.9)
    #expect(one.table(scale: 3).threshold(at: exit, label: 1) == 1)
    #expect(one.table(scale: 0).threshold(at: exit, label: 2) == nil)
    #expect(table.thresholdBesideNone(at: exit) == 0.1)
    #expect(one.table(scale: 0).thresholdBesideNone(at: exit) == nil)
  }

  @Test func anExitThatYieldsToFusionDoesSoAtEveryScale() {
    let exits = [[ExitThresholds(0.4)], [ExitThresholds(0.4, yieldsToFusion: true)]]
    let one = RiskThresholds(exits: exits, fusion: ExitThresholds(nil), classCount: Scene.classes)
    for scale in [0.5, 1, 3] {
      let yields = (0...1).map {
        one.table(scale: scale).yieldsToFusion(at: .encoder(modality: $0, exit: 1))
      }
      #expect(yields == [false, true])
    }
    // An audit is walked by the same rule: the second sensor, sure and wrong, does not answer.
    var record = AuditRecord(decision: 1, end: .zero)
    record.set(ExitOutcome(entropy: 1, certainty: 0.5, label: 1), row: 0)
    record.set(ExitOutcome(entropy: 0.1, certainty: 0.5, label: 2), row: 1)
    record.setFusion(ExitOutcome(entropy: 0, certainty: 1, label: 1))
    let replay = AuditReplay(two, prices: prices(two), policy: policy(two).with(thresholds: one.table))
    #expect(replay.outcome(record)?.label == 1)
    #expect(AuditReplay(two, prices: prices(two), policy: policy(two)).outcome(record)?.label == 2)
  }

  // MARK: hopeless sensors

  /// Made-up audits are each of an event of their own.
  private func judge() -> HopelessSensors {
    var settings = HopelessSensors.Settings()
    settings.spacing = .zero
    return HopelessSensors(settings: settings)
  }

  @Test func aBlindSensorIsLeftOutAndTakenBack() {
    var draws = SeededDraws(seed: 35)
    var buffer = ValidationBuffer(two)
    var hopeless = judge()
    Scene(skill: [0.9, 0.9], prevalence: 0.3).fill(&buffer, 300, &draws)
    #expect(hopeless.review(buffer, none: 0).isEmpty && hopeless.set.isEmpty)
    // Blind in quiet windows is right all the same.
    Scene(skill: [0.9, 0], prevalence: 0).fill(&buffer, 100, from: 10_000, &draws)
    #expect(hopeless.review(buffer, none: 0).isEmpty)
    Scene(skill: [0.9, 0], prevalence: 1, fusionSkill: 1).fill(&buffer, 30, from: 20_000, &draws)
    #expect(
      hopeless.review(buffer, none: 0)
        == [HopelessSensors.Change(modality: 1, isHopeless: true, right: 0, events: 14)])
    #expect(hopeless.set == ModalitySet(index: 1))
    #expect(hopeless.review(buffer, none: 0).isEmpty)
    Scene(skill: [0.9, 1], prevalence: 1, fusionSkill: 1).fill(&buffer, 30, from: 30_000, &draws)
    #expect(
      hopeless.review(buffer, none: 0)
        == [HopelessSensors.Change(modality: 1, isHopeless: false, right: 14, events: 14)])
  }

  @Test func whoTellsNothingIsAskedAgainWhenNothingHasHappenedForLong() {
    var draws = SeededDraws(seed: 38)
    var buffer = ValidationBuffer(two)
    var hopeless = judge()
    Scene(skill: [0.9, 0], prevalence: 1, fusionSkill: 1).fill(&buffer, 30, &draws)
    #expect(hopeless.review(buffer, none: 0).map(\.isHopeless) == [true])
    let quiet = Scene(skill: [0.9, 0], prevalence: 0, fusionSkill: 1)
    quiet.fill(&buffer, 60, from: 600, &draws)
    #expect(hopeless.review(buffer, none: 0).isEmpty)
    quiet.fill(&buffer, 60, from: 1800, &draws)
    #expect(hopeless.review(buffer, none: 0).map(\.isHopeless) == [false])
    // What it was judged by is not held against it again; what comes after is.
    #expect(hopeless.review(buffer, none: 0).isEmpty)
    Scene(skill: [0.9, 0], prevalence: 1, fusionSkill: 1).fill(&buffer, 30, from: 9000, &draws)
    #expect(hopeless.review(buffer, none: 0).map(\.isHopeless) == [true])
  }

  @Test func aGoodSensorIsSeldomLeftOut() {
    var draws = SeededDraws(seed: 36)
    var wrong = 0
    for _ in 0..<50 {
      var hopeless = judge()
      var buffer = ValidationBuffer(two, capacity: 40)
      for step in 0..<20 {
        Scene(skill: [0.9, 0.7], prevalence: 1, fusionSkill: 1).fill(
          &buffer, 10, from: Int64(step) * 200, &draws)
        wrong += hopeless.review(buffer, none: 0).count
      }
    }
    #expect(wrong == 0)
  }

  @Test func oneSensorAlwaysStaysIn() {
    var draws = SeededDraws(seed: 37)
    var buffer = ValidationBuffer(two)
    Scene(skill: [0, 0.05], prevalence: 1, fusionSkill: 1).fill(&buffer, 40, &draws)
    var hopeless = judge()
    _ = hopeless.review(buffer, none: 0)
    #expect(hopeless.set.count == 1)
    // Quality says it of both, with an empty buffer: the first stays.
    var dark = judge()
    #expect(dark.review(ValidationBuffer(two), poor: .all(2), none: 0).map(\.modality) == [1])
    #expect(dark.review(ValidationBuffer(two), poor: [], none: 0).map(\.isHopeless) == [false])
  }
}
