import ArgumentParser
import JSON
import Varlink
import Vocabulary

/// `mmexitctl status`.
struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the daemon's sensors, order and energy (joules, modelled; times in seconds).")

  @OptionGroup var connection: Connection

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    try Query.run("GetStatus", connection, json: json, show: show)
  }

  private func show(_ reply: JSONPlace) throws(JSONError) {
    let isPaused = try reply.member("state").string() == "paused"
    let energy = try reply.member("energy")
    let spent = Double(try energy.member("total_nanojoules").integer()) * 1e-9
    let always = Double(try energy.member("always_on_nanojoules").integer()) * 1e-9
    let uptime = Double(try reply.member("uptime_ns").integer()) * 1e-9
    Output.line(
      "mmexitd    \(try reply.member("version").string()), up \(Output.fixed(uptime, 0)) s, model \(try reply.member("model").string())"
    )
    if let generation = try reply.optional("generation"), let lambda = try reply.optional("lambda") {
      Output.line(
        "generation \(try generation.integer()), a right answer is worth \(try lambda.real()) J")
    }
    if isPaused { Output.line("state      paused: windows go unanswered until 'mmexitctl resume'") }
    var order: [String] = []
    for name in try reply.member("order").elements() { order.append(try name.string()) }
    Output.line("order      \(order.joined(separator: ", "))")
    Output.line(
      "windows    \(try reply.member("windows").integer()), decisions \(try reply.member("decisions").integer())"
    )
    let saved = always > 0 ? " (\(Output.fixed(100 * (1 - spent / always), 1))% less than always on)" : ""
    Output.line("energy     \(Output.fixed(spent, 3)) J modelled\(saved)")
    if let audits = try reply.optional("audits")?.integer() {
      let energy = Double(try energy.optional("audit_nanojoules")?.integer() ?? 0) * 1e-9
      Output.line("audits     \(audits), \(Output.fixed(energy, 3)) J of that")
    }
    for line in try BoundLines.lines(reply) { Output.line(line) }
    if let ledger = try reply.optional("ledger") {
      let failure = try ledger.optional("failure").map { (place) throws(JSONError) in try place.string() }
      Output.line(
        "ledger     \(try ledger.member("records").integer()) records, \(try ledger.member("shed").integer()) lost, \(try ledger.member("path").string())"
          + (failure.map { "; \($0)" } ?? ""))
    }
    if let clients = try reply.optional("clients") {
      let losses = try Losses.text(clients)
      let count = try clients.member("connected").integer()
      Output.line("clients    \(count)" + (losses.isEmpty ? "" : "; since the start \(losses)"))
    }
    var rows: [[String]] = []
    for sensor in try reply.member("sensors").elements() {
      rows.append([
        try sensor.member("name").string(), try sensor.member("kind").string(),
        try sensor.member("state").string(), "\(try sensor.member("wakes").integer())",
        Output.fixed(Double(try sensor.member("awake_ns").integer()) * 1e-9, 1),
        try trouble(sensor),
      ])
    }
    Output.table(["sensor", "kind", "state", "wakes", "awake s", "fault"], rows)
    for sensor in try reply.member("sensors").elements() {
      let losses = try Losses.text(sensor)
      if !losses.isEmpty { Output.line("\(try sensor.member("name").string()): \(losses)") }
      if let isAsked = try sensor.optional("asked")?.bool(), !isAsked {
        Output.line(
          "\(try sensor.member("name").string()): left out, as it tells nothing; its audits are its full checks"
        )
      }
      if let mode = try sensor.optional("sleep_mode")?.string(), mode != "closed" {
        let what = mode == "hot" ? "its stream runs on" : "its device stays open"
        Output.line("\(try sensor.member("name").string()): sleeps \(mode): \(what)")
      }
      if let clock = try sensor.optional("clock_ppm")?.real() {
        let way = clock < 0 ? "slow" : "fast"
        Output.line(
          "\(try sensor.member("name").string()): its clock is \(Output.fixed(abs(clock), 1)) millionths \(way)"
        )
      }
      for line in [try Self.gains(sensor), try Self.spectrogram(sensor)].compactMap({ $0 }) {
        Output.line("\(try sensor.member("name").string()): \(line)")
      }
    }
    if !isPaused && rows.allSatisfy({ $0[2] == "failed" }) {
      Output.line("no sensor can be had: windows go unanswered until one is back")
    }
  }
}

