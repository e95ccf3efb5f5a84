import Evaluation
import Linux
import Replay
import Startup
import Vocabulary

/// `mmexitctl evaluate --stream`: a recording through the daemon's pipeline, its events scored against `truth.csv`.
struct EvaluateStream {
  let directory: String
  let configuration: String
  let json: Bool

  func run() throws {
    let run = try StreamRun(
      try LoadedConfiguration(path: configuration), recording: directory, at: "--stream")
    let truth = try truth(run)
    let classes = run.model.classes
    let events = EventList()
    let energy = try run.run(report: { Output.complain($0) }, event: { events.take($0, classes) })
    show(StreamScore(events.events, truth, seconds: energy.time.seconds), energy)
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
private final class EventList {
  private(set) var events: [StreamScore.Event] = []

  func take(_ event: StreamEvent, _ classes: [String]) {
    guard let end = event.end else { return }
    events.append(
      StreamScore.Event(
        start: (event.start - .zero).seconds, end: (end - .zero).seconds, label: classes[event.label],
        certainty: event.certainty))
  }
}
