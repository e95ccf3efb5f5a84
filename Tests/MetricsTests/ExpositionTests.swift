import JSON
import Testing

@testable import Metrics

@Suite struct ExpositionTests {
  private let families = [
    MetricFamily(
      "x_energy_joules", .counter, unit: "joules", "Energy \"so far\",\nin a\\b.",
      [
        MetricSample("_total", [MetricLabel("account", "a\"b\\c\nd")], MetricValue(1_500_000_001, places: 9)),
        MetricSample("_total", [MetricLabel("account", "")], MetricValue(-20_000_000_000, places: 9)),
      ]),
    MetricFamily("x_absent_joules", .counter, unit: "joules", "Never measured."),
    MetricFamily(
      "x_build", .info, "Build.", [MetricSample("_info", [MetricLabel("v", "1")], MetricValue(1))]),
    MetricFamily("x_head", .gauge, "Head.", [MetricSample("", [], MetricValue(7))]),
    MetricFamily(
      "x_records", .counter, "Records.",
      [MetricSample("_total", [], MetricValue(9), exemplar: [MetricLabel("seq", "7")])]),
  ]

  @Test func openMetrics() {
    #expect(
      Exposition.openMetrics.render(families) == #"""
        # HELP x_energy_joules Energy \"so far\",\nin a\\b.
        # TYPE x_energy_joules counter
        # UNIT x_energy_joules joules
        x_energy_joules_total{account="a\"b\\c\nd"} 1.500000001
        x_energy_joules_total{account=""} -20
        # HELP x_build Build.
        # TYPE x_build info
        x_build_info{v="1"} 1
        # HELP x_head Head.
        # TYPE x_head gauge
        x_head 7
        # HELP x_records Records.
        # TYPE x_records counter
        x_records_total 9 # {seq="7"} 1
        # EOF

        """#)
  }

  @Test func textHasNoUnitsNoExemplarsAndTheSeriesNames() {
    #expect(
      Exposition.text.render(families) == #"""
        # HELP x_energy_joules_total Energy "so far",\nin a\\b.
        # TYPE x_energy_joules_total counter
        x_energy_joules_total{account="a\"b\\c\nd"} 1.500000001
        x_energy_joules_total{account=""} -20
        # HELP x_build_info Build.
        # TYPE x_build_info gauge
        x_build_info{v="1"} 1
        # HELP x_head Head.
        # TYPE x_head gauge
        x_head 7
        # HELP x_records_total Records.
        # TYPE x_records_total counter
        x_records_total 9

        """#)
  }

  @Test(
    arguments: [
      (0, 9, "0"), (1, 9, "0.000000001"), (-1, 9, "-0.000000001"), (Int64.max, 9, "9223372036.854775807"),
      (Int64.min, 9, "-9223372036.854775808"), (Int64.min, 0, "-9223372036854775808"), (100, 2, "1"),
      (-150, 2, "-1.5"),
    ] as [(Int64, Int, String)]) func valuesAreExact(units: Int64, places: Int, text: String)
  {
    #expect(MetricValue(units, places: places).text == text)
  }

  @Test func theWireKeepsAllOfIt() throws {
    var json = JSONWriter(capacity: 8192)
    json.beginObject()
    MetricsRecord.write(families, into: &json)
    json.endObject()
    let value = try json.withBytes { try JSONValue.parse(Array($0)) }
    #expect(try MetricsRecord.read(JSONPlace(value)) == families.filter { !$0.samples.isEmpty })
  }

  @Test func aReplyThatIsNoneIsRefused() throws {
    for text in [
      #"{}"#, #"{"families": [{"name": "a", "type": "stateset", "help": "", "samples": []}]}"#,
      #"{"families": [{"name": "a", "type": "gauge", "help": "", "samples": [{"suffix": "", "labels": {}, "units": 1, "places": 10}]}]}"#,
    ] {
      let value = try JSONValue.parse(Array(text.utf8))
      #expect(throws: JSONError.self, "\(text)") { try MetricsRecord.read(JSONPlace(value)) }
    }
  }
}
