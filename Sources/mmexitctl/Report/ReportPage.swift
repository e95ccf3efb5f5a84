import Vocabulary

/// A report as one page that needs nothing else: no script, no network.
struct ReportPage {
  private let sums: ReportSums
  private let plots: ReportPlots
  private let directory: String

  init(_ sums: ReportSums, of directory: String) {
    self.sums = sums
    plots = ReportPlots(sums)
    self.directory = directory
  }

  func text() -> String {
    let period = "\(moment(sums.from)) to \(moment(sums.to))"
    let title = "mmexit: \(HTML.text(directory))"
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(title)</title><style>\(HTML.style)</style></head><body><main>
      <h1>\(HTML.text(directory))</h1><p>\(period); model \(HTML.text(sums.model)). \(kinds)</p>
      \(tiles)\(power)\(awake)\(split)\(entropies)\(events)\(lists)\(measured)
      <footer>Made by <code>mmexitctl report</code> from the ledger alone; nothing was checked: that is what <code>mmexitctl audit</code> does.
      \(sums.isCut ? "Names beyond all that a daemon has were left out." : "")</footer></main></body></html>

      """
  }

  // MARK: Numbers

  private func moment(_ time: Int64) -> String {
    time < 86_400_000_000_000 ? plots.time(time) + " of the recording" : AuditPeriod.text(time)
  }
  private func joules(_ nanojoules: Int64) -> String { Output.fixed(Double(nanojoules) * 1e-9, 3) }
  private func percent(_ part: Int64, _ whole: Int64) -> String {
    whole > 0 ? Output.fixed(100 * Double(part) / Double(whole), 1) + " %" : "-"
  }
  private var always: Int64 { sums.total(sums.alwaysOn) }
  private var span: Double { Double(max(1, sums.to - sums.from)) * 1e-9 }
  private var exitNames: [String] {
    // By sensor and number, fusion last.
    sums.exits.keys.sorted { ($0 == "fusion" ? 1 : 0, $0) < ($1 == "fusion" ? 1 : 0, $1) }
  }

  private var kinds: String {
    "Energy is modelled from the board's figures"
      + (sums.meters.isEmpty
        ? "; this machine measured none." : "; what meters measured stands by itself below.")
  }

  // MARK: Sections

  private var tiles: String {
    let wakes = sums.sensors.values.reduce(0) { $0 + $1.wakes }
    let saved = always > 0 ? Output.fixed(100 * (1 - Double(sums.energy) / Double(always)), 1) + " %" : "-"
    let events = sums.eventBins.reduce(0, +)
    let rows = [
      (
        "Energy", joules(sums.energy) + " J",
        Output.fixed(Double(sums.energy) * 1e-9 / span, 3) + " W on average"
      ),
      ("Less than always on", saved, joules(always) + " J always on"),
      ("Decisions", "\(sums.decisions)", Output.fixed(Double(sums.decisions) / span, 2) + " a second"),
      ("Events", "\(events)", Output.fixed(Double(events) * 3600 / span, 1) + " an hour"),
      ("Wakes", "\(wakes)", Output.fixed(Double(wakes) * 60 / span, 2) + " a minute"),
      (
        "Faults and gaps", "\(sums.troubles.count)",
        sums.troubles.count == 0 ? "none recorded" : "listed below"
      ),
    ]
    return "<dl class=\"tiles\">"
      + rows.map { "<div><dt>\($0)</dt><dd>\($1)<small>\($2)</small></dd></div>" }.joined() + "</dl>\n"
  }

  private var power: String {
    var key = plots.sensors.enumerated().map { (HTML.text($1), plots.colour($0)) }
    key.append(("no sensor (fusion, machine)", "var(--shared)"))
    let legend =
      "<ul class=\"key\">"
      + key.map { "<li><i style=\"background:\($0.1)\"></i>\($0.0)</li>" }.joined()
      + "<li><i style=\"background:var(--ink);height:2px;vertical-align:.25em\"></i>always on</li></ul>"
    let each = ReportSums.bins / 24
    let rows = stride(from: 0, to: ReportSums.bins, by: each).map { first -> [String] in
      func sum(_ values: [Int64]) -> String { joules(sums.total(Array(values[first..<first + each]))) }
      return [plots.time(sums.from + Int64(first) * sums.width)]
        + plots.sensors.map { sum(sums.sensors[$0]!.energy) } + [sum(sums.shared), sum(sums.alwaysOn)]
    }
    let header = ["from"] + plots.sensors.map { HTML.text($0) + ", J" } + ["no sensor, J", "always on, J"]
    return HTML.section(
      "Power over time", "Mean power of \(ReportSums.bins) equal spans, by the sensor it was spent for.",
      legend + plots.power() + HTML.details("As a table", HTML.table(header, rows)))
  }

  private var awake: String {
    let rows = plots.sensors.enumerated().map { plots.awake($1, $0) }.joined()
    let table = plots.sensors.map { name -> [String] in
      let sensor = sums.sensors[name]!
      let time = sums.total(sensor.awake)
      return [
        HTML.text(name), Output.fixed(Double(time) * 1e-9, 1), percent(time, max(1, sums.to - sums.from)),
        "\(sensor.wakes)", "\(sensor.faults)",
      ]
    }
    return HTML.section(
      "Who was awake", "The height is the share of each span that the sensor was awake or waking.",
      rows + (sums.eventBins.contains { $0 > 0 } ? plots.events() : "")
        + "<div class=\"plot row\"><div></div>" + plots.axis() + "</div>"
        + HTML.details(
          "As a table", HTML.table(["sensor", "awake or waking, s", "share", "wakes", "faults"], table)))
  }

  private var split: String {
    let whole = sums.energy
    let sensors =
      plots.sensors.map { name -> [String] in
        let energy = sums.total(sums.sensors[name]!.energy)
        return [HTML.text(name), joules(energy), percent(energy, whole)]
      } + [["no sensor", joules(sums.total(sums.shared)), percent(sums.total(sums.shared), whole)]]
    let accounts = sums.accounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
      [HTML.text($0.key), joules($0.value), percent($0.value, whole)]
    }
    let exits = exitNames.map { name -> [String] in
      let exit = sums.exits[name]!
      return [
        HTML.text(name), "\(exit.asked)", "\(exit.answered)", percent(exit.answered, sums.decisions),
        joules(exit.energy),
      ]
    }
    return HTML.section(
      "Where it went", "By sensor, by account and by exit. An exit's energy is its network's segment alone.",
      HTML.table(["sensor", "J", "share"], sensors) + HTML.table(["account", "J", "share"], accounts)
        + HTML.table(["exit", "asked", "answered", "of all decisions", "J"], exits))
  }

  private var entropies: String {
    let exitNames = exitNames.filter { sums.exits[$0]!.asked > 0 }
    let drawings = exitNames.map { plots.entropies($0, sums.exits[$0]!) }.joined()
    let bars = ReportSums.entropyBars
    let rows =
      (0..<bars).map { bar -> [String] in
        ["\(Output.fixed(Double(bar) / Double(bars), 2))"]
          + exitNames.map { "\(sums.exits[$0]!.entropies[bar])" }
      } + [
        ["threshold"] + exitNames.map { sums.exits[$0]!.thresholds.map { ReportPlots.range($0) } ?? "none" }
      ]
    return HTML.section(
      "How sure each exit was",
      "Normalized entropy, 0 (sure) to 1, or half of 1 + the predicted gain of going on where the exit has a gain head, against how often; the red band is where the thresholds lay. A counted record stands for its windows with its first one's entropies.",
      "<div class=\"small\">\(drawings)</div>"
        + HTML.details("As a table", HTML.table(["from"] + exitNames.map { HTML.text($0) }, rows)))
  }

  private var events: String {
    guard sums.events.count > 0 else { return HTML.section("Events", "None was recorded.", "") }
    let counts = sums.labels.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
      [HTML.text($0.key), "\($0.value)"]
    }
    return HTML.section(
      "Events", "Classes whose evidence held over windows, by how often each began.",
      HTML.table(["class", "events"], counts) + list(sums.events))
  }

  private var lists: String {
    var text = ""
    if sums.orders.count > 0 {
      text += HTML.section(
        "Changes of the order", "Which sensor is asked first, and which are asked.", list(sums.orders))
    }
    let intro =
      sums.troubles.count > 0
      ? "What failed, what was lost, and when the clock was set."
      : "No fault, no loss and no step of the clock was recorded."
    return text + HTML.section("Faults and gaps", intro, sums.troubles.count > 0 ? list(sums.troubles) : "")
  }

  private var measured: String {
    guard !sums.meters.isEmpty else { return "" }
    let rows = sums.meters.sorted { $0.key < $1.key }.map {
      [HTML.text($0.key), HTML.text($0.value.scope), joules($0.value.energy), joules($0.value.accounts)]
    }
    return HTML.section(
      "Measured",
      "What meters read in all, every program's energy, and what the daemon posted in the same time.",
      HTML.table(["meter", "scope", "measured, J", "in accounts, J"], rows))
  }

  private func list(_ list: ReportSums.List) -> String {
    let rows = list.newest.map { [moment($0.time), HTML.text($0.text)] }
    let title = list.count > rows.count ? "The newest \(rows.count) of \(list.count)" : "All \(list.count)"
    return HTML.details(title, HTML.table(["when", "what"], rows, isText: true))
  }
}
