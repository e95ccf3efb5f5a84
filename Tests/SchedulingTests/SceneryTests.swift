import Testing
import Vocabulary

@testable import Scheduling

@Suite struct SceneryTests {
  private static let none = 3
  private static let both: ModalitySet = [ModalitySet(index: 0), ModalitySet(index: 1)]

  private func scenery(_ memory: Double) -> Scenery {
    Scenery(memory: memory, classCount: 4, noneClass: Self.none, sensorCount: 2)
  }

  private func sure(_ label: Int, _ certainty: Float = 1) -> (Int) -> Float {
    { $0 == label ? certainty : $0 == Self.none ? 1 - certainty : 0 }
  }

  @Test(arguments: [1.0, 4, 40, 100])
  func whatIsSaidWithoutABreakIsTakenAndLeftAgain(_ memory: Double) {
    var scenery = scenery(memory)
    var count = 0
    while !scenery.holds(1, to: 0), count < 1000 {
      scenery.note(sensor: 0, sure(1))
      scenery.conclude()
      count += 1
    }
    #expect(Double(count) >= 0.6 * memory && Double(count) <= 0.7 * memory + 1, "\(count)")
    #expect(!scenery.holds(1, to: 1) && !scenery.holds(0, to: 0))
    #expect(scenery.isThere(to: Self.both) && !scenery.isThere(to: ModalitySet(index: 1)))
    // Time alone changes nothing: who is asleep says nothing.
    for _ in 0..<1000 { scenery.conclude() }
    #expect(scenery.holds(1, to: 0))
    var gone = 0
    while scenery.holds(1, to: 0), gone < 1000 {
      scenery.note(sensor: 0, sure(Self.none))
      scenery.conclude()
      gone += 1
    }
    #expect(gone <= count + 1)
  }

  @Test func aHandThatIsHeldUpForAWhileIsNone() {
    var scenery = scenery(40)
    for round in 0..<200 {
      // 3 s of every 10, four readings a second.
      scenery.note(sensor: 0, sure(round % 40 < 12 ? 2 : Self.none))
      scenery.conclude()
      #expect(!scenery.holds(2, to: 0), "\(round)")
    }
  }

  @Test func withoutMemoryNothingIsTaken() {
    var scenery = scenery(0)
    for _ in 0..<1000 {
      scenery.note(sensor: 0, sure(1))
      scenery.conclude()
    }
    #expect(!scenery.isThere(to: Self.both))
  }

  @Test func aReadingKeepsItsSum() {
    var scenery = scenery(2)
    for _ in 0..<20 {
      scenery.note(sensor: 0, sure(1))
      scenery.conclude()
    }
    let given: (Int) -> Float = { [0.125, 0.5, 0.25, 0.125][$0] }
    #expect((0..<4).map { scenery.probability($0, of: 0, given) } == [0.125, 0, 0.25, 0.625])
    #expect((0..<4).map { scenery.probability($0, of: 1, given) } == (0..<4).map(given))
    scenery.reset()
    #expect((0..<4).map { scenery.probability($0, of: 0, given) } == (0..<4).map(given))
  }

  /// The last reading of a window counts, once.
  @Test func aWindowCountsOnce() {
    var scenery = scenery(10)
    for _ in 0..<3 {
      for _ in 0..<50 { scenery.note(sensor: 0, sure(1)) }
      scenery.conclude()
    }
    #expect(!scenery.holds(1, to: 0))
  }

  @Test(arguments: [
    EvidenceMethod.hiddenMarkov(begin: 0.035, stay: 0.45), .kOfN(k: 2, n: 3),
  ])
  func aPosterIsNoCommandForeverAndAWordBesideItIsHeard(_ method: EvidenceMethod) {
    var filter = EvidenceFilter(
      method, classCount: 4, noneClass: Self.none, sensorCount: 2, scenery: 40)
    func poster(hearing label: Int) -> Double {
      filter.enter(sensor: 0, sure(label, 0.98))
      filter.enter(sensor: 1, sure(1, 0.98))
      // Their fusion is taken in by the poster.
      filter.enter(fusionOf: Self.both, sure(1, 0.9))
      filter.observe(steps: 1)
      return filter.evidence(1)
    }
    var evidence: [Double] = []
    for _ in 0..<80 { evidence.append(poster(hearing: Self.none)) }
    #expect(evidence.max() ?? 0 > 0.9 && evidence.suffix(30).max() ?? 1 < 0.2, "\(evidence.suffix(5))")
    for _ in 0..<6 { _ = poster(hearing: 2) }
    #expect(method == .kOfN(k: 2, n: 3) || filter.evidence(2) > 0.9, "\(filter.evidence(2))")
    #expect(filter.leading.label == 2 || method == .kOfN(k: 2, n: 3))
  }
}
