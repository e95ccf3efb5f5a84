/// What a textfile of an earlier run says, so that counters go on where they were: a counter that fell back would look
/// like a restart of the robot to those who add up increases. Only lines as `Exposition.text` writes them are read; any
/// other is passed over.
package struct FormerMetrics: Sendable {
  private var samples: [(name: String, labels: [MetricLabel], value: MetricValue)] = []

  package init() {}

  package init(_ bytes: [UInt8]) {
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      if let sample = Self.sample(line) { samples.append(sample) }
    }
  }

  package var isEmpty: Bool { samples.isEmpty }

  /// The families with what the earlier run had counted added to counters and histograms. A series that this run has not
  /// counted yet stands there as it was.
  package func added(to families: [MetricFamily]) -> [MetricFamily] {
    families.map { family in
      switch family.kind {
      case .gauge, .info: family
      case .counter: added(to: family)
      // Of other bounds nothing can be added.
      case .histogram: hasAll(of: family) ? added(to: family) : family
      }
    }
  }

  private func added(to family: MetricFamily) -> MetricFamily {
    var family = family
    for (suffix, labels, value) in of(family) {
      if let index = family.samples.firstIndex(where: { $0.suffix == suffix && $0.labels == labels }) {
        if let sum = family.samples[index].value.adding(value) { family.samples[index].value = sum }
      } else if family.kind == .counter && suffix == "_total" {
        // At the family's places, as its other values are.
        let places = family.samples.first?.value.places ?? value.places
        let whole = MetricValue(0, places: places).adding(value) ?? value
        family.samples.append(MetricSample(suffix, labels, whole))
      }
    }
    return family
  }

  private func hasAll(of family: MetricFamily) -> Bool {
    let former = of(family)
    return former.count == family.samples.count
      && former.allSatisfy { old in
        family.samples.contains { $0.suffix == old.suffix && $0.labels == old.labels }
      }
  }

  private func of(_ family: MetricFamily) -> [(suffix: String, labels: [MetricLabel], value: MetricValue)] {
    let suffixes = family.kind == .histogram ? ["_bucket", "_count", "_sum"] : ["_total"]
    return samples.compactMap { sample in
      suffixes.first { sample.name == family.name + $0 }.map { ($0, sample.labels, sample.value) }
    }
  }

  /// `name{label="value",...} number`.
  private static func sample(_ line: [UInt8].SubSequence) -> (String, [MetricLabel], MetricValue)? {
    var rest = line
    let name = rest.prefix { $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: " ") }
    guard let first = name.first, first != UInt8(ascii: "#") else { return nil }
    rest = rest.dropFirst(name.count)
    var labels: [MetricLabel] = []
    if rest.first == UInt8(ascii: "{") {
      guard let read = readLabels(&rest) else { return nil }
      labels = read
    }
    guard rest.first == UInt8(ascii: " "), let value = value(rest.dropFirst()) else { return nil }
    return (String(decoding: name, as: UTF8.self), labels, value)
  }

  private static func readLabels(_ rest: inout [UInt8].SubSequence) -> [MetricLabel]? {
    var labels: [MetricLabel] = []
    rest = rest.dropFirst()
    while rest.first != UInt8(ascii: "}") {
      let name = rest.prefix { $0 != UInt8(ascii: "=") }
      rest = rest.dropFirst(name.count)
      guard rest.starts(with: "=\"".utf8) else { return nil }
      rest = rest.dropFirst(2)
      var value: [UInt8] = []
      while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
        guard byte == UInt8(ascii: "\\") else {
          value.append(byte)
          continue
        }
        guard let escaped = rest.popFirst() else { return nil }
        value.append(escaped == UInt8(ascii: "n") ? UInt8(ascii: "\n") : escaped)
      }
      labels.append(
        MetricLabel(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
      if rest.first == UInt8(ascii: ",") {
        rest = rest.dropFirst()
      } else if rest.first != UInt8(ascii: "}") {
        return nil
      }
    }
    rest = rest.dropFirst()
    return labels
  }

  /// Digits, and up to nine behind a point; never negative, as counters are not.
  private static func value(_ text: [UInt8].SubSequence) -> MetricValue? {
    let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? parts[1] : []
    guard fraction.count <= 9, let whole = parts.first, !whole.isEmpty, parts.count == 1 || !fraction.isEmpty,
      (whole + fraction).allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let units = Int64(String(decoding: whole + fraction, as: UTF8.self))
    else { return nil }
    return MetricValue(units, places: fraction.count)
  }
}
