import JSON

/// What was lost, for people.
enum Losses {
  private static let names = [
    ("faults", "faults"), ("overruns", "overruns"), ("lost_samples", "samples lost"),
    ("frames_dropped", "frames dropped"), ("frames_corrupt", "frames corrupt"),
    ("frames_settling", "frames while settling"), ("records", "records lost"),
    ("refused", "clients refused"), ("clients_refused", "clients refused"),
    ("evicted", "clients closed for the memory they held"), ("messages", "messages dropped"),
    ("messages_dropped", "messages dropped"), ("lines", "decisions not printed"),
    ("lines_left_out", "decisions not printed"), ("journal_lines_lost", "lines lost on standard error"),
  ]

  /// Of an object of the protocol, its counts that are not 0; empty where all are.
  static func text(_ object: JSONPlace) throws(JSONError) -> String {
    var parts: [String] = []
    for (key, text) in names {
      if let count = try object.optional(key)?.integer(), count > 0 { parts.append("\(count) \(text)") }
    }
    return parts.joined(separator: ", ")
  }
}
