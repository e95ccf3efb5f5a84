import Daemon
import Evaluation
import Linux
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
    let answers = AnswerRuns(run.model.classes, none: run.model.noneClass)
    let energy = try run.run(report: { Output.complain($0) }, deliver: { answers.take($0) })
    show(StreamScore(answers.events, truth, seconds: energy.time.seconds), energy)
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
      Output.line(score.json(energySaved: energy.saved, avoidableSaved: energy.avoidableSaved).text)
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

/// Runs of equal answers, as events: from the first of them given out to the last.
private final class AnswerRuns {
  private(set) var events: [StreamScore.Event] = []
  private let classes: [String]
  private let none: Int?
  private var running: Int?

  init(_ classes: [String], none: Int?) {
    self.classes = classes
    self.none = none
  }

  func take(_ decision: borrowing Decision) {
    let label = decision.answer.label == none ? nil : decision.answer.label
    defer { running = label }
    guard let label else { return }
    let now = (decision.decided - .zero).seconds
    let certainty = Double(decision.answer.certainty)
    if label == running {
      events[events.count - 1].end = now
      events[events.count - 1].certainty = max(events[events.count - 1].certainty, certainty)
    } else {
      events.append(StreamScore.Event(start: now, end: now, label: classes[label], certainty: certainty))
    }
  }
}
