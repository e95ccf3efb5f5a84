import Scheduling
import Testing
import Vocabulary

/// Three classes, the last `none`.
private let none = 2

private func filter(_ method: EvidenceMethod = .hiddenMarkov(begin: 1e-3, stay: 0.6)) -> EvidenceFilter {
  EvidenceFilter(method, classCount: 3, noneClass: none, sensorCount: 1)
}

extension EvidenceFilter {
  fileprivate mutating func see(_ probabilities: [Float], steps: Int = 1) {
    enter(sensor: 0) { probabilities[$0] }
    observe(steps: steps)
  }
}

@Suite struct EvidenceFilterTests {
  @Test func beginsWithNothing() {
    let fresh = filter()
    #expect(fresh.evidence(none) == 1 && fresh.leading.evidence == 0)
  }

  /// It is the filter with that chance, from the next window on; k of n is as it was.
  @Test func anotherChanceFromNowOn() {
    var it = filter(.hiddenMarkov(begin: 0.01, stay: 0.5))
    var other = filter(.hiddenMarkov(begin: 0.3, stay: 0.5))
    let rare = it
    it.expect(begin: 0.3)
    for window in [[0.1, 0.1, 0.8], [0.7, 0.1, 0.2], [0.3, 0.2, 0.5]] as [[Float]] {
      it.see(window)
      other.see(window)
      #expect((0..<3).allSatisfy { it.evidence($0) == other.evidence($0) })
    }
    other = rare
    other.see([0.7, 0.1, 0.2])
    #expect(other.evidence(0) < it.evidence(0) / 4 && it.isMarkov)
    var (votes, same) = (filter(.kOfN(k: 2, n: 3)), filter(.kOfN(k: 2, n: 3)))
    votes.expect(begin: 0.3)
    votes.see([0.7, 0.1, 0.2])
    same.see([0.7, 0.1, 0.2])
    #expect(votes.evidence(0) == same.evidence(0) && !votes.isMarkov)
  }

  /// By hand: predict, then multiply by the probabilities to the power of 3/4, then share out.
  @Test func oneStepIsTheForwardAlgorithm() {
    var it = filter(.hiddenMarkov(begin: 0.2, stay: 0.5))
    it.see([0.0625, 0.0001, 0.9374])
    func powered(_ p: Float) -> Double { Double(p).squareRoot() * Double(p).squareRoot().squareRoot() }
    // 0.0625 to 3/4 is 1/8, and 0.0001 to 3/4 is 0.001.
    let weights = [0.1 * 0.125, 0.1 * 0.001, 0.8 * powered(0.9374)]
    let sum = weights.reduce(0, +)
    for label in 0..<3 { #expect(abs(it.evidence(label) - weights[label] / sum) < 1e-6) }
    // A command ends or goes on; none begins another without an end.
    let before = (0..<3).map(it.evidence)
    it.observe(steps: 1)
    #expect(abs(it.evidence(0) - (0.5 * before[0] + 0.1 * before[2])) < 1e-12)
    #expect(abs(it.evidence(none) - (0.8 * before[2] + 0.5 * (before[0] + before[1]))) < 1e-12)
  }

  @Test func evidenceAddsUpOverWindows() {
    var it = filter()
    var last = 0.0
    for _ in 0..<4 {
      it.see([0.6, 0.1, 0.3])
      #expect(it.evidence(0) > last)
      last = it.evidence(0)
    }
    // What no single window was sure of.
    #expect(it.leading.label == 0)
    for _ in 0..<12 { it.see([0.01, 0.01, 0.98]) }
    #expect(it.evidence(0) < 0.01)
  }

  @Test func oneWrongWindowEndsNothing() {
    var it = filter()
    for _ in 0..<4 { it.see([0.99, 0.005, 0.005]) }
    it.see([0, 1, 0])
    #expect(it.evidence(1) < it.evidence(0) + it.evidence(none))
    it.see([0.99, 0.005, 0.005])
    #expect(it.leading.label == 0 && it.leading.evidence > 0.5)
  }

  @Test func staysAProbabilityWhateverComes() {
    var it = filter()
    var random = SeededRandom(seed: 3)
    for _ in 0..<2_000 {
      var values = (0..<3).map { _ in Float(random.uniform()) }
      if random.chance(0.1) { values[random.whole(0...2)] = [.nan, .infinity, -1, 0][random.whole(0...3)] }
      it.see(values, steps: random.whole(1...80))
      let sum = (0..<3).map(it.evidence).reduce(0, +)
      #expect(abs(sum - 1) < 1e-9)
      #expect((0..<3).allSatisfy { it.evidence($0) >= 0 && it.evidence($0).isFinite })
    }
  }

  @Test func aLongGapForgetsEverything() {
    var it = filter()
    for _ in 0..<5 { it.see([0.9, 0.05, 0.05]) }
    it.observe(steps: EvidenceFilter.longestGap + 1)
    #expect(it.evidence(none) > 0.998)
  }

  @Test func labelAndCertaintyAreAWindowToo() {
    var (a, b) = (filter(), filter())
    a.enter(sensor: 0, label: 1, certainty: 0.8)
    a.observe(steps: 1)
    b.see([(1 - 0.8) / 2, 0.8, (1 - 0.8) / 2])
    #expect((0..<3).allSatisfy { a.evidence($0) == b.evidence($0) })
  }

  @Test func votesOfTheLastWindows() {
    var it = filter(.kOfN(k: 2, n: 3))
    it.see([0.9, 0.05, 0.05])
    #expect(it.leading.evidence == 0.5 && it.evidence(none) == 0.5)
    it.see([0.05, 0.05, 0.9])
    it.see([0.9, 0.05, 0.05])
    #expect(it.leading.label == 0 && it.leading.evidence == 1)
    // The first has left the last three.
    it.see([0.05, 0.05, 0.9])
    #expect(it.evidence(0) == 0.5)
    // Windows that say nothing speak for none.
    it.observe(steps: 3)
    #expect(it.evidence(0) == 0 && it.evidence(none) == 1)
  }

  /// Two commands may both have all their votes: the one that is said now leads, and nothing is left for none.
  @Test(arguments: [[0, 1], [1, 0]]) func whatWasSaidLastLeads(order: [Int]) {
    var it = filter(.kOfN(k: 2, n: 32))
    for label in order {
      for _ in 0..<3 { it.see((0..<3).map { $0 == label ? 0.9 : 0.05 }) }
      #expect(it.leading.label == label && it.leading.evidence == 1 && it.evidence(none) == 0)
    }
    #expect(it.evidence(order[0]) == 1)
    it.see([0.05, 0.05, 0.9])
    #expect(it.leading.label == order[1])
  }
}

@Suite struct EventTrackerTests {
  private static func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  /// k of 1: the evidence is the last window's label.
  private struct Stream {
    var filter = EvidenceFilter(.kOfN(k: 1, n: 1), classCount: 3, noneClass: none, sensorCount: 1)
    var tracker = EventTracker([
      EventRule(level: 1, hold: .milliseconds(500), refractory: .seconds(1)),
      EventRule(level: 1, hold: .zero, refractory: .zero),
      EventRule(level: 1, hold: .zero, refractory: .zero),
    ])
    var number: UInt64 = 0

