/// A figure in whole units of the last decimal place, so that sums are exact: 1.5 J are 1,500,000,000 units at 9 places.
package struct MetricValue: Equatable, Sendable {
  package var units: Int64
  /// 0...9.
  package var places: Int

  package init(_ units: Int64, places: Int = 0) {
    self.units = units
    self.places = min(9, max(0, places))
  }

  /// The exact decimal number, without an exponent and without zeros at its end.
  package var text: String {
    guard places > 0 else { return String(units) }
    let digits = String(units.magnitude)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    var fraction = padded.suffix(places)
    while fraction.last == "0" { fraction.removeLast() }
    let whole = (units < 0 ? "-" : "") + padded.dropLast(places)
    return fraction.isEmpty ? whole : whole + "." + fraction
  }

  /// The sum at this value's places; it stays at the end of the scale rather than trapping.
  /// - Returns: nil where `other` has more places than this one can hold.
  package func adding(_ other: MetricValue) -> MetricValue? {
    guard other.places <= places else { return nil }
    var scaled = Int128(other.units)
    for _ in other.places..<places { scaled *= 10 }
    return MetricValue(Int64(clamping: Int128(units) + scaled), places: places)
  }
}

/// A label: its name and its value, any text.
package struct MetricLabel: Equatable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.name.utf8.elementsEqual(b.name.utf8) && a.value.utf8.elementsEqual(b.value.utf8)
  }
}

/// One series of a family.
package struct MetricSample: Equatable, Sendable {
  /// What stands behind the family's name: `_total`, `_info`, `_bucket`, `_count`, `_sum`, or nothing for a gauge.
  package var suffix: String
  package var labels: [MetricLabel]
  package var value: MetricValue
  /// OpenMetrics only: what the newest of what is counted was. At most 128 characters in all.
  package var exemplar: [MetricLabel]

  package init(
    _ suffix: String, _ labels: [MetricLabel] = [], _ value: MetricValue, exemplar: [MetricLabel] = []
  ) {
    self.suffix = suffix
    self.labels = labels
    self.value = value
    self.exemplar = exemplar
  }

  /// Whether both are the same series.
  package func isSeries(_ other: MetricSample) -> Bool { suffix == other.suffix && labels == other.labels }
}

/// A metric with all its series, in the words of OpenMetrics 1.0.
package struct MetricFamily: Equatable, Sendable {
  package enum Kind: String, CaseIterable, Sendable { case counter, gauge, histogram, info }

  /// Without suffix; ends with the unit where it has one.
  package var name: String
  package var kind: Kind
  package var unit: String?
  package var help: String
  package var samples: [MetricSample]

  package init(
    _ name: String, _ kind: Kind, unit: String? = nil, _ help: String, _ samples: [MetricSample] = []
  ) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.help = help
    self.samples = samples
  }
}
