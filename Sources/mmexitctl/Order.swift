import ArgumentParser
import JSON

/// `mmexitctl order`.
struct Order: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show in what order sensors are asked, the runner-up, and what would have to change.",
    discussion: "Values are millijoules a window. docs/adaptation.md says how to read it.")

  @OptionGroup var connection: Connection

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    try Query.run("GetOrder", connection, json: json, show: show)
  }

  private func show(_ reply: JSONPlace) throws(JSONError) {
    Output.line("order      \(try names(reply.member("order")))\(try value(reply, "value"))")
    Output.line("           \(try reply.member("state").string())")
    if let best = try reply.optional("best") {
      Output.line("best       \(try names(best))\(try value(reply, "best_value"))")
    }
    if let runnerUp = try reply.optional("runner_up") {
      Output.line("runner-up  \(try names(runnerUp))\(try value(reply, "runner_up_value"))")
    }
    if let gain = try reply.optional("gain"), let error = try reply.optional("standard_error"),
      let required = try reply.optional("required"), let shortfall = try reply.optional("shortfall")
    {
      let lacking = try shortfall.real()
      Output.line(
        "gain       \(milli(try gain.real())) mJ a window, standard error \(milli(try error.real())); a change takes more than \(milli(try required.real()))"
          + (lacking > 0 ? ": \(milli(lacking)) lacking" : ""))
    }
    let effective = try reply.optional("effective_audits").map { (place) throws(JSONError) in
      ", worth \(Output.fixed(try place.real(), 0)) independent ones"
    }
    Output.line(
      "audits     \(try reply.member("audits").integer())\(effective ?? ""), \(try reply.member("client_labels").integer()) with a person's label"
    )
    if let watts = try reply.optional("budget_watts")?.real() {
      let expected = try reply.optional("expected_watts").map { (place) throws(JSONError) in
        ", \(Output.fixed(try place.real(), 3)) W expected"
      }
      let cost = try reply.optional("accuracy_cost").map { (place) throws(JSONError) in
        ", \(Output.fixed(100 * (try place.real()), 1)) % of the windows wrong for it"
      }
      Output.line("budget     \(Output.fixed(watts, 3)) W\(expected ?? "")\(cost ?? "")")
    }
    if let bound = try reply.optional("risk_bound")?.real() {
      let risk = try reply.optional("risk")?.real()
      let state = try reply.optional("risk_state")?.string() ?? "no audit yet"
      Output.line(
        "risk       \(risk.map { Output.fixed(100 * $0, 1) + " %" } ?? "-"), at most \(Output.fixed(100 * bound, 1)) %: \(state)"
      )
    }
    if let text = try reply.optional("breach")?.string() { Output.line("           \(text)") }
    var rows: [[String]] = []
    for sensor in try reply.member("sensors").elements() {
      let right = try sensor.optional("right")?.integer()
      let events = try sensor.optional("events")?.integer()
      rows.append([
        try sensor.member("name").string(),
        try sensor.member("asked").bool() ? "asked" : "left out: its audits are its full checks",
        events.map { "\(right ?? 0) of \($0)" } ?? "-",
      ])
    }
    Output.table(["sensor", "state", "right of its newest events"], rows)
  }

  private func names(_ place: JSONPlace) throws(JSONError) -> String {
    var names: [String] = []
    for name in try place.elements() { names.append(try name.string()) }
    return names.joined(separator: ", ")
  }

  private func value(_ reply: JSONPlace, _ key: String) throws(JSONError) -> String {
    try reply.optional(key).map { (place) throws(JSONError) in "  (\(milli(try place.real())) mJ)" } ?? ""
  }

  private func milli(_ joules: Double) -> String { Output.fixed(1e3 * joules, 2) }
}
