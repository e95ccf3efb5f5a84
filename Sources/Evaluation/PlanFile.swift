import JSON
import Scheduling

/// The file that `mmexitctl plan --stats` reads: figures of the exits, or recorded windows.
///
/// One file may hold both; each method reads what it needs and every member is checked by name.
package struct PlanFile: Sendable {
  private let root: JSONPlace
  private let file: String

  /// What fusion is called in a plan, so that no modality can be.
  static let reservedName = "fusion"

  /// 12 modalities with some 100,000 windows.
  package static let maximumBytes = 256 * 1_048_576

  package init(_ text: [UInt8], file: String) throws(EvaluationError) {
    self.file = file
    do throws(JSONError) {
      root = JSONPlace(try JSONValue.parse(text, maximumBytes: Self.maximumBytes))
      try root.allowOnly("lambda", "modalities", "fusion", "windows")
      for modality in try root.member("modalities").elements() {
        try modality.allowOnly("name", "wake", "standby", "exits")
        let name = try modality.member("name")
        let text = try name.string()
        if text.isEmpty { throw name.error(.wrongValue, "the name is empty; give the modality one") }
        if text == Self.reservedName {
          throw name.error(.wrongValue, "'\(text)' means the fusion of all; give the modality another name")
        }
        for exit in try modality.member("exits").elements() {
          try exit.allowOnly("accuracy", "cost", "hazard", "threshold")
        }
      }
      try root.member("fusion").allowOnly("accuracy", "cost")
    } catch {
      throw Self.refused(error, file)
    }
  }

  private static func refused(_ error: JSONError, _ file: String) -> EvaluationError {
    EvaluationError(.statistics, file, "\(error.description); 'mmexitctl plan --help' shows the form")
  }

  /// The plan by this method.
  package func plan(by method: OrderingMethod) throws(EvaluationError) -> ExitPlan {
    do {
      if method == .empirical { return try Scheduling.plan(empirical: empiricalProblem()) }
      return try Scheduling.plan(problem(), by: method)
    } catch let error as JSONError {
      throw Self.refused(error, file)
    } catch let error as PlanningError {
      throw EvaluationError(.statistics, file, error.description)
    } catch {
      throw EvaluationError(.statistics, file, "\(error)")
    }
  }

  package func modalityNames() throws(EvaluationError) -> [String] {
    do {
      return try root.member("modalities").elements().map { try $0.member("name").string() }
    } catch {
      throw EvaluationError(.statistics, file, "\(error)")
    }
  }

  private func problem() throws -> OrderingProblem {
    let modalities = try root.member("modalities").elements().map { place in
      ModalityStatistics(
        name: try place.member("name").string(), wakeCost: try place.optional("wake")?.real() ?? 0,
        standbyCost: try place.optional("standby")?.real() ?? 0,
        exits: try place.member("exits").elements().map { exit in
          ExitStatistics(
            accuracy: try exit.member("accuracy").real(), cost: try exit.member("cost").real(),
            hazard: try exit.member("hazard").real())
        })
    }
    let fusion = try root.member("fusion")
    return OrderingProblem(
      lambda: try root.member("lambda").real(), modalities: modalities,
      fusion: FusionStatistics(
        accuracy: try fusion.member("accuracy").real(), cost: try fusion.member("cost").real()))
  }

  private func empiricalProblem() throws -> EmpiricalProblem {
    let modalities = try root.member("modalities").elements().map { place in
      EmpiricalModality(
        name: try place.member("name").string(), wakeCost: try place.optional("wake")?.real() ?? 0,
        standbyCost: try place.optional("standby")?.real() ?? 0,
        exits: try place.member("exits").elements().map { exit in
          EmpiricalExit(
            cost: try exit.member("cost").real(), threshold: try exit.optional("threshold")?.real())
        })
    }
    let names = modalities.map(\.name)
    let windows = try root.member("windows").elements().map { window in
      try Self.window(window, names: names)
    }
    return EmpiricalProblem(
      lambda: try root.member("lambda").real(), modalities: modalities,
      fusionCost: try root.member("fusion").member("cost").real(), windows: windows)
  }

  private static func window(_ place: JSONPlace, names: [String]) throws -> RecordedWindow {
    let exits = try place.member("exits")
    return RecordedWindow(
      readings: try names.map { name in
        try exits.member(name).elements().map { reading in
          // A null entropy is an exit that had nothing usable to say.
          RecordedReading(
            entropy: try reading.optional("entropy").map(entropy) ?? .nan,
            correct: try truth(reading.member("correct")))
        }
      },
      fusionCorrect: try truth(place.member("fusion").member("correct")))
  }

  /// Normalized, so from 0 to 1; what float32 makes of 1 may lie a rounding above it.
  private static func entropy(_ place: JSONPlace) throws(JSONError) -> Double {
    let value = try place.real()
    guard (0...1.000_001).contains(value) else {
      throw place.error(.wrongValue, "a normalized entropy lies between 0 and 1, found \(value)")
    }
    return value
  }

  /// `correct` as true or false, or as the 1 or 0 that NumPy writes.
  private static func truth(_ place: JSONPlace) throws(JSONError) -> Bool {
    if case .bool(let flag) = place.value { return flag }
    return try place.integer(in: 0...1) == 1
  }
}

extension ExitPlan {
  /// `{"order", "value", "exits": [{"modality", "exit", "probability", "utility"}]}`; fusion is the modality
  /// "fusion" with exit 1.
  package func json(names: [String]) -> JSONValue {
    var exits: [JSONValue] = []
    for step in steps {
      let (modality, exit): (String, Int) =
        switch step.exit {
        case .encoder(let modality, let exit): (names[modality], exit)
        case .fusion: ("fusion", 1)
        }
      exits.append([
        "modality": .string(modality), "exit": .integer(Int64(exit)), "probability": .real(step.probability),
        "utility": .real(step.utility),
      ])
    }
    return [
      "order": .array(order.map { .string(names[$0]) }), "value": .real(value), "exits": .array(exits),
    ]
  }
}
