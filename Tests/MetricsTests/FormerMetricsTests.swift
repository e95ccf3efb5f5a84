import Testing

@testable import Metrics

@Suite struct FormerMetricsTests {
  private func counter(_ series: [(String, Int64)]) -> MetricFamily {
    MetricFamily(
      "x_joules", .counter, unit: "joules", "J.",
      series.map { MetricSample("_total", [MetricLabel("a", $0)], MetricValue($1, places: 9)) })
  }

  private func former(_ families: [MetricFamily]) -> FormerMetrics {
    FormerMetrics(Array(Exposition.text.render(families).utf8))
  }

  @Test func countersGoOnAndWhatIsNotCountedYetStays() {
    let odd = "a \"quoted\", back\\slashed\nline}{"
    let old = former([counter([("x", 1_500_000_000), (odd, 7)])])
    #expect(old.added(to: [counter([("x", 500_000_001)])]) == [counter([("x", 2_000_000_001), (odd, 7)])])
    #expect(
      old.added(to: [counter([(odd, 1), ("y", 2)])]) == [counter([(odd, 8), ("y", 2), ("x", 1_500_000_000)])])
  }

  @Test func sumsOverManyRunsAreExact() {
    var generator = SystemRandomNumberGenerator()
    var old = FormerMetrics()
    var sum: Int64 = 0
    var last: Int64 = 0
    for _ in 0..<500 {
      let spent = Int64.random(in: 0...5_000_000_000, using: &generator)
      sum += spent
      let now = old.added(to: [counter([("x", spent)])])
      #expect(now == [counter([("x", sum)])] && sum >= last)
      last = sum
      old = former(now)
    }
  }

  @Test func gaugesAndInformationAreOfNow() {
    let old = former([
      MetricFamily("x_head", .gauge, "Head.", [MetricSample("", [], MetricValue(100))]),
      MetricFamily("x_build", .info, "B.", [MetricSample("_info", [MetricLabel("v", "0")], MetricValue(1))]),
    ])
    let now = [
      MetricFamily("x_head", .gauge, "Head.", [MetricSample("", [], MetricValue(3))]),
      MetricFamily("x_build", .info, "B.", [MetricSample("_info", [MetricLabel("v", "1")], MetricValue(1))]),
    ]
    #expect(old.added(to: now) == now)
  }

  @Test func aHistogramOfOtherBoundsIsLeft() {
    func histogram(_ bounds: [String], _ count: Int64) -> MetricFamily {
      MetricFamily(
        "x_seconds", .histogram, unit: "seconds", "S.",
        bounds.map { MetricSample("_bucket", [MetricLabel("le", $0)], MetricValue(count)) } + [
          MetricSample("_count", [], MetricValue(count)),
          MetricSample("_sum", [], MetricValue(count, places: 9)),
        ])
    }
    let old = former([histogram(["0.1", "+Inf"], 3)])
    #expect(old.added(to: [histogram(["0.1", "+Inf"], 2)]) == [histogram(["0.1", "+Inf"], 5)])
    #expect(old.added(to: [histogram(["0.2", "+Inf"], 2)]) == [histogram(["0.2", "+Inf"], 2)])
  }

  @Test(arguments: [
    "", "\u{0}\u{1}", "x_joules_total", "x_joules_total{", "x_joules_total{a", "x_joules_total{a=\"x",
    "x_joules_total{a=\"x\\",
    "x_joules_total{a=\"x\"", "x_joules_total{a=\"x\"}", "x_joules_total{a=\"x\"} ",
    "x_joules_total{a=\"x\"} NaN",
    "x_joules_total{a=\"x\"} -5", "x_joules_total{a=\"x\"} 1e9", "x_joules_total{a=\"x\"} 1.",
    "x_joules_total{a=\"x\"} .5",
    "x_joules_total{a=\"x\"} 1.0000000001", "x_joules_total{a=\"x\"} 99999999999999999999",
    "x_joules_total{a=\"x\"} 1 2",
    "x_joules_total{a=\"x\";b=\"y\"} 1", "x_joules_totals{a=\"x\"} 1",
  ]) func whatIsNoSeriesOfOursAddsNothing(line: String) {
    let now = [counter([("x", 5)])]
    #expect(FormerMetrics(Array((line + "\n").utf8)).added(to: now) == now)
  }

  @Test func theEndOfTheScaleIsNoTrap() {
    let old = former([counter([("x", .max)])])
    #expect(old.added(to: [counter([("x", .max)])]) == [counter([("x", .max)])])
    // More joules than nanojoules in 64 bits hold.
    #expect(
      FormerMetrics(Array("x_joules_total{a=\"x\"} 9223372036854775807\n".utf8)).added(to: [
        counter([("x", 1)])
      ])
        == [counter([("x", .max)])])
  }
}
