import Engine
import Evaluation
import JSON
import Replay
import Vocabulary

/// What a stream comes to where sensors take turns by chance or by the clock, and where an oracle chooses.
struct StreamTurns {
  private static let stretches = [2.0, 8.0]
  private static let shares = [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0]

  private let answered: AnsweredWindows
  private let truth: StreamTruth
  private let model: Model
  private let seconds: Double

  init(_ answered: AnsweredWindows, _ truth: StreamTruth, _ model: Model, seconds: Double) {
    self.answered = answered
    self.truth = truth
    self.model = model
    self.seconds = seconds
  }

  /// One object for each: `kind` (`everything`, `oracle`, `random`, `duty`), of turns `stretch_s`, `share` and `listening` (who is
  /// awake all the time), and what came of it.
  var json: JSONValue {
    var found = [row("everything", .everything, []), row("oracle", .oracle(expected: expected), [])]
    // All take turns, or all but the model's first.
    let listeners: [ModalitySet] = [[], ModalitySet(index: 0)]
    for kind in [SensorTurns.Kind.random, .duty] {
      for listening in listeners {
        for stretch in Self.stretches {
          for share in Self.shares {
            let turns = SensorTurns(kind, stretch: stretch, share: share, listening: listening)
            let members: [(String, JSONValue)] = [
              ("stretch_s", .real(stretch)), ("share", .real(share)),
              (
                "listening",
                .array(
                  model.modalities.indices.filter { listening.contains(index: $0) }
                    .map { .string(model.modalities[$0].name) })
              ),
            ]
            found.append(row(kind.rawValue, .turns(turns), members))
          }
        }
      }
    }
    return .array(found)
  }

  private var expected: [Int?] {
    var minutes = emptyMinutes
    return answered.ends.map { minutes.label(at: $0) }
  }

  private var emptyMinutes: StreamMinutes {
    StreamMinutes(
      truth, classes: model.classes, noneClass: model.noneClass, modalities: model.modalities.count)
  }

  private func row(_ kind: String, _ choice: WindowChoice, _ members: [(String, JSONValue)]) -> JSONValue {
    let events = EventList()
    var minutes = emptyMinutes
    answered.play(choice, deliver: { minutes.take($0) }, event: { events.take($0, model.classes) })
    let score = StreamScore(events.events, truth, seconds: seconds)
    var row = JSONObject()
    row.append("kind", .string(kind))
    for (name, value) in members { row.append(name, value) }
    var joules = 0.0
    var (windows, right, eventWindows, eventRight) = (0, 0, 0, 0)
    for minute in minutes.minutes {
      joules += minute.energy.joules
      windows += minute.windows
      right += minute.right
      eventWindows += minute.eventWindows
      eventRight += minute.eventRight
    }
    row.append("energy_j", .real(joules))
    row.append("heard", .array(score.outcomes.map { .bool($0.delay != nil) }))
    row.append("false", .integer(Int64(score.falseEvents)))
    row.append("windows", .integer(Int64(windows)))
    row.append("right", .integer(Int64(right)))
    row.append("event_windows", .integer(Int64(eventWindows)))
    row.append("event_right", .integer(Int64(eventRight)))
    return .object(row)
  }
}
