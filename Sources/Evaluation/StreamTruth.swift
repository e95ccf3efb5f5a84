import Vocabulary

/// What is said and shown in a recording, and when: its `truth.csv`, `start_s,end_s,label,sensors`. `sensors` is what the
/// command can be known by: names of modalities joined by `+`, `audio`, `image` or `audio+image`.
package struct StreamTruth: Equatable, Sendable {
  /// One command, in seconds from the recording's start.
  package struct Command: Equatable, Sendable {
    package var start: Double
    package var end: Double
    /// A class of the model.
    package var label: String
    /// What it can be known by, as the file says.
    package var sensors: String
    /// A picture shows it.
    package var isSeen: Bool

    package init(start: Double, end: Double, label: String, sensors: String, isSeen: Bool) {
      self.start = start
      self.end = end
      self.label = label
      self.sensors = sensors
      self.isSeen = isSeen
    }

    /// An event of it may come this much after its end, in seconds: a picture waits for its camera.
    package var grace: Double { isSeen ? 1.5 : 1 }
  }
  /// By their start.
  package let commands: [Command]

  package static let fileName = "truth.csv"
  private static let header = ["start_s", "end_s", "label", "sensors"]

  package init(_ commands: [Command]) { self.commands = commands.sorted { $0.start < $1.start } }

  /// - Parameters:
  ///   - file: for errors.
  ///   - classes: that a command may be of; the model's without its `none`.
  ///   - pictures: whether a sensor of that name gives pictures; nil for one that the model does not have.
  /// - Throws: for another header, a time that is no time, a label that is no command, or an unknown sensor.
  package init(
    _ text: [UInt8], file: String, classes: [String], pictures: (String) -> Bool?
  ) throws(EvaluationError) {
    let table: CSVTable
    do {
      table = try CSVTable(text)
    } catch {
      throw EvaluationError(.manifest, file, line: error.line, error.message)
    }
    guard table.header == Self.header else {
      throw EvaluationError(
        .manifest, file, line: 1, "the header must be \(Self.header.joined(separator: ","))")
    }
    var commands: [Command] = []
    for row in table.rows {
      guard let start = Double(row.cells[0]), let end = Double(row.cells[1]), start >= 0, end >= start,
        end.isFinite
      else {
        throw EvaluationError(
          .manifest, file, line: row.line,
          "'\(row.cells[0])' to '\(row.cells[1])' is no span of time; give seconds from the recording's start"
        )
      }
      guard classes.contains(bytesOf: row.cells[2]) else {
        throw EvaluationError(
          .manifest, file, line: row.line,
          "the label '\(row.cells[2])' is no command of the model; they are \(classes.joined(separator: ", "))"
        )
      }
      var isSeen = false
      for name in row.cells[3].split(separator: "+", omittingEmptySubsequences: false) {
        guard let picture = pictures(String(name)) else {
          throw EvaluationError(
            .manifest, file, line: row.line,
            "the sensor '\(name)' is none of the model's; join their names by '+', as in audio+image")
        }
        isSeen = isSeen || picture
      }
      commands.append(
        Command(start: start, end: end, label: row.cells[2], sensors: row.cells[3], isSeen: isSeen))
    }
    self.init(commands)
  }
}
