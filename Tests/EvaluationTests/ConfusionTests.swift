import Testing

@testable import Evaluation

@Suite struct ConfusionTests {
  /// Figures of scikit-learn's accuracy_score and f1_score(average="weighted") for the same lists.
  @Test func knownScores() {
    let labels = [0, 0, 0, 1, 1, 2, 2, 2, 2, 1]
    let answers = [0, 0, 1, 1, 2, 2, 2, 0, 2, 1]
    var c = Confusion(classes: 3)
    for (l, a) in zip(labels, answers) { c.add(label: l, answer: a) }
    #expect(c.accuracy == 0.7)
    // Class 0: P 2/3 R 2/3; class 1: P 2/3 R 2/3; class 2: P 3/4 R 3/4.
    #expect(abs(c.weightedF1 - (3 * 2.0 / 3 + 3 * 2.0 / 3 + 4 * 0.75) / 10) < 1e-12)
  }

  @Test func noAnswerIsWrongAndCountsAsSupport() {
    var c = Confusion(classes: 2)
    c.add(label: 0, answer: nil)
    c.add(label: 0, answer: 0)
    #expect(c.accuracy == 0.5)
    #expect(abs(c.weightedF1 - 2.0 / 3) < 1e-12)
    #expect(Confusion(classes: 2).weightedF1 == 0)
  }
}
