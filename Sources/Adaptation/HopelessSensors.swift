import Vocabulary

/// Which sensors tell nothing at present, and are left asleep.
///
/// Judged over windows in which something happened: a black picture agrees with fusion in nearly every quiet window. A
/// sensor is left out when even the largest share of right answers that its newest events leave possible is below a floor,
/// and taken back when the smallest is above it; between the two it stays as it is.
package struct HopelessSensors: Sendable {
  package struct Settings: Hashable, Sendable {
    /// Share of events, 0...1, that a sensor has to answer right to be worth asking.
    package var floor = 0.3
    /// Probability that a judgement is wrong.
    package var error = 0.03
    /// Newest events that are looked at; with 10 and none right, the largest share left possible is 0.296.
    package var events = 10

    package init() {}
  }

  package struct Change: Hashable, Sendable {
    package var modality: Int
    package var isHopeless: Bool
    /// Right answers of its encoder's last exit, of so many events; 0 of 0 where a measure of quality said it.
    package var right: Int
    package var events: Int
  }

  package let settings: Settings
  /// Left out by what its audits say.
  private var judged: ModalitySet = []
  /// Left out by a measure of quality (darkness, blur, level against floor).
  private var poor: ModalitySet = []

  package init(settings: Settings = Settings()) {
    precondition(settings.events > 0 && settings.error > 0)
    self.settings = settings
  }

  package var set: ModalitySet { judged.union(poor) }

  /// - Parameters:
  ///   - poor: sensors of which a cheap measure of quality says now that they tell nothing.
  ///   - none: index of the class that means "nothing".
  /// - Returns: the sensors that are left out or taken back by this review. One sensor always stays in: with none left,
  ///   nothing could be answered, and the least bad is the one with the most right answers.
  package mutating func review(
    _ buffer: ValidationBuffer, poor: ModalitySet = [], none: Int?
  ) -> [Change] {
    let before = set
    self.poor = poor.intersection(.all(buffer.layout.modalityCount))
    var counts: [(right: Int, events: Int)] = []
    for modality in 0..<buffer.layout.modalityCount {
      let count = newestEvents(modality, buffer, none: none)
      counts.append(count)
      let one = ModalitySet(index: modality)
      if judged.contains(one) {
        let least = Binomial.lowerBound(count.right, of: count.events, error: settings.error)
        if least > settings.floor { judged.subtract(one) }
      } else if count.events > 0 {
        let most = Binomial.upperBound(count.right, of: count.events, error: settings.error)
        if most < settings.floor { judged.insert(one) }
      }
    }
    keepOne(counts)
    return (0..<buffer.layout.modalityCount).compactMap { modality in
      let now = set.contains(index: modality)
      guard now != before.contains(index: modality) else { return nil }
      return Change(
        modality: modality, isHopeless: now, right: counts[modality].right, events: counts[modality].events)
    }
  }

  private mutating func keepOne(_ counts: [(right: Int, events: Int)]) {
    guard set == .all(counts.count) else { return }
    var best = 0
    for modality in counts.indices {
      let candidate = Double(counts[modality].right) / Double(max(1, counts[modality].events))
      if candidate > Double(counts[best].right) / Double(max(1, counts[best].events)) { best = modality }
    }
    judged.subtract(ModalitySet(index: best))
    poor.subtract(ModalitySet(index: best))
  }

  /// Right answers of the encoder's last exit, of the newest audited events: what a sensor is judged by.
  package func newestEvents(
    _ modality: Int, _ buffer: ValidationBuffer, none: Int?
  ) -> (right: Int, events: Int) {
    let row = buffer.layout.lastRow(of: modality)
    var (right, events) = (0, 0)
    for index in stride(from: buffer.count - 1, through: 0, by: -1) where events < settings.events {
      let record = buffer[index]
      guard record.isEvent(none: none), let correct = record.isCorrect(record.exits[row]) else { continue }
      events += 1
      if correct { right += 1 }
    }
    return (right, events)
  }
}
