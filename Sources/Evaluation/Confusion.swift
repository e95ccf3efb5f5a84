/// Counts of answers against labels, and the scores that follow from them.
package struct Confusion: Sendable {
  private let classes: Int
  /// counts[label * (classes + 1) + answer]; the last column is "no answer".
  private var counts: [Int]

  package init(classes: Int) {
    self.classes = classes
    counts = Array(repeating: 0, count: classes * (classes + 1))
  }

  package mutating func add(label: Int, answer: Int?) {
    counts[label * (classes + 1) + (answer ?? classes)] += 1
  }

  package var total: Int { counts.reduce(0, +) }
  package var correct: Int { (0..<classes).reduce(0) { $0 + counts[$1 * (classes + 1) + $1] } }
  /// 0...1; 0 for no windows.
  package var accuracy: Double { total == 0 ? 0 : Double(correct) / Double(total) }

  /// Mean of the classes' F1 weighted by how often each is the label (scikit-learn's `average="weighted"`);
  /// a class that is never answered and never right has F1 0.
  package var weightedF1: Double {
    guard total > 0 else { return 0 }
    var sum = 0.0
    for c in 0..<classes {
      let hits = counts[c * (classes + 1) + c]
      let support = (0...classes).reduce(0) { $0 + counts[c * (classes + 1) + $1] }
      let answered = (0..<classes).reduce(0) { $0 + counts[$1 * (classes + 1) + c] }
      if support + answered > 0 { sum += Double(support) * 2 * Double(hits) / Double(support + answered) }
    }
    return sum / Double(total)
  }
}
