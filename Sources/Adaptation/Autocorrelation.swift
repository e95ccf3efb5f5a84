import Vocabulary

/// How many independent observations a series of successive ones is worth.
package enum Autocorrelation {
  /// n / tau with the integrated autocorrelation time tau, at most n: Geyer's initial positive sequence (Statistical
  /// Science 7, 1992, 473). A series without variation says nothing of its correlation and counts in full.
  /// - Parameter series: in the order of time.
  package static func effectiveCount(_ series: [Double]) -> Double {
    let n = series.count
    guard n > 3 else { return Double(n) }
    var mean = 0.0
    for value in series { mean += value }
    mean /= Double(n)
    func covariance(_ lag: Int) -> Double {
      var sum = 0.0
      for index in 0..<n - lag { sum += (series[index] - mean) * (series[index + lag] - mean) }
      return sum / Double(n)
    }
    let variance = covariance(0)
    guard variance > 0 else { return Double(n) }
    var tau = -1.0
    var lag = 0
    // Beyond a quarter of the series a covariance is made of too few products.
    while lag + 1 <= n / 4 {
      let pair = (covariance(lag) + covariance(lag + 1)) / variance
      guard pair > 0 else { break }
      tau += 2 * pair
      lag += 2
    }
    return Double(n) / max(1, tau)
  }

  /// Cells of time in which the buffer has a record. Audits nearer than `span` see the same scene, so they are not counted
  /// apart, even where their series does not vary.
  package static func distinctTimes(_ buffer: ValidationBuffer, span: Nanoseconds) -> Int {
    guard span > .zero else { return buffer.count }
    var cells = 0
    var start: Instant?
    for index in buffer.indices {
      let end = buffer[index].end
      // A clock that jumped back begins a cell as well.
      if let start, end >= start, end - start < span { continue }
      start = end
      cells += 1
    }
    return cells
  }

  /// The mean's standard error where observations of one cluster may be alike in any way (Liang and Zeger, Biometrika 73,
  /// 1986, 13), with the usual correction for few clusters. A single one tells nothing of it: then the largest observation.
  /// - Parameter clusters: by observation, from 0.
  package static func clusteredError(_ series: [Double], clusters: [Int]) -> (
    standardError: Double, count: Int
  ) {
    precondition(series.count == clusters.count)
    guard !series.isEmpty else { return (0, 0) }
    let mean = series.reduce(0, +) / Double(series.count)
    var sums = [Double?](repeating: nil, count: (clusters.max() ?? 0) + 1)
    for (value, cluster) in zip(series, clusters) { sums[cluster] = (sums[cluster] ?? 0) + value - mean }
    let found = sums.compactMap(\.self)
    let count = found.count
    let squares = found.reduce(0) { $0 + $1 * $1 }
    guard count > 1 else { return (series.reduce(0) { max($0, abs($1)) }, count) }
    let correction = Double(count) / Double(count - 1)
    return ((correction * squares).squareRoot() / Double(series.count), count)
  }
}
