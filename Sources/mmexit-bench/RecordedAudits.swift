import Adaptation
import Engine
import JSON
import Vocabulary

/// Every exit's outcome of labelled windows, as `mmexitctl evaluate --audit --json` prints them: the population from which
/// days are drawn.
struct RecordedAudits {
  let layout: ExitLayout
  /// Windows whose fused answer is the model's class "nothing", and the others.
  private(set) var quiet: [AuditRecord] = []
  private(set) var events: [AuditRecord] = []

  /// A made-up population, the same each time: 2,000 quiet windows and 2,000 with one of three classes. Each of the
  /// modalities is right in so large a share of the events, and mostly sure where it is.
  init(madeUp skills: [Double]) throws(BenchFailure) {
    guard let layout = ExitLayout(exitCounts: skills.map { _ in 2 }) else {
      throw BenchFailure(.software, "no layout")
    }
    self.layout = layout
    var draws = SeededDraws(seed: 1)
    for number in 0..<4000 {
      let truth = number < 2000 ? 0 : 1 + draws.index(below: 3)
      func reading(_ exit: ExitID, _ skill: Double) -> Reading {
        let isRight = draws.chance(truth == 0 ? 0.98 : skill)
        let entropy = (isRight ? 0 : 0.25) + (isRight ? 0.4 : 0.7) * Float(draws.index(below: 1000)) / 1000
        return Reading(
          exit: exit, entropy: entropy, label: isRight ? truth : 0, certainty: 1 - entropy, macs: 0,
          parameters: 0)
      }
      var record = AuditRecord(decision: 1, end: .zero)
      for (modality, skill) in skills.enumerated() {
        for exit in 1...2 { record.enter(reading(.encoder(modality: modality, exit: exit), skill), layout) }
      }
      record.enter(reading(.fusion, 0.98), layout)
      if record.isEvent(none: 0) { events.append(record) } else { quiet.append(record) }
    }
  }

  init(_ path: String, _ model: Model) throws(BenchFailure) {
    guard let layout = ExitLayout(exitCounts: model.modalities.map(\.segments.count)) else {
      throw BenchFailure(.dataError, "model '\(model.name)' has more exits than an audit has room for")
    }
    self.layout = layout
    let bytes = try read(path)
    do throws(JSONError) {
      let root = JSONPlace(try JSONValue.parse(bytes, maximumBytes: 256 * 1_048_576))
      for window in try root.member("windows").elements() {
        var record = AuditRecord(decision: 1, end: .zero)
        for exit in try window.member("exits").elements() {
          let place = try exit.member("modality")
          let name = try place.string()
          guard let modality = model.modalities.firstIndex(where: { $0.name.hasSameBytes(as: name) }) else {
            throw place.error(.wrongValue, "the model has no modality '\(name)'")
          }
          let count = layout.exitCounts[modality]
          let number = try exit.member("exit").integer(in: 1...count)
          record.enter(try Self.reading(exit, .encoder(modality: modality, exit: number), model), layout)
        }
        record.enter(try Self.reading(window.member("fusion"), .fusion, model), layout)
        if record.isEvent(none: model.noneClass) { events.append(record) } else { quiet.append(record) }
      }
    } catch {
      throw BenchFailure(
        .dataError, "\(path): \(error.description); make it with 'mmexitctl evaluate --audit --json'")
    }
    guard !events.isEmpty, !quiet.isEmpty else {
      throw BenchFailure(
        .dataError,
        "\(path): \(events.count) windows with an event, \(quiet.count) without; both are needed")
    }
  }

  private static func reading(_ place: JSONPlace, _ exit: ExitID, _ model: Model) throws(JSONError) -> Reading
  {
    let answer = try place.member("answer")
    let name = try answer.string()
    guard let label = model.classes.firstIndex(where: { $0.hasSameBytes(as: name) }) else {
      throw answer.error(.wrongValue, "the model has no class '\(name)'")
    }
    return Reading(
      exit: exit, entropy: Float(try place.member("entropy").real()), label: label,
      certainty: Float(try place.member("certainty").real()), macs: 0, parameters: 0)
  }

  /// One window at random, an event with this probability.
  func draw(_ share: Double, _ draws: inout SeededDraws) -> AuditRecord {
    draws.chance(share)
      ? events[draws.index(below: events.count)] : quiet[draws.index(below: quiet.count)]
  }

  /// Mean over the whole population with events at this share.
  func mean(_ share: Double, _ value: (AuditRecord) -> Double) -> Double {
    func mean(_ records: [AuditRecord]) -> Double {
      records.reduce(0) { $0 + value($1) } / Double(records.count)
    }
    return share * mean(events) + (1 - share) * mean(quiet)
  }
}
