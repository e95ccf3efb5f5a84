import Scheduling
import Vocabulary

/// What the gate makes of audited windows in a stream, in which some windows are full checks and neighbours are alike.
package struct StreamWorth: Sendable {
  /// Expected of one window.
  package struct Window: Hashable, Sendable {
    /// Probability that it is answered right, and that it is answered as full fusion would.
    package var correct: Double
    package var agrees: Double
    /// Price, in the unit of the prices.
    package var cost: Double
  }

  /// By the buffer's records; nil where one has no reference label.
  package private(set) var windows: [Window?] = []
  /// Means over the windows; 0 without any.
  package private(set) var correct = 0.0
  package private(set) var agrees = 0.0
  package private(set) var cost = 0.0
  package private(set) var count = 0

  /// Audits are single windows drawn from a stream: what the window before asked for is not known. A sensor that is wanted in
  /// a share w of windows is taken to be awake already with probability w, when it costs a period awake in place of a wake
  /// and its linger.
  package init(_ buffer: ValidationBuffer, _ replay: AuditReplay) {
    let modalities = replay.prices.modalities
    let share = replay.stream.fullCheckShare
    var walked: [(plain: AuditReplay.Outcome, check: AuditReplay.Outcome)?] = []
    walked.reserveCapacity(buffer.count)
    var wanted = [Double](repeating: 0, count: modalities.count)
    for index in buffer.indices {
      let record = buffer[index]
      guard let plain = replay.outcome(record) else {
        walked.append(nil)
        continue
      }
      let check = share > 0 ? replay.outcome(record, isFullCheck: true) ?? plain : plain
      walked.append((plain, check))
      count += 1
      for modality in modalities.indices {
        if plain.woken.contains(index: modality) { wanted[modality] += 1 - share }
        if check.woken.contains(index: modality) { wanted[modality] += share }
      }
    }
    guard count > 0 else {
      windows = walked.map { _ in nil }
      return
    }
    /// What a wake costs less, or more, than it was priced at.
    func correction(_ woken: ModalitySet, isFullCheck: Bool) -> Double {
      var sum = 0.0
      for (modality, figures) in modalities.enumerated() where woken.contains(index: modality) {
        let awake = wanted[modality] / Double(count)
        let linger = isFullCheck ? 0 : replay.stream.lingerCosts[modality, else: 0]
        sum += (1 - awake) * linger - awake * max(0, figures.wakeCost - figures.standbyCost)
      }
      return sum
    }
    windows.reserveCapacity(walked.count)
    for outcomes in walked {
      guard let (plain, check) = outcomes else {
        windows.append(nil)
        continue
      }
      func mean(_ value: (AuditReplay.Outcome) -> Double) -> Double {
        (1 - share) * value(plain) + share * value(check)
      }
      let window = Window(
        correct: mean { $0.correct ? 1 : 0 }, agrees: mean { $0.agrees ? 1 : 0 },
        cost: (1 - share) * (plain.cost + correction(plain.woken, isFullCheck: false))
          + share * (check.cost + correction(check.woken, isFullCheck: true)))
      windows.append(window)
      correct += window.correct / Double(count)
      agrees += window.agrees / Double(count)
      cost += window.cost / Double(count)
    }
  }

  /// A right answer's worth less what was spent, a window.
  package func value(lambda: Double) -> Double { lambda * correct - cost }
}

extension [Double] {
  fileprivate subscript(index: Int, else fallback: Double) -> Double {
    indices.contains(index) ? self[index] : fallback
  }
}