/// Its fault, or that another program has it.
private func trouble(_ sensor: JSONPlace) throws(JSONError) -> String {
  if let fault = try sensor.optional("fault") { return try fault.string() }
  guard let count = try sensor.optional("acquired_by")?.integer() else { return "" }
  return count == 1 ? "another program has it" : "\(count) other programs have it"
}

extension Status {
  /// What the gain heads at its exits said; nil where there are none, or nothing was asked yet.
  fileprivate static func gains(_ sensor: JSONPlace) throws(JSONError) -> String? {
    guard let gains = try sensor.optional("gains"), let mean = try gains.optional("mean")?.real() else {
      return nil
    }
    return
      "going on was predicted to gain \(Output.fixed(mean, 4)) on the mean of \(try gains.member("predictions").integer()) "
      + "exits asked; \(try gains.member("answers").integer()) windows ended there, as it was not worth its cost"
  }

  /// How many frames of its spectrograms were computed; nil where there are none.
  fileprivate static func spectrogram(_ sensor: JSONPlace) throws(JSONError) -> String? {
    guard let frames = try sensor.optional("spectrogram_frames")?.integer(), frames > 0,
      let computed = try sensor.optional("spectrogram_frames_computed")?.integer()
    else { return nil }
    let share = Output.fixed(100 * Double(computed) / Double(frames), 1)
    return
      "\(computed) of \(frames) spectrogram frames computed (\(share) %), the others known from windows before"
  }
}

/// One call and its reply.
enum Query {
  /// The whole of a command that asks one thing: prints the reply as JSON, or as `show` does for people.
  static func run(
    _ method: String, _ connection: Connection, json: Bool, show: (JSONPlace) throws(JSONError) -> Void
  ) throws {
    try CommandFailure.catching {
      let reply = try call(method, connection)
      if json {
        Output.line(reply.value)
        return
      }
      do throws(JSONError) {
        try show(reply)
      } catch {
        throw CommandFailure(message: "the daemon sent what it should not: \(error)", code: .software)
      }
    }
  }

  static func call(_ method: String, _ connection: Connection) throws -> JSONPlace {
    var client = try connection.open()
    do throws(ClientError) {
      return JSONPlace(.object(try client.call("io.mmexit.Daemon." + method)))
    } catch {
      throw CommandFailure(message: error.description, code: error.exitCode)
    }
  }
}

/// `mmexitctl model`.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Show the model that runs: classes, modalities, exits.")

  @OptionGroup var connection: Connection

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    try Query.run("GetModel", connection, json: json, show: show)
  }

  private func show(_ reply: JSONPlace) throws(JSONError) {
    Output.line("model    \(try reply.member("name").string())")
    Output.line("sha256   \(try reply.member("sha256").string())")
    var classes: [String] = []
    for name in try reply.member("classes").elements() { classes.append(try name.string()) }
    Output.line("classes  \(classes.joined(separator: ", "))")
    let overriding = try reply.optional("overriding")?.string()
    var rows: [[String]] = []
    for modality in try reply.member("modalities").elements() {
      for exit in try modality.member("exits").elements() {
        rows.append(
          try Self.row("\(try modality.member("name").string())/\(try exit.member("exit").integer())", exit))
      }
    }
    rows.append(try Self.row("fusion", try reply.member("fusion")))
    Output.table(["exit", "MACs", "parameters", "threshold", "right when it answers", "hazard"], rows)
    for modality in try reply.member("modalities").elements() {
      for exit in try modality.member("exits").elements() {
        guard let threshold = try exit.optional("threshold_beside_none")?.real() else { continue }
        Output.line(
          "beside another sensor's sure 'none', \(try modality.member("name").string())/"
            + "\(try exit.member("exit").integer()) answers with a command at or below \(Output.fixed(threshold, 4))"
        )
      }
    }
    guard let overriding else { return }
    for modality in try reply.member("modalities").elements() {
      guard
        let threshold = try modality.member("exits").elements().first?.optional("override_threshold")?.real()
      else { continue }
      let name = try modality.member("name").string()
      Output.line(
        "before another sensor's sure answer stands, \(name) is asked whether it says '\(overriding)': it does from a "
          + "probability of \(Output.fixed(threshold, 4)) on")
    }
  }

  private static func row(_ name: String, _ exit: JSONPlace) throws(JSONError) -> [String] {
    func figure(_ key: String) throws(JSONError) -> String {
      try exit.optional(key).map { (place) throws(JSONError) in Output.fixed(try place.real(), 3) } ?? "-"
    }
    return [
      name, "\(try exit.member("macs").integer())", "\(try exit.member("parameters").integer())",
      try figure("threshold"), try figure("accuracy"), try figure("hazard"),
    ]
  }
}