    mutating func see(_ label: Int, at ms: Int64, used: ModalitySet = [.init(index: 0)])
      -> EventTracker.Changes
    {
      number += 1
      filter.enter(sensor: 0, label: label, certainty: 0.9)
      filter.observe(steps: 1)
      return tracker.observe(filter, decision: number, used: used, at: at(ms))
    }
  }

  @Test func oneEventOverManyWindows() throws {
    var it = Stream()
    #expect(it.see(none, at: 0) == EventTracker.Changes())
    let began = try #require(it.see(0, at: 250).began)
    #expect(began.label == 0 && began.start == Self.at(250) && began.end == nil)
    #expect(began.firstDecision == 2 && began.lastDecision == 2 && began.modalities == .init(index: 0))
    #expect(it.see(0, at: 500, used: [.init(index: 1)]) == EventTracker.Changes())
    // A gap shorter than its hold does not end it.
    #expect(it.see(none, at: 750) == EventTracker.Changes())
    #expect(it.see(0, at: 1000) == EventTracker.Changes())
    #expect(it.see(none, at: 1250) == EventTracker.Changes())
    let ended = try #require(it.see(none, at: 1500).ended)
    #expect(ended.start == Self.at(250) && ended.end == Self.at(1500) && ended.certainty == 1)
    #expect(ended.firstDecision == 2 && ended.lastDecision == 5 && ended.modalities.count == 2)
    #expect(it.tracker.current == nil)
  }

  /// Two commands that are as likely as each other wait for the next window, however little speaks for none.
  @Test func whatIsNotYetDistinctWaits() {
    var filter = EvidenceFilter(
      .hiddenMarkov(begin: 0.2, stay: 0.7), classCount: 3, noneClass: none, sensorCount: 1)
    let rule = EventRule(level: 0.4, hold: .zero, refractory: .zero)
    var careful = EventTracker([rule, rule, rule], distinct: 0.8)
    var quick = EventTracker([rule, rule, rule])
    func begins(_ values: [Float], at ms: Int64) -> [Int?] {
      filter.enter(sensor: 0) { values[$0] }
      filter.observe(steps: 1)
      let both = [
        careful.observe(filter, decision: 1, used: .init(index: 0), at: Self.at(ms)),
        quick.observe(filter, decision: 1, used: .init(index: 0), at: Self.at(ms)),
      ]
      return both.map { $0.began?.label }
    }
    #expect(begins([0.55, 0.44, 0.01], at: 0) == [nil, 0])
    #expect(filter.evidenceForCommands > 0.8)
    #expect(begins([0.9, 0.05, 0.05], at: 250) == [0, nil])
  }

  @Test func refractoryTime() {
    var it = Stream()
    _ = it.see(0, at: 0)
    #expect(it.see(none, at: 500).ended != nil)
    #expect(it.see(0, at: 1250) == EventTracker.Changes())
    #expect(it.see(0, at: 1500).began != nil)
    // Of its class alone.
    #expect(it.see(none, at: 2000).ended != nil)
    #expect(it.see(1, at: 2250).began?.label == 1)
  }

  @Test func anotherClassEndsIt() throws {
    var it = Stream()
    _ = it.see(0, at: 0)
    let changes = it.see(1, at: 250)
    #expect(changes.ended?.label == 0 && changes.ended?.end == Self.at(250) && changes.began?.label == 1)
    #expect(it.tracker.end(at: Self.at(400))?.end == Self.at(400))
    #expect(it.tracker.end(at: Self.at(500)) == nil)
  }
}
