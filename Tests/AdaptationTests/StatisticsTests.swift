import Testing
import Vocabulary

@testable import Adaptation

@Suite struct StatisticsTests {
  /// The sum of binomial terms by Pascal's triangle.
  private func brute(_ k: Int, _ n: Int, _ p: Double) -> Double {
    var row = [1.0]
    for _ in 0..<n {
      var next = [Double](repeating: 0, count: row.count + 1)
      for (i, value) in row.enumerated() {
        next[i] += value * (1 - p)
        next[i + 1] += value * p
      }
      row = next
    }
    return row.prefix(max(0, k + 1)).reduce(0, +)
  }

  @Test func theTailIsTheSumOfItsTerms() {
    var draws = SeededDraws(seed: 5)
    for _ in 0..<400 {
      let n = draws.index(below: 60)
      let k = draws.index(below: n + 3) - 1
      let p = draws.chance(0.1) ? Double(draws.index(below: 2)) : draws.uniform()
      #expect(abs(Binomial.cumulative(k, of: n, p) - brute(k, n, p)) < 1e-12, "\(k) of \(n), \(p)")
    }
    // Thousands neither overflow nor vanish.
    #expect(abs(Binomial.cumulative(2048, of: 4096, 0.5) - 0.506_233) < 1e-5)
  }

  @Test func fishersTailsAreThoseOfAllDraws() {
    /// By counting: draws of n among `all`, the first `marked` marked, by the number of marked ones.
    func count(_ x: Int, _ n: Int, _ marked: Int, _ all: Int) -> Double {
      func choose(_ n: Int, _ k: Int) -> Double {
        k < 0 || k > n ? 0 : (0..<k).reduce(1.0) { $0 * Double(n - $1) / Double($1 + 1) }
      }
      return choose(marked, x) * choose(all - marked, n - x)
    }
    for all in 1...12 {
      for marked in 0...all {
        for n in 0...all {
          let counts = (0...n).map { count($0, n, marked, all) }
          let sum = counts.reduce(0, +)
          for k in max(0, n + marked - all)...min(n, marked) {
            let tails = Binomial.hypergeometric(k, of: n, marked: marked, all: all)
            #expect(abs(tails.low - counts.prefix(k + 1).reduce(0, +) / sum) < 1e-12)
            #expect(abs(tails.high - counts.suffix(n + 1 - k).reduce(0, +) / sum) < 1e-12)
          }
        }
      }
    }
    #expect(Binomial.hypergeometric(2000, of: 2000, marked: 2000, all: 4000) == (1, 0))
    #expect(Binomial.hypergeometric(0, of: 2000, marked: 2000, all: 4000) == (0, 1))
  }

  @Test func boundsAreThoseOfClopperAndPearson() {
    // Tables of Clopper and Pearson, two-sided 95 %: 3 of 20.
    #expect(abs(Binomial.lowerBound(3, of: 20, error: 0.025) - 0.032_07) < 1e-5)
    #expect(abs(Binomial.upperBound(3, of: 20, error: 0.025) - 0.378_93) < 1e-5)
    #expect(Binomial.upperBound(5, of: 5, error: 0.05) == 1)
    #expect(Binomial.lowerBound(0, of: 5, error: 0.05) == 0)
    #expect(Binomial.upperBound(0, of: 0, error: 0.05) == 1)
  }

  @Test func correlatedObservationsCountForLess() {
    var draws = SeededDraws(seed: 6)
    // An AR(1) series with coefficient r has tau = (1 + r) / (1 - r).
    for (r, tau) in [(0.0, 1.0), (0.5, 3.0), (0.8, 9.0)] {
      var sum = 0.0
      for _ in 0..<8 {
        var value = 0.0
        let series = (0..<2000).map { _ in
          value = r * value + draws.uniform() - 0.5
          return value
        }
        sum += 2000 / Autocorrelation.effectiveCount(series)
      }
      #expect(abs(sum / 8 / tau - 1) < 0.2, "r \(r): tau \(sum / 8)")
    }
    #expect(Autocorrelation.effectiveCount([Double](repeating: 1, count: 50)) == 50)
    #expect(Autocorrelation.effectiveCount([]) == 0)
  }

