/// Drawings of a report, as SVG without text in it: what stands at the axes is HTML, which keeps its size on a phone.
struct ReportPlots {
  let sums: ReportSums
  /// Names of the sensors, each with its colour.
  let sensors: [String]

  init(_ sums: ReportSums) {
    self.sums = sums
    sensors = sums.sensors.keys.sorted()
  }

  func colour(_ index: Int) -> String { "var(--c\(index % 6))" }

  private var hours: Double { Double(sums.width) / 3.6e12 }
  /// Mean power of a bin, watts.
  private func watts(_ nanojoules: Int64) -> Double { Double(nanojoules) / Double(sums.width) }

  /// Times under an axis: `12:05`, with the day where there is more than one; seconds where it is all within a few minutes.
  func axis() -> String {
    let marks = [sums.from, sums.from + (sums.to - sums.from) / 2, sums.to]
    return "<div class=\"x\">" + marks.map { "<span>\(time($0))</span>" }.joined() + "</div>"
  }

  func time(_ nanoseconds: Int64) -> String {
    let text = AuditPeriod.text(nanoseconds)
    // A replay's clock begins with 1970.
    if nanoseconds < 86_400_000_000_000 { return String(text.dropFirst(11).dropLast()) }
    let isShort = sums.to - sums.from < 36_000_000_000_000
    return isShort
      ? String(text.dropFirst(11).dropLast(isShort && sums.to - sums.from < 600_000_000_000 ? 1 : 4))
      : text.dropLast(4).split(separator: "T").joined(separator: " ")
  }

  /// Power over time, by sensor one above the other, and what keeping everything awake would draw as a line.
  func power() -> String {
    var columns: [[Double]] = sensors.map { name in sums.sensors[name]!.energy.map(watts) }
    columns.append(sums.shared.map(watts))
    let always = sums.alwaysOn.map(watts)
    let totals = (0..<ReportSums.bins).map { bin in columns.reduce(0) { $0 + max(0, $1[bin]) } }
    let top = max(totals.max() ?? 0, always.max() ?? 0, 1e-9) * 1.05
    var below = [Double](repeating: 0, count: ReportSums.bins)
    var paths = ""
    for (index, column) in columns.enumerated() {
      let fill = index < sensors.count ? colour(index) : "var(--shared)"
      var path = ""
      for (bin, value) in column.enumerated() where value > 0 {
        let (low, high) = (100 - 100 * below[bin] / top, 100 - 100 * (below[bin] + value) / top)
        path += "M\(bin) \(short(low))V\(short(high))h1V\(short(low))z"
        below[bin] += value
      }
      paths += "<path fill=\"\(fill)\" d=\"\(path)\"/>"
    }
    var line = ""
    for (bin, value) in always.enumerated() {
      line += "\(bin == 0 ? "M" : "L")\(bin) \(short(100 - 100 * value / top))h1"
    }
    paths +=
      "<path fill=\"none\" stroke=\"var(--ink)\" stroke-width=\"1.5\" vector-effect=\"non-scaling-stroke\" d=\"\(line)\"/>"
    let mean = totals.reduce(0, +) / Double(ReportSums.bins)
    let label =
      "Mean power over time: \(Output.fixed(mean, 3)) W on average, at most \(Output.fixed(totals.max() ?? 0, 3)) W"
    return plot(label, paths, ["\(Output.fixed(top, 2)) W", "0"], height: 100)
  }

  /// What share of each bin a sensor was awake or waking.
  func awake(_ name: String, _ index: Int) -> String {
    var path = ""
    var total: Int64 = 0
    for (bin, time) in sums.sensors[name]!.awake.enumerated() where time > 0 {
      total += time
      path += "M\(bin) 100V\(short(100 - 100 * min(1, Double(time) / Double(sums.width))))h1V100z"
    }
    let span = Double(max(1, sums.to - sums.from))
    let share = Output.fixed(100 * min(1, Double(total) / span), 1)
    let label = "\(HTML.text(name)) awake or waking over time: \(share) % of it"
    return row(name, share + " %", label, "<path fill=\"\(colour(index))\" d=\"\(path)\"/>")
  }

  func events() -> String {
    let top = Double(max(1, sums.eventBins.max() ?? 1))
    var path = ""
    for (bin, count) in sums.eventBins.enumerated() where count > 0 {
      path += "M\(bin) 100V\(short(100 - 100 * Double(count) / top))h1V100z"
    }
    let count = sums.eventBins.reduce(0, +)
    return row("events", "\(count)", "Events over time: \(count)", "<path fill=\"var(--c3)\" d=\"\(path)\"/>")
  }

  /// How often an exit's normalized entropy was what; a band from the lowest to the highest threshold in force.
  func entropies(_ name: String, _ exit: ReportSums.Exit) -> String {
    let top = Double(max(1, exit.entropies.max() ?? 1)) * 1.05
    var path = ""
    for (bar, count) in exit.entropies.enumerated() where count > 0 {
      path += "M\(bar) 100V\(short(100 - 100 * Double(count) / top))h.9V100z"
    }
    var marks = ""
    if let limits = exit.thresholds {
      let (low, high) = (
        limits.lowerBound * Double(ReportSums.entropyBars), limits.upperBound * Double(ReportSums.entropyBars)
      )
      marks =
        "<path fill=\"var(--mark)\" fill-opacity=\".18\" d=\"M\(short(low)) 0V100H\(short(high))V0z\"/>"
        + "<path fill=\"none\" stroke=\"var(--mark)\" stroke-width=\"1.5\" vector-effect=\"non-scaling-stroke\" d=\"M\(short(low)) 0V100M\(short(high)) 0V100\"/>"
    }
    let limit = exit.thresholds.map { Self.range($0) } ?? "none"
    let label = "Entropies at \(HTML.text(name)), asked \(exit.asked) times; threshold \(limit)"
    return "<figure><figcaption><h3>\(HTML.text(name))</h3></figcaption>"
      + "<div class=\"plot\"><div class=\"y\"><span>\(exit.entropies.max() ?? 0)</span><span>0</span></div>"
      + svg(label, "<path fill=\"var(--c0)\" d=\"\(path)\"/>" + marks, width: ReportSums.entropyBars)
      + "<div class=\"x\"><span>0</span><span>0.5</span><span>1</span></div></div></figure>\n"
  }

  static func range(_ limits: ClosedRange<Double>) -> String {
    let low = Output.fixed(limits.lowerBound, 3)
    return limits.lowerBound == limits.upperBound ? low : "\(low) to \(Output.fixed(limits.upperBound, 3))"
  }

  // MARK: Frames

  private func plot(_ label: String, _ paths: String, _ y: [String], height: Int) -> String {
    "<figure><div class=\"plot\"><div class=\"y\">" + y.map { "<span>\($0)</span>" }.joined() + "</div>"
      + svg(label, paths, width: ReportSums.bins) + axis() + "</div></figure>\n"
  }

  private func row(_ name: String, _ figure: String, _ label: String, _ paths: String) -> String {
    "<div class=\"plot row\"><div><span class=\"name\">\(HTML.text(name))</span> \(figure)</div>"
      + svg(label, paths, width: ReportSums.bins) + "</div>\n"
  }

  private func svg(_ label: String, _ paths: String, width: Int) -> String {
    "<svg role=\"img\" aria-label=\"\(label)\" viewBox=\"0 0 \(width) 100\" preserveAspectRatio=\"none\">\(paths)</svg>"
  }

  /// A coordinate with two places, as few bytes as there can be.
  private func short(_ value: Double) -> String {
    var text = Output.fixed(value, 2)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
