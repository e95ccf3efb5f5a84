import Evaluation
import JSON
import Linux
import Replay
import Startup
import Vocabulary

/// `mmexitctl evaluate --stream`: a recording through the daemon's pipeline, its events scored against `truth.csv`.
struct EvaluateStream {
  let directory: String
  let configuration: String
  let json: Bool
  /// Adds what each minute, each command and each change of the order came to.
  let minutes: Bool
  /// Adds what sensors that take turns would have heard: of a configuration in which every exit answers every window.
  let turns: Bool

  func run() throws {
    let run = try StreamRun(
      try LoadedConfiguration(path: configuration), recording: directory, at: "--stream")
    let truth = try truth(run)
    let classes = run.model.classes
    let events = EventList()
    let names = run.model.modalities.map(\.name)
    let course = StreamCourse(
      StreamMinutes(truth, classes: classes, noneClass: run.model.noneClass, modalities: names.count),
      period: run.period)
    var answered = run.answered
    let energy = try run.run(
      report: { Output.complain($0) },
      deliver: {
        if minutes { course.take($0) }
        if turns { answered.take($0) }
      },
      change: { course.take($0, at: $1, names) }, event: { events.take($0, classes) })
    let score = StreamScore(events.events, truth, seconds: energy.time.seconds)
    if minutes {
      let others = turns ? StreamTurns(answered, truth, run.model, seconds: energy.time.seconds).json : nil
      Output.line(course.json(score, energy, names, turns: others))
    } else {
      show(score, energy)
    }
  }

  private func truth(_ run: StreamRun) throws -> StreamTruth {
    let file = (directory.hasSuffix("/") ? directory : directory + "/") + StreamTruth.fileName
    let commands = run.model.classes.indices.filter { $0 != run.model.noneClass }
    return try StreamTruth(
      readFile(file, limit: Manifest.maximumBytes), file: file,
      classes: commands.map { run.model.classes[$0] },
      pictures: run.isPicture)
  }

  private func show(_ score: StreamScore, _ energy: StreamEnergy) {
    if json {
      Output.line(score.json(energySaved: energy.saved, avoidableSaved: energy.avoidableSaved))
      return
    }
    for event in score.events {
      Output.line(
        "\(Output.fixed(event.start, 2)) s to \(Output.fixed(event.end, 2)) s  \(event.label)  "
          + Output.fixed(event.certainty, 3))
    }
    func seconds(_ value: Double?) -> String { value.map { Output.fixed($0, 2) + " s" } ?? "-" }
    Output.line(
      "heard      \(score.heard) of \(score.commands), \(score.wrongFirst) with another one first, \(score.repeats) repeats"
    )
    Output.line(
      "false      \(score.falseEvents) in \(Output.fixed(score.seconds, 0)) s, \(Output.fixed(score.falsePerHour, 1)) an hour"
    )
    Output.line(
      "delay      half within \(seconds(score.delay(0.5))), 90% within \(seconds(score.delay(0.9)))")
    let avoidable = energy.avoidableSaved.map { Output.fixed(100 * $0, 1) + "%" } ?? "-"
    Output.line(
      "energy     \(Output.fixed(100 * energy.saved, 1))% of always on saved, \(avoidable) of what can be avoided"
    )
  }
}

/// Events as they end: in the order they began.
final class EventList {
  private(set) var events: [StreamScore.Event] = []

  func take(_ event: StreamEvent, _ classes: [String]) {
    guard let end = event.end else { return }
    events.append(
      StreamScore.Event(
        start: (event.start - .zero).seconds, end: (end - .zero).seconds, label: classes[event.label],
        certainty: event.certainty))
  }
}

/// How a stream went: its minutes and the changes of the order.
private final class StreamCourse {
  var minutes: StreamMinutes
  var hour: HighestSpan
  private var changes: [JSONValue] = []

  init(_ minutes: StreamMinutes, period: Nanoseconds) {
    self.minutes = minutes
    hour = HighestSpan(windows: Int(3600 / period.seconds))
  }

  func take(_ decision: borrowing Decision) {
    minutes.take(decision)
    hour.take(decision.totalEnergy)
  }

  func take(_ change: OrderChange, at now: Instant, _ names: [String]) {
    changes.append([
      "at_s": .real((now - .zero).seconds), "order": .array(change.to.map { .string(names[$0]) }),
      "asked": .array(names.indices.filter { change.asked.contains(index: $0) }.map { .string(names[$0]) }),
      "gain": .real(change.gain), "audits": .integer(Int64(change.audits)),
    ])
  }

  func json(
    _ score: StreamScore, _ energy: StreamEnergy, _ names: [String], turns: JSONValue?
  ) -> JSONValue {
    var result = JSONObject()
    result.append("score", score.json(energySaved: energy.saved, avoidableSaved: energy.avoidableSaved))
    result.append("unavoidable_j", .real(energy.unavoidable.joules))
    result.append("highest_hour_j", hour.highest.map { .real($0.joules) } ?? .null)
    result.append("minutes", minutes.json(names: names))
    result.append("changes", .array(changes))
    if let turns { result.append("turns", turns) }
    return .object(result)
  }
}
