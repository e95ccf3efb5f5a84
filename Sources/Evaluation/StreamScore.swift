import JSON

/// Events of a recording against its truth. An event overlaps a command where it overlaps [start, end + grace].
package struct StreamScore: Equatable, Sendable {
  /// What the daemon took for a command, in seconds from the recording's start: `start` is when it was given out.
  package struct Event: Equatable, Sendable {
    package var start: Double
    package var end: Double
    package var label: String
    /// The highest it had, 0...1.
    package var certainty: Double

    package init(start: Double, end: Double, label: String, certainty: Double) {
      self.start = start
      self.end = end
      self.label = label
      self.certainty = certainty
    }
  }

  /// What became of a command.
  package struct Outcome: Equatable, Sendable {
    package let command: StreamTruth.Command
    /// From its start to that of the event of its label, in seconds; nil where it was missed.
    package fileprivate(set) var delay: Double?
    /// Label of the first event that overlaps it.
    package let first: String?
  }

  package let events: [Event]
  /// In the truth's order.
  package private(set) var outcomes: [Outcome] = []
  package let commands: Int
  /// Commands with an event of their label.
  package private(set) var heard = 0
  /// Commands whose first event has another label.
  package private(set) var wrongFirst = 0
  /// Events that overlap no command.
  package private(set) var falseEvents = 0
  /// Events of a command beyond its first.
  package private(set) var repeats = 0
  /// Of what was heard, from the command's start to its event's, ascending, in seconds.
  package private(set) var delays: [Double] = []
  /// Of the recording.
  package let seconds: Double

  /// - Parameter events: by their start.
  package init(_ events: [Event], _ truth: StreamTruth, seconds: Double) {
    self.events = events
    self.seconds = seconds
    commands = truth.commands.count
    var owned = [Int](repeating: 0, count: truth.commands.count)
    for event in events {
      let near = truth.commands.indices.filter { Self.overlap(event, truth.commands[$0]) }
      // It belongs to the last command that had begun.
      if let owner = near.last(where: { truth.commands[$0].start <= event.start }) ?? near.first {
        owned[owner] += 1
      } else {
        falseEvents += 1
      }
    }
    repeats = owned.reduce(0) { $0 + max(0, $1 - 1) }
    for command in truth.commands {
      let near = events.filter { Self.overlap($0, command) }
      if let first = near.first, first.label != command.label { wrongFirst += 1 }
      var outcome = Outcome(command: command, delay: nil, first: near.first?.label)
      if let event = near.first(where: { $0.label == command.label }) {
        heard += 1
        let delay = max(0, event.start - command.start)
        delays.append(delay)
        outcome.delay = delay
      }
      outcomes.append(outcome)
    }
    delays.sort()
  }

  private static func overlap(_ event: Event, _ command: StreamTruth.Command) -> Bool {
    event.start <= command.end + command.grace && event.end >= command.start
  }

  package var missed: Int { commands - heard }
  package var falsePerHour: Double { seconds > 0 ? Double(falseEvents) * 3600 / seconds : 0 }

  /// The least delay that so large a share does not exceed; nil where nothing was heard.
  /// - Parameter share: above 0, at most 1.
  package func delay(_ share: Double) -> Double? {
    delays.isEmpty ? nil : delays[max(0, Int((share * Double(delays.count)).rounded(.up)) - 1)]
  }

  /// - Parameters:
  ///   - energySaved: share of keeping all sensors awake and running everything, 0...1.
  ///   - avoidableSaved: share of what sleeping could save at most, 0...1; nil where that is nothing.
  package func json(energySaved: Double, avoidableSaved: Double?) -> JSONValue {
    func optional(_ value: Double?) -> JSONValue { value.map { .real($0) } ?? .null }
    return [
      "events": .array(
        events.map {
          [
            "start_s": .real($0.start), "end_s": .real($0.end), "label": .string($0.label),
            "certainty": .real($0.certainty),
          ]
        }),
      "outcomes": .array(
        outcomes.map {
          [
            "start_s": .real($0.command.start), "end_s": .real($0.command.end),
            "label": .string($0.command.label), "sensors": .string($0.command.sensors),
            "heard": .bool($0.delay != nil), "delay_s": optional($0.delay),
            "first": $0.first.map { .string($0) } ?? .null,
          ]
        }),
      "commands": .integer(Int64(commands)), "heard": .integer(Int64(heard)),
      "missed": .integer(Int64(missed)), "wrong_first": .integer(Int64(wrongFirst)),
      "repeats": .integer(Int64(repeats)), "false": .integer(Int64(falseEvents)),
      "false_per_hour": .real(falsePerHour), "delay_p50_s": optional(delay(0.5)),
      "delay_p90_s": optional(delay(0.9)), "energy_saved": .real(energySaved),
      "avoidable_saved": optional(avoidableSaved), "seconds": .real(seconds),
    ]
  }
}
