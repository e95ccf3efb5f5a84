/// Finds since when a series of right and wrong answers is another than before, as ADWIN does (Bifet and Gavalda, 2007):
/// over cuts of the buffer, here by Fisher's exact test in place of a bound.
package struct ChangeDetector: Hashable, Sendable {
  /// Probability of a false alarm for one cut of one series.
  package var error: Double
  /// Observations that each side of a cut needs.
  package var minimum: Int

  package init(error: Double = 1e-5, minimum: Int = 4) {
    precondition(error > 0 && error < 1 && minimum > 0)
    self.error = error
    self.minimum = minimum
  }

  /// The newest run that differs most certainly from what came before it: its length; nil where none differs.
  ///
  /// Cuts lie at lengths that grow by a quarter, so that their number grows with the logarithm of the series.
  package func changedRun(_ series: [Bool]) -> Int? {
    var length = minimum
    var successes = 0
    var found: (length: Int, tail: Double)?
    var counted = 0
    let total = series.count { $0 }
    while length + minimum <= series.count {
      while counted < length {
        counted += 1
        if series[series.count - counted] { successes += 1 }
      }
      let tails = Binomial.hypergeometric(successes, of: length, marked: total, all: series.count)
      let tail = min(tails.low, tails.high)
      if tail <= error / 2, tail < found?.tail ?? 1 { found = (length, tail) }
      length += max(1, length / 4)
    }
    return found?.length
  }

  /// The number of newest records since when some modality answers events differently than before; nil where none does.
  /// Only events are looked at: a blind camera is as right as ever while nothing happens. Each counts once (`Episodes`), and
  /// is right if any of its audits is.
  package func recordsSinceChange(_ buffer: ValidationBuffer, none: Int?) -> Int? {
    var newest: Int?
    let episodes = Episodes(buffer, none: none, spacing: .zero)
    for modality in 0..<buffer.layout.modalityCount {
      var series: [Bool] = []
      var places: [Int] = []
      var episode: Int?
      for index in buffer.indices {
        let record = buffer[index]
        guard record.isEvent(none: none),
          let correct = record.isCorrect(record.exits[buffer.layout.lastRow(of: modality)])
        else { continue }
        if episodes.numbers[index] == episode {
          if correct { series[series.count - 1] = true }
          continue
        }
        episode = episodes.numbers[index]
        series.append(correct)
        places.append(index)
      }
      guard let run = changedRun(series) else { continue }
      let kept = buffer.count - places[places.count - run]
      newest = min(newest ?? kept, kept)
    }
    return newest
  }
}
