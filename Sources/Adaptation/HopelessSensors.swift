import Vocabulary

/// Which sensors tell nothing at present, and are left asleep.
///
/// Judged over events, windows in which something happened: a black picture agrees with fusion in nearly every quiet window.
/// All audits of one event count once (`Episodes`): a hand that rests in the picture for a minute says no more of the
/// microphone than one wave. A sensor is left out when even the largest share of right answers that its newest events leave possible is below a floor,
/// and taken back when the smallest is above it; between the two it stays as it is.
package struct HopelessSensors: Sendable {
  package struct Settings: Hashable, Sendable {
    /// Share of events, 0...1, that a sensor has to answer right to be worth asking.
    package var floor = 0.25
    /// Probability that a judgement is wrong.
    package var error = 0.03
    /// Newest events that are looked at; with 14 and none right, the largest share left possible is 0.222.
    package var events = 14
    /// Certainty of a fused answer from which on it is believed that something happened; a person is.
    package var certainty: Float = 0.7
    /// Events nearer than this are one.
    package var spacing = Episodes.spacing
    /// After so long without an audited event it is not known any more what a sensor is worth: it is asked again, and
    /// judged anew.
    package var memory = Nanoseconds.seconds(1800)

    package init() {}
  }

  package struct Change: Hashable, Sendable {
    package var modality: Int
    package var isHopeless: Bool
    /// Events in which its encoder's last exit was right, of so many; 0 of 0 where a measure of quality said it.
    package var right: Int
    package var events: Int
  }

  package let settings: Settings
  /// Left out by what its audits say.
  package private(set) var judged: ModalitySet = []
  /// Left out by a measure of quality (darkness, contrast, level, floor): its data can tell nothing.
  package private(set) var poor: ModalitySet = []
  /// By modality: the audit that ended last when it was taken back for want of events; what came before does not count.
  private var forgotten = InlineArray<32, Instant>(repeating: .zero)

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
    let judgedBefore = judged
    self.poor = poor.intersection(.all(buffer.layout.modalityCount))
    let newest = buffer.count > 0 ? buffer[buffer.count - 1].end : nil
    var counts: [(right: Int, events: Int)] = []
    for modality in 0..<buffer.layout.modalityCount {
      let count = newestEvents(modality, buffer, none: none)
      counts.append(count)
      let one = ModalitySet(index: modality)
      if judged.contains(one) {
        let least = Binomial.lowerBound(count.right, of: count.events, error: settings.error)
        if least > settings.floor {
          judged.subtract(one)
        } else if let newest, let last = lastEvent(buffer, none: none), newest - last > settings.memory {
          judged.subtract(one)
          forgotten[modality] = last
        }
      } else if count.events > 0 {
        let most = Binomial.upperBound(count.right, of: count.events, error: settings.error)
        if most < settings.floor { judged.insert(one) }
      }
    }
    keepOne(counts)
    return (0..<buffer.layout.modalityCount).compactMap { modality in
      let now = set.contains(index: modality)
      guard now != before.contains(index: modality) else { return nil }
      let isByQuality = !judged.union(judgedBefore).contains(index: modality)
      return Change(
        modality: modality, isHopeless: now, right: isByQuality ? 0 : counts[modality].right,
        events: isByQuality ? 0 : counts[modality].events)
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

  /// Of the newest audited events, those in which the encoder's last exit was right at least once: what a sensor is judged by.
  package func newestEvents(
    _ modality: Int, _ buffer: ValidationBuffer, none: Int?
  ) -> (right: Int, events: Int) {
    let row = buffer.layout.lastRow(of: modality)
    let episodes = Episodes(buffer, none: none, spacing: settings.spacing)
    var (right, events) = (0, 0)
    var episode: Int?
    var wasRight = false
    for index in stride(from: buffer.count - 1, through: 0, by: -1) {
      let record = buffer[index]
      guard record.end > forgotten[modality] || forgotten[modality] == .zero else { break }
      guard isBelieved(record, none), let correct = record.isCorrect(record.exits[row]) else { continue }
      if episodes.numbers[index] != episode {
        guard events < settings.events else { break }
        events += 1
        (episode, wasRight) = (episodes.numbers[index], false)
      }
      if correct && !wasRight {
        right += 1
        wasRight = true
      }
    }
    return (right, events)
  }

  /// Something happened, and fusion was certain of it: what deceives one sensor makes fusion waver.
  private func isBelieved(_ record: AuditRecord, _ none: Int?) -> Bool {
    guard record.isEvent(none: none), let reference = record.reference else { return false }
    return reference.certainty >= settings.certainty
  }

  private func lastEvent(_ buffer: ValidationBuffer, none: Int?) -> Instant? {
    for index in stride(from: buffer.count - 1, through: 0, by: -1) where isBelieved(buffer[index], none) {
      return buffer[index].end
    }
    return nil
  }
}
