import Testing
import Vocabulary

@testable import Scheduling

/// Who tells what, by every pair of states: the reference that the filter is held to.
private struct EveryPair {
  let classCount: Int
  let noneClass: Int
  let sensorCount: Int
  var states: [[Double]]
  /// By sensor; nil where it said nothing.
  var readings: [[Float]?]
  var fusion: (set: Int, probability: [Float])?
  var onsets: [Double]

  init(classCount: Int, noneClass: Int, sensorCount: Int) {
    (self.classCount, self.noneClass, self.sensorCount) = (classCount, noneClass, sensorCount)
    states = Array(repeating: Array(repeating: 0, count: classCount), count: 1 << sensorCount)
    states[0][noneClass] = 1
    readings = Array(repeating: nil, count: sensorCount)
    onsets = Array(repeating: 1, count: sensorCount)
  }

  private func chance(from a: Int, to b: Int, stay: Double) -> Double {
    (0..<sensorCount).reduce(1) { product, sensor in
      switch (a >> sensor & 1, b >> sensor & 1) {
      case (1, 1): product * stay
      case (1, 0): product * (1 - stay)
      case (0, 1): product * 0.2
      default: product * 0.8
      }
    }
  }

  private func weight(_ p: Float) -> Double {
    max(Double(p), 1e-4).squareRoot() * max(Double(p), 1e-4).squareRoot().squareRoot()
  }

  mutating func observe(begin: Double, stay: Double) {
    let sets = states.indices
    var next = states.map { $0.map { _ in 0.0 } }
    let nothing = states[0][noneClass]
    next[0][noneClass] = nothing
    for label in 0..<classCount where label != noneClass {
      for set in sets.dropFirst() {
        let least = (0..<sensorCount).filter { set >> $0 & 1 == 1 }.map { onsets[$0] }.min()!
        let begun = least * begin * nothing / Double((classCount - 1) * (sets.count - 1))
        next[set][label] += begun
        next[0][noneClass] -= begun
        for other in sets.dropFirst() {
          next[set][label] += states[other][label] * chance(from: other, to: set, stay: stay)
        }
        next[0][noneClass] += states[set][label] * chance(from: set, to: 0, stay: stay)
      }
    }
    for set in sets {
      for label in 0..<classCount where (label == noneClass) == (set == 0) {
        var apart = 1.0
        for (sensor, reading) in readings.enumerated() {
          guard let reading else { continue }
          let tells = set >> sensor & 1 == 1
          next[set][label] *= weight(reading[tells ? label : noneClass])
          if tells { apart *= weight(reading[label]) / weight(reading[noneClass]) }
        }
        guard let fusion, fusion.set & set != 0 else { continue }
        let ratio = weight(fusion.probability[label]) / weight(fusion.probability[noneClass])
        next[set][label] *= min(1, ratio) * (fusion.set == set ? max(1, ratio / apart) : 1)
      }
    }
    let sum = next.joined().reduce(0, +)
    states = next.map { $0.map { $0 / sum } }
    readings = readings.map { _ in nil }
    fusion = nil
    onsets = onsets.map { _ in 1 }
  }

  func evidence(_ label: Int) -> Double { states.reduce(0) { $0 + $1[label] } }
}

@Suite struct TellingStatesTests {
  private static func probabilities(_ count: Int, _ random: inout SeededRandom) -> [Float] {
    let raw = (0..<count).map { _ in random.uniform() * random.uniform() * random.uniform() + 1e-6 }
    let sum = raw.reduce(0, +)
    return raw.map { Float($0 / sum) }
  }

