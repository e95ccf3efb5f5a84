import Vocabulary

/// One exit's thresholds.
package struct ExitThresholds: Hashable, Sendable {
  /// The exit answers when the normalized entropy is at or below it; nil switches it off. 0 does not: an entropy can be 0.
  package var threshold: Float?
  /// Overrides by index of the class the exit would answer; they hold where `threshold` is nil too.
  package var classThresholds: [Int: Float]
  /// Fusion answers in its place where nothing but fusion is left to run: of an exit with a gain head, where fusion is
  /// nearly free.
  package var yieldsToFusion: Bool
  /// Of a modality's first exit: probability of the class that overrides, at or above which no other sensor's sure answer
  /// concludes. Nil: it is not asked for that.
  package var override: Float?
  /// Of an encoder's exit: at or below which it concludes with a command though another sensor was sure of `none`, whatever
  /// its threshold. Nil: never.
  package var besideNone: Float?

  package init(
    _ threshold: Float?, classThresholds: [Int: Float] = [:], yieldsToFusion: Bool = false,
    override: Float? = nil, besideNone: Float? = nil
  ) {
    self.threshold = threshold
    self.classThresholds = classThresholds
    self.yieldsToFusion = yieldsToFusion
    self.override = override
    self.besideNone = besideNone
  }
}

/// Every exit's threshold for every answer, laid out flat so that a look-up touches no heap.
package struct ThresholdTable: Sendable {
  /// Number of exits of each modality.
  package let exitCounts: [Int]
  package let classCount: Int
  /// Row of each modality's exit 1.
  private let firstRow: [Int]
  private let fusionRow: Int
  /// `[exits + 1, classCount]`, fusion's row last; NaN where switched off, which no entropy is at or below.
  private var values: [Float]
  /// By encoder exit, in the rows' order.
  private let yielding: [Bool]
  /// By modality, of its first exit; NaN where it has none, at or above which nothing is.
  private let overrides: [Float]
  /// By encoder exit, in the rows' order; NaN where it has none.
  private let besideNone: [Float]

  /// - Parameters:
  ///   - classCount: > 0; overrides name classes below it.
  ///   - exits: by modality, then by exit.
  package init(classCount: Int, exits: [[ExitThresholds]], fusion: ExitThresholds) {
    precondition(classCount > 0 && exits.count <= 32)
    self.classCount = classCount
    exitCounts = exits.map(\.count)
    var row = 0
    var firstRow: [Int] = []
    values = []
    for modality in exits {
      firstRow.append(row)
      row += modality.count
      for exit in modality { Self.append(exit, classCount, to: &values) }
    }
    Self.append(fusion, classCount, to: &values)
    self.firstRow = firstRow
    fusionRow = row
    yielding = exits.flatMap { $0.map(\.yieldsToFusion) }
    overrides = exits.map { $0.first?.override ?? .nan }
    besideNone = exits.flatMap { $0.map { $0.besideNone ?? .nan } }
  }

  private static func append(_ exit: ExitThresholds, _ classCount: Int, to values: inout [Float]) {
    for label in 0..<classCount {
      values.append(exit.classThresholds[label] ?? exit.threshold ?? .nan)
    }
  }

  /// The threshold an answer of class `label` at this exit is held against; nil where it is switched off, and for
  /// activity checks (exit 0), which have none.
  package func threshold(at exit: ExitID, label: Int) -> Float? {
    guard let row = row(of: exit), (0..<classCount).contains(label) else { return nil }
    let value = values[row * classCount + label]
    return value.isNaN ? nil : value
  }

  /// Whether any answer is allowed at this exit.
  func canAnswer(at exit: ExitID) -> Bool {
    for label in 0..<classCount where threshold(at: exit, label: label) != nil { return true }
    return false
  }

  /// Whether fusion answers in the exit's place where nothing else is left to run.
  package func yieldsToFusion(at exit: ExitID) -> Bool {
    guard let row = row(of: exit), row < fusionRow else { return false }
    return yielding[row]
  }

  /// The probability of the class that overrides, at or above which this modality's first exit keeps another sensor's sure
  /// answer from concluding; nil where it is not asked for that.
  package func overrideThreshold(of modality: Int) -> Float? {
    let value = overrides[modality]
    return value.isNaN ? nil : value
  }

  /// What a command has to be at or below, to conclude at this exit beside another sensor's sure `none`; nil where none
  /// does.
  package func thresholdBesideNone(at exit: ExitID) -> Float? {
    guard let row = row(of: exit), row < fusionRow else { return nil }
    let value = besideNone[row]
    return value.isNaN ? nil : value
  }

  private func row(of exit: ExitID) -> Int? {
    switch exit {
    case .fusion: fusionRow
    case .encoder(_, 0): nil
    case .encoder(let modality, let number): firstRow[modality] + number - 1
    }
  }
}
