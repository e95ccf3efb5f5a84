import Scheduling
import Testing
import Vocabulary

@Suite struct ThresholdTableTests {
  private let table = ThresholdTable(
    classCount: 3,
    exits: [
      [
        ExitThresholds(0.1, besideNone: 0.02),
        ExitThresholds(0, classThresholds: [2: 0.05], yieldsToFusion: true),
      ],
      [
        ExitThresholds(nil), ExitThresholds(nil, classThresholds: [1: 0.4]),
        ExitThresholds(0.6, besideNone: 0),
      ],
    ], fusion: ExitThresholds(0.7, classThresholds: [0: 0.2], besideNone: 0.5))

  private func row(_ exit: ExitID) -> [Float?] { (0..<3).map { table.threshold(at: exit, label: $0) } }

  @Test func overridesGoBeforeTheExitsOwn() {
    #expect(row(.encoder(modality: 0, exit: 1)) == [0.1, 0.1, 0.1])
    #expect(row(.encoder(modality: 0, exit: 2)) == [0, 0, 0.05])
    #expect(row(.encoder(modality: 1, exit: 1)) == [nil, nil, nil])
    #expect(row(.encoder(modality: 1, exit: 2)) == [nil, 0.4, nil])
    #expect(row(.encoder(modality: 1, exit: 3)) == [0.6, 0.6, 0.6])
    #expect(row(.fusion) == [0.2, 0.7, 0.7])
  }

  @Test func activityChecksAndStrangeClassesHaveNone() {
    #expect(row(.encoder(modality: 1, exit: 0)) == [nil, nil, nil])
    #expect(table.threshold(at: .fusion, label: 3) == nil)
    #expect(table.threshold(at: .fusion, label: -1) == nil)
  }

  @Test func onlyTheExitThatIsToldToYieldsToFusion() {
    let exits: [ExitID] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3)].map {
      .encoder(modality: $0, exit: $1)
    }
    #expect(
      (exits + [.fusion]).filter(table.yieldsToFusion(at:)) == [.encoder(modality: 0, exit: 2)])
  }

  @Test func besideANoneAnEncodersExitHasItsOwn() {
    let exits: [ExitID] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3)].map {
      .encoder(modality: $0, exit: $1)
    }
    let found = (exits + [.fusion]).map(table.thresholdBesideNone(at:))
    #expect(found == [nil, 0.02, nil, nil, nil, nil, 0, nil])
  }

  @Test func theGateHoldsAReadingAgainstItsOwnClass() {
    let thresholds = ThresholdTable(
      classCount: 2, exits: [[ExitThresholds(0.5, classThresholds: [1: 0.1])]], fusion: ExitThresholds(nil))
    let exit = ExitID.encoder(modality: 0, exit: 1)
    for (label, sure) in [(0, true), (1, false)] {
      var gate = Gate(GatePolicy(steps: [exit], thresholds: thresholds))
      _ = gate.begin(WindowConditions(present: .all(1)))
      let reading = Reading(exit: exit, entropy: 0.3, label: label, certainty: 0.8, macs: 1, parameters: 1)
      #expect((gate.next(after: reading) == .fuse) == !sure)
    }
  }
}
