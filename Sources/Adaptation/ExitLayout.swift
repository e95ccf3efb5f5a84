/// Where each exit's outcome stands in a record: the modalities' exits one after the other, in the model's order.
package struct ExitLayout: Hashable, Sendable {
  /// Encoder exits a record has room for: a model has at most 23 (`Decision.maximumExits` with fusion), a planning
  /// problem of 12 modalities with 2 exits each has 24.
  package static let maximumExits = 32

  /// Number of exits of each modality, each >= 1.
  package let exitCounts: [Int]
  /// Row of each modality's exit 1.
  private let firstRow: [Int]
  /// Encoder exits in all.
  package let count: Int

  /// - Returns: nil where there is no modality, one without an exit, or more exits than `maximumExits`.
  package init?(exitCounts: [Int]) {
    guard !exitCounts.isEmpty, exitCounts.allSatisfy({ (1...Self.maximumExits).contains($0) }) else {
      return nil
    }
    var firstRow: [Int] = []
    var count = 0
    for exits in exitCounts {
      firstRow.append(count)
      count += exits
    }
    guard count <= Self.maximumExits else { return nil }
    self.exitCounts = exitCounts
    self.firstRow = firstRow
    self.count = count
  }

  package var modalityCount: Int { exitCounts.count }

  /// - Parameter exit: from 1.
  package func row(modality: Int, exit: Int) -> Int {
    precondition((1...exitCounts[modality]).contains(exit), "an exit that the modality does not have")
    return firstRow[modality] + exit - 1
  }

  /// Row of the exit at the encoder's end.
  package func lastRow(of modality: Int) -> Int { firstRow[modality] + exitCounts[modality] - 1 }
}