  @Test(arguments: 1...3) func equalsEveryPairOfStates(sensors: Int) {
    var random = SeededRandom(seed: 11)
    for _ in 0..<40 {
      let classes = random.whole(2...5)
      let none = random.whole(0...classes - 1)
      let (begin, stay) = (0.01 + 0.4 * random.uniform(), 0.9 * random.uniform())
      var filter = EvidenceFilter(
        .hiddenMarkov(begin: begin, stay: stay), classCount: classes, noneClass: none, sensorCount: sensors)
      var reference = EveryPair(classCount: classes, noneClass: none, sensorCount: sensors)
      for _ in 0..<25 {
        var fused: ModalitySet = []
        for sensor in 0..<sensors where random.chance(0.6) {
          let values = Self.probabilities(classes, &random)
          filter.enter(sensor: sensor) { values[$0] }
          reference.readings[sensor] = values
          fused.insert(ModalitySet(index: sensor))
        }
        for sensor in 0..<sensors where random.chance(0.3) {
          let onset = max(0.01, random.uniform())
          filter.enter(sensor: sensor, onset: onset)
          reference.onsets[sensor] = onset
        }
        if !fused.isEmpty && random.chance(0.5) {
          let values = Self.probabilities(classes, &random)
          filter.enter(fusionOf: fused) { values[$0] }
          reference.fusion = (
            (0..<sensors).reduce(0) { $0 | (fused.contains(index: $1) ? 1 << $1 : 0) }, values
          )
        }
        filter.observe(steps: 1)
        reference.observe(begin: begin, stay: stay)
        for label in 0..<classes {
          #expect(abs(filter.evidence(label) - reference.evidence(label)) < 1e-9)
        }
      }
    }
  }

  /// A camera that sees no hand says nothing against a word.
  @Test func aSureNoneOfOneSensorIsNoWordAgainstAnother() {
    func heard(withPicture: Bool) -> Double {
      var filter = EvidenceFilter(
        .hiddenMarkov(begin: 0.1, stay: 0.75), classCount: 3, noneClass: 2, sensorCount: 2)
      for _ in 0..<3 {
        filter.enter(sensor: 0) { [0.9, 0.04, 0.06][$0] }
        if withPicture { filter.enter(sensor: 1) { [0.005, 0.005, 0.99][$0] } }
        filter.observe(steps: 1)
      }
      return filter.evidence(0)
    }
    #expect(heard(withPicture: true) > 0.75)
    #expect(heard(withPicture: false) - heard(withPicture: true) < 0.15)
  }

  @Test func twoThatAgreeSaySoonerWhatOneSays() {
    func told(by sensors: Range<Int>) -> Double {
      var filter = EvidenceFilter(
        .hiddenMarkov(begin: 0.05, stay: 0.75), classCount: 3, noneClass: 2, sensorCount: 2)
      for sensor in sensors { filter.enter(sensor: sensor) { [0.6, 0.05, 0.35][$0] } }
      filter.observe(steps: 1)
      return filter.evidence(0)
    }
    #expect(told(by: 0..<2) > told(by: 0..<1))
  }

  /// Less likely to begin, the same word needs more; and what one sensor's sound tells of that is nothing to another.
  @Test func aSoundThatDoesNotStandOut() {
    func told(by sensor: Int, onset: Double) -> Double {
      var filter = EvidenceFilter(
        .hiddenMarkov(begin: 0.05, stay: 0.75), classCount: 3, noneClass: 2, sensorCount: 2)
      filter.enter(sensor: sensor) { [0.8, 0.05, 0.15][$0] }
      filter.enter(sensor: 0, onset: onset)
      filter.observe(steps: 1)
      return filter.evidence(0)
    }
    #expect(told(by: 0, onset: 0.01) < 0.2 * told(by: 0, onset: 1))
    #expect(told(by: 1, onset: 0.01) > 0.3 * told(by: 1, onset: 1))
  }

  /// Beyond the places there are, sensors share the last one's.
  @Test func manySensors() {
    var filter = EvidenceFilter(
      .hiddenMarkov(begin: 0.1, stay: 0.75), classCount: 4, noneClass: 3, sensorCount: 32)
    for _ in 0..<4 {
      filter.enter(sensor: 31) { [0.7, 0.1, 0.1, 0.1][$0] }
      filter.observe(steps: 1)
    }
    #expect(filter.leading.label == 0 && filter.leading.evidence > 0.5)
  }
}
