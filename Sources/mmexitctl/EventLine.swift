import JSON

/// One event as a line for people, from its record.
enum EventLine {
  /// `12.25s  stop      begins  .981  audio  #46` and `13.50s  stop      ends     .999  audio  #46-51`.
  static func text(_ event: JSONPlace) throws(JSONError) -> String {
    let end = try event.optional("end_ns")?.integer()
    let start = try event.member("start_ns").integer()
    let time = Double(end ?? start) * 1e-9
    let decisions = try event.member("decisions").elements(count: 2...2)
    let (first, last) = (try decisions[0].integer(), try decisions[1].integer())
    var sensors: [String] = []
    for name in try event.member("modalities").elements() { sensors.append(try name.string()) }
    let label = try event.member("label").string()
    let certainty = Output.fixed(try event.member("certainty").real(), 3)
    return Self.right(Output.fixed(time, 2), 8) + "s  " + Self.left(label, 8)
      + (end == nil ? "  begins  " : "  ends    ") + certainty + "  " + sensors.joined(separator: "+")
      + (first == last ? "  #\(first)" : "  #\(first)-\(last)")
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
