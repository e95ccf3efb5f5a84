/// The part of the daemon's interface that a monitoring system's texts are made from.
enum MetricsInterface {
  static let text = """

    # As in OpenMetrics 1.0.
    type MetricType (counter, gauge, histogram, info)

    # One series. Its value is units / 10^places, so that sums are exact.
    type MetricSample (
      # Behind the family's name: _total, _info, _bucket, _count, _sum, or nothing.
      suffix: string,
      labels: [string]string,
      units: int,
      places: int,
      # Of the ledger's records: number and digest of the last head that was told.
      exemplar: ?[string]string
    )

    type MetricFamily (
      name: string,
      type: MetricType,
      unit: ?string,
      help: string,
      samples: []MetricSample
    )

    # Counts since the daemon's start, as `mmexitctl metrics` prints them. What was not measured is absent.
    method GetMetrics() -> (families: []MetricFamily)

    """
}
