import JSON
import Vocabulary

/// What a stream's windows came to, minute by minute: for scenes that change.
package struct StreamMinutes: Equatable, Sendable {
  package struct Minute: Equatable, Sendable {
    package var energy = Nanojoules.zero
    package var alwaysOn = Nanojoules.zero
    /// Windows whose truth is known: a command fills at least half of them, or none touches them.
    package var windows = 0
    package var right = 0
    /// Of those, the ones in which a command is given.
    package var eventWindows = 0
    package var eventRight = 0
    /// All windows, and by modality those for which the gate asked its encoder.
    package var all = 0
    package var asked: [Int]

    init(modalities: Int) { asked = [Int](repeating: 0, count: modalities) }
  }

  /// Sound is taken to be a window of a second.
  private static let window = 1.0

  package private(set) var minutes: [Minute] = []
  private let truth: StreamTruth
  private let classes: [String]
  private let noneClass: Int?
  private let modalities: Int
  private var next = 0

  package init(_ truth: StreamTruth, classes: [String], noneClass: Int?, modalities: Int) {
    self.truth = truth
    self.classes = classes
    self.noneClass = noneClass
    self.modalities = modalities
  }

  package mutating func take(_ decision: borrowing Decision) {
    let end = (decision.end - .zero).seconds
    let minute = max(0, Int(end / 60))
    while minutes.count <= minute { minutes.append(Minute(modalities: modalities)) }
    minutes[minute].energy += decision.totalEnergy
    minutes[minute].alwaysOn += decision.alwaysOn
    minutes[minute].all += 1
    for modality in 0..<modalities where decision.used.contains(index: modality) {
      minutes[minute].asked[modality] += 1
    }
    guard let expected = label(at: end) else { return }
    let isRight = decision.answer.label == expected
    minutes[minute].windows += 1
    if isRight { minutes[minute].right += 1 }
    guard expected != noneClass else { return }
    minutes[minute].eventWindows += 1
    if isRight { minutes[minute].eventRight += 1 }
  }

  /// Index of the class that the window which ends then is; nil where that is not clear. Ends are asked in their order.
  package mutating func label(at end: Double) -> Int? {
    let commands = truth.commands
    while next < commands.count, commands[next].end < end - 10 { next += 1 }
    var touches = false
    for command in commands[next...] {
      if command.start > end { break }
      let overlap = min(end, command.end) - max(end - Self.window, command.start)
      let shows = command.isSeen && command.end >= end
      if shows || overlap >= min(Self.window, command.end - command.start) / 2 {
        return classes.firstIndex { $0 == command.label }
      }
      if overlap > 0 { touches = true }
    }
    return touches ? nil : noneClass
  }

  package func json(names: [String]) -> JSONValue {
    .array(
      minutes.map { minute in
        var asked = JSONObject()
        for (name, count) in zip(names, minute.asked) { asked.append(name, .integer(Int64(count))) }
        return [
          "energy_j": .real(minute.energy.joules), "always_on_j": .real(minute.alwaysOn.joules),
          "all": .integer(Int64(minute.all)), "windows": .integer(Int64(minute.windows)),
          "right": .integer(Int64(minute.right)), "event_windows": .integer(Int64(minute.eventWindows)),
          "event_right": .integer(Int64(minute.eventRight)),
          "asked": .object(asked),
        ]
      })
  }
}
