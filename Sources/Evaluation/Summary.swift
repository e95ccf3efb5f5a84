import Engine
import JSON
import Vocabulary

/// Figures over all windows of a manifest.
package struct Summary: Sendable {
  /// What left at one exit.
  private struct ExitTally: Sendable {
    var asked = 0
    var answers = 0
    var correct = 0
    var entropy = 0.0
  }

  private let model: Model
  private var confusion: Confusion
  private var exits: [[ExitTally]]
  private var fusion = ExitTally()
  private var unsure = 0
  private var macs: Int64 = 0
  private var parameters: Int64 = 0
  private var allMacs: Int64 = 0
  private var allParameters: Int64 = 0
  private var nanoseconds: Int64 = 0
  package private(set) var count = 0

  package init(_ model: Model) {
    self.model = model
    confusion = Confusion(classes: model.classes.count)
    exits = model.modalities.map { Array(repeating: ExitTally(), count: $0.segments.count) }
  }

  package mutating func add(
    _ result: WindowResult, label: Int, everything: (macs: Int64, parameters: Int64)
  ) {
    count += 1
    confusion.add(label: label, answer: result.answer.label)
    macs += result.macs
    parameters += result.parameters
    allMacs += everything.macs
    allParameters += everything.parameters
    nanoseconds += result.nanoseconds
    for reading in result.asked { withTally(reading.exit) { $0.asked += 1 } }
    let answer = result.answer
    if answer.reason != .sure && answer.reason != .fused { unsure += 1 }
    guard let exit = answer.exit else { return }
    withTally(exit) {
      $0.answers += 1
      $0.entropy += Double(answer.entropy)
      if answer.label == label { $0.correct += 1 }
    }
  }

  private mutating func withTally(_ exit: ExitID, _ body: (inout ExitTally) -> Void) {
    switch exit {
    case .encoder(let modality, let number): body(&exits[modality][number - 1])
    case .fusion: body(&fusion)
    }
  }

  package var accuracy: Double { confusion.accuracy }
  package var weightedF1: Double { confusion.weightedF1 }
  package var macsMean: Double { Double(macs) / Double(max(1, count)) }
  package var windowsPerSecond: Double { Double(count) * 1e9 / Double(max(1, nanoseconds)) }
  /// Share of the MACs of running everything that were not spent, 0...1.
  package var macsSaved: Double { allMacs == 0 ? 0 : 1 - Double(macs) / Double(allMacs) }
  package var parametersSaved: Double {
    allParameters == 0 ? 0 : 1 - Double(parameters) / Double(allParameters)
  }

  /// - Parameter windows: one object a window, when an audit was asked for.
  package func json(order: [Int], policy: String, windows: [JSONValue]?) -> JSONValue {
    let n = Double(max(1, count))
    func cost(_ sum: Int64, _ all: Int64, _ saved: Double, lateFusion: Int64) -> JSONValue {
      [
        "mean": .real(Double(sum) / n), "everything": .real(Double(all) / n), "saved": .real(saved),
        "late_fusion": .integer(lateFusion),
      ]
    }
    var object: JSONObject = [
      "model": .string(model.name), "policy": .string(policy),
      "order": .array(order.map { .string(model.modalities[$0].name) }), "count": .integer(Int64(count)),
      "accuracy": .real(accuracy), "weighted_f1": .real(weightedF1),
      "macs": cost(macs, allMacs, macsSaved, lateFusion: model.lateFusionMacs),
      "parameters": cost(parameters, allParameters, parametersSaved, lateFusion: model.lateFusionParameters),
      "exits": .array(rows().map(\.json)), "unsure": .integer(Int64(unsure)),
      "windows_per_second": .real(windowsPerSecond),
    ]
    if let windows { object.append("windows", .array(windows)) }
    return .object(object)
  }

  /// One exit's line: `accuracy` and `meanEntropy` are over the windows that left there, nil for none.
  package struct Row: Sendable {
    package let modality: String
    package let exit: Int
    package let asked: Int
    package let answers: Int
    package let share: Double
    package let accuracy: Double?
    package let meanEntropy: Double?

    var json: JSONValue {
      [
        "modality": .string(modality), "exit": .integer(Int64(exit)), "asked": .integer(Int64(asked)),
        "answers": .integer(Int64(answers)), "share": .real(share),
        "accuracy": accuracy.map { .real($0) } ?? .null,
        "mean_entropy": meanEntropy.map { .real($0) } ?? .null,
      ]
    }
  }

  package func rows() -> [Row] {
    func row(_ name: String, _ exit: Int, _ tally: ExitTally) -> Row {
      let answers = Double(tally.answers)
      return Row(
        modality: name, exit: exit, asked: tally.asked, answers: tally.answers,
        share: answers / Double(max(1, count)),
        accuracy: tally.answers == 0 ? nil : Double(tally.correct) / answers,
        meanEntropy: tally.answers == 0 ? nil : tally.entropy / answers)
    }
    return zip(model.modalities, exits).flatMap { modality, tallies in
      tallies.enumerated().map { row(modality.name, $0 + 1, $1) }
    } + [row("fusion", 1, fusion)]
  }
}
