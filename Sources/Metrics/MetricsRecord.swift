import JSON

/// Families as `GetMetrics` has them.
package enum MetricsRecord {
  /// The member `families` of an object that is open.
  package static func write(_ families: [MetricFamily], into json: inout JSONWriter) {
    json.key("families")
    json.beginArray()
    for family in families where !family.samples.isEmpty {
      json.beginObject()
      json.key("name")
      json.value(family.name)
      json.key("type")
      json.value(family.kind.rawValue)
      if let unit = family.unit {
        json.key("unit")
        json.value(unit)
      }
      json.key("help")
      json.value(family.help)
      json.key("samples")
      json.beginArray()
      for sample in family.samples { write(sample, into: &json) }
      json.endArray()
      json.endObject()
    }
    json.endArray()
  }

  private static func write(_ sample: MetricSample, into json: inout JSONWriter) {
    json.beginObject()
    json.key("suffix")
    json.value(sample.suffix)
    write(sample.labels, as: "labels", into: &json)
    json.key("units")
    json.value(sample.value.units)
    json.key("places")
    json.value(sample.value.places)
    if !sample.exemplar.isEmpty { write(sample.exemplar, as: "exemplar", into: &json) }
    json.endObject()
  }

  private static func write(_ labels: [MetricLabel], as key: StaticString, into json: inout JSONWriter) {
    json.key(key)
    json.beginObject()
    for label in labels {
      json.key(label.name)
      json.value(label.value)
    }
    json.endObject()
  }

  /// What a reply of `GetMetrics` says.
  /// - Throws: where it is no such reply.
  package static func read(_ reply: JSONPlace) throws(JSONError) -> [MetricFamily] {
    var families: [MetricFamily] = []
    for place in try reply.member("families").elements() {
      let kind = try place.member("type")
      guard let known = MetricFamily.Kind(rawValue: try kind.string()) else {
        throw kind.error(.wrongValue, "no type of metric is called so")
      }
      var family = MetricFamily(
        try place.member("name").string(), known, try place.member("help").string())
      if let unit = try place.optional("unit") { family.unit = try unit.string() }
      for sample in try place.member("samples").elements() { family.samples.append(try read(sample: sample)) }
      families.append(family)
    }
    return families
  }

  private static func read(sample place: JSONPlace) throws(JSONError) -> MetricSample {
    MetricSample(
      try place.member("suffix").string(), try labels(place.member("labels")),
      MetricValue(try place.member("units").integer(), places: try place.member("places").integer(in: 0...9)),
      exemplar: try place.optional("exemplar").map(labels) ?? [])
  }

  private static func labels(_ place: JSONPlace) throws(JSONError) -> [MetricLabel] {
    var labels: [MetricLabel] = []
    for (name, value) in try place.members() { labels.append(MetricLabel(name, try value.string())) }
    return labels
  }
}
