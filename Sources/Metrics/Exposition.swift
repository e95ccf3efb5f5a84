/// Families as text for a monitoring system. Families without a series are left out: what was not measured is absent.
package enum Exposition: String, CaseIterable, Sendable {
  /// OpenMetrics 1.0 (Prometheus and others scrape it).
  case openMetrics = "openmetrics"
  /// Prometheus text format 0.0.4, which node_exporter's textfile collector and promtool read.
  case text

  package func render(_ families: [MetricFamily]) -> String {
    var out = ""
    for family in families where !family.samples.isEmpty {
      let name = headName(family)
      out += "# HELP \(name) \(escapedHelp(family.help))\n# TYPE \(name) \(type(family))\n"
      if self == .openMetrics, let unit = family.unit { out += "# UNIT \(name) \(unit)\n" }
      for sample in family.samples {
        out += "\(family.name)\(sample.suffix)\(Self.braces(sample.labels)) \(sample.value.text)"
        if self == .openMetrics && !sample.exemplar.isEmpty { out += " # \(Self.braces(sample.exemplar)) 1" }
        out += "\n"
      }
    }
    return self == .openMetrics ? out + "# EOF\n" : out
  }

  /// The text format names a counter and an information by their series' name.
  private func headName(_ family: MetricFamily) -> String {
    switch (self, family.kind) {
    case (.text, .counter): family.name + "_total"
    case (.text, .info): family.name + "_info"
    default: family.name
    }
  }

  private func type(_ family: MetricFamily) -> String {
    self == .text && family.kind == .info ? "gauge" : family.kind.rawValue
  }

  private func escapedHelp(_ text: String) -> String {
    Self.escaped(text, quotes: self == .openMetrics)
  }

  private static func braces(_ labels: [MetricLabel]) -> String {
    if labels.isEmpty { return "" }
    return "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
      + "}"
  }

  /// Bytes, not characters: a carriage return and a line feed are one character.
  private static func escaped(_ text: String, quotes: Bool) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += Array(#"\\"#.utf8)
      case UInt8(ascii: "\n"): bytes += Array(#"\n"#.utf8)
      case UInt8(ascii: "\""): bytes += quotes ? Array(#"\""#.utf8) : [byte]
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