  @Test func auditsNearInTimeCountOnce() {
    var draws = SeededDraws(seed: 7)
    let one = layout([1])
    var buffer = ValidationBuffer(one, capacity: 10)
    for second in [0, 1, 4, 5, 6, 11, 3] as [Int64] {
      buffer.append(Scene(skill: [1]).record(1, at: Instant.zero + .seconds(second), one, &draws))
    }
    #expect(Autocorrelation.distinctTimes(buffer, span: .zero) == 7)
    // 0, 5 and 11, and 3 after the clock jumped back.
    #expect(Autocorrelation.distinctTimes(buffer, span: .seconds(5)) == 4)
  }

  @Test func aChangeIsFoundAndNoneIsInvented() {
    var draws = SeededDraws(seed: 8)
    let detector = ChangeDetector()
    var alarms = 0
    for _ in 0..<150 {
      let share = draws.uniform()
      if detector.changedRun((0..<400).map { _ in draws.chance(share) }) != nil { alarms += 1 }
    }
    #expect(alarms <= 1)
    for _ in 0..<100 {
      let old = (0..<300).map { _ in draws.chance(0.9) }
      let run = detector.changedRun(old + (0..<20).map { _ in draws.chance(0.1) })
      #expect(run.map { (12...32).contains($0) } ?? false, "\(run ?? -1)")
    }
    #expect(detector.changedRun([]) == nil)
  }

  @Test func drawsAreFairAndTheSameForASeed() {
    var (a, b) = (SeededDraws(seed: 9), SeededDraws(seed: 9))
    var counts = [Int](repeating: 0, count: 7)
    var hits = 0
    var differing = 0
    for _ in 0..<70_000 {
      if a.next() != b.next() { differing += 1 }
      counts[a.index(below: 7)] += 1
      _ = b.next()
      if a.chance(0.3) { hits += 1 }
      _ = b.next()
    }
    #expect(differing == 0)
    for count in counts { #expect(abs(count - 10_000) < 500) }
    #expect(abs(hits - 21_000) < 600)
    #expect((0..<100).allSatisfy { _ in !a.chance(0) && a.chance(1) })
  }

  @Test func observationsOfOneClusterCountOnce() {
    // Ten clusters of six equal values: the error is that of ten values.
    let values = [3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    let series = values.flatMap { [Double](repeating: $0, count: 6) }
    let clusters = values.indices.flatMap { [Int](repeating: $0, count: 6) }
    let (error, count) = Autocorrelation.clusteredError(series, clusters: clusters)
    let mean = values.reduce(0, +) / 10
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 9
    #expect(count == 10 && isClose(error, (variance / 10).squareRoot()))
    #expect(Autocorrelation.clusteredError([1, 2], clusters: [0, 0]) == (2, 1))
    #expect(Autocorrelation.clusteredError([], clusters: []) == (0, 0))
  }

  @Test func auditsOfOneEventAreOneEpisode() {
    let two = layout([1, 1])
    var buffer = ValidationBuffer(two)
    for (index, label) in [0, 0, 1, 1, 1, 2, 2, 0, 2].enumerated() {
      var record = AuditRecord(decision: UInt64(index + 1), end: .zero + .seconds(Int64(index)))
      record.enter(
        Reading(exit: .fusion, entropy: 0.1, label: label, certainty: 0.9, macs: 0, parameters: 0), two)
      buffer.append(record)
    }
    let episodes = Episodes(buffer, none: 0, spacing: .zero)
    #expect(episodes.numbers == [0, 1, 2, 2, 2, 3, 3, 4, 5] && episodes.count == 6)
    // A second apart they are all one, but for the quiet ones.
    let near = Episodes(buffer, none: 0)
    #expect(near.numbers == [0, 1, 2, 2, 2, 2, 2, 3, 2] && near.count == 4)
    #expect(Episodes(buffer, none: nil).count == 9)
  }
}
