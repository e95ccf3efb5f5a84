import Vocabulary

/// How evidence is gathered over windows.
package enum EvidenceMethod: Hashable, Sendable {
  /// A hidden Markov filter over who tells which command, each sensor's probabilities its observations (the forward
  /// algorithm).
  /// - Parameters:
  ///   - begin: chance that some command begins with the next window while there is none, in all; 0 < begin < 1.
  ///   - stay: chance that a sensor that tells a command tells it in the next window too; 0...1, below 1.
  case hiddenMarkov(begin: Double, stay: Double)
  /// The share of the last `n` windows that say so, `k` of them being a whole: its crude form. 1 <= k <= n <= 32.
  case kOfN(k: Int, n: Int)
}

/// Evidence for each class over successive windows of a stream: windows overlap and see the same word, and one window's answer
/// is weak. Pure, bounded, and without heap after `init`; sums, products, quotients and square roots of IEEE doubles in a
/// fixed order alone, so it is the same on every CPU.
///
/// A window's readings are entered one by one, then `observe` makes evidence of them. The hidden Markov filter
/// (`TellingStates`) keeps apart who tells: a word that only the microphone hears is no worse for a picture without a hand.
package struct EvidenceFilter: Sendable {
  /// Windows that passed without one beyond this number have let everything be forgotten.
  package static let longestGap = 64

  package let classCount: Int
  package let noneClass: Int
  private var method: EvidenceMethod
  private var states: TellingStates
  private var scenery: Scenery
  /// What speaks for each class, 0...1.
  private var belief: [Double]
  /// Label of the window's last reading; nil where it has none.
  private var lastLabel: Int?
  /// The last windows' labels, oldest overwritten first, for k of n.
  private var votes = InlineArray<32, Int>(repeating: -1)
  private var place = 0

  /// - Parameters:
  ///   - classCount: 2 or more.
  ///   - noneClass: the class that means "nothing".
  ///   - sensorCount: 1 or more.
  ///   - scenery: readings of a sensor after which what it says all the time is no command any more (`Scenery`); 0: never.
  package init(
    _ method: EvidenceMethod, classCount: Int, noneClass: Int, sensorCount: Int, scenery: Double = 0
  ) {
    precondition(classCount >= 2 && (0..<classCount).contains(noneClass) && sensorCount >= 1)
    switch method {
    case .hiddenMarkov(let begin, let stay):
      precondition(begin > 0 && begin < 1 && stay >= 0 && stay < 1)
    case .kOfN(let k, let n): precondition(k >= 1 && k <= n && n <= 32)
    }
    self.method = method
    self.classCount = classCount
    self.noneClass = noneClass
    states = TellingStates(classCount: classCount, noneClass: noneClass, sensorCount: sensorCount)
    self.scenery = Scenery(
      memory: scenery, classCount: classCount, noneClass: noneClass, sensorCount: sensorCount)
    belief = Array(repeating: 0, count: classCount)
    belief[noneClass] = 1
  }

  /// Nothing has been seen.
  package mutating func reset() {
    states.reset()
    scenery.reset()
    for index in belief.indices { belief[index] = index == noneClass ? 1 : 0 }
    votes = InlineArray(repeating: -1)
  }

  /// Enters what one sensor said of the window at hand; what it said of it before is replaced.
  /// - Parameter probability: calibrated, by class; 0...1, their sum 1. What is not a number counts as 0.
  package mutating func enter(sensor: Int, _ probability: (Int) -> Float) {
    scenery.note(sensor: sensor, probability)
    let scenery = scenery
    states.enter(sensor: sensor) { scenery.probability($0, of: sensor, probability) }
    note { scenery.probability($0, of: sensor, probability) }
  }

  /// Enters how likely it is that a command which this sensor tells begins with the window at hand.
  /// - Parameter onset: as a share of `begin`, above 0, at most 1.
  package mutating func enter(sensor: Int, onset: Double) {
    precondition(onset > 0 && onset <= 1)
    states.enter(sensor: sensor, onset: onset)
  }

  /// It is `EvidenceMethod.hiddenMarkov`.
  package var isMarkov: Bool { if case .hiddenMarkov = method { true } else { false } }

  /// From now on a command begins with this chance; k of n knows none.
  /// - Parameter begin: 0 < begin < 1.
  package mutating func expect(begin: Double) {
    precondition(begin > 0 && begin < 1)
    if case .hiddenMarkov(_, let stay) = method { method = .hiddenMarkov(begin: begin, stay: stay) }
  }

  /// Enters what the fusion of some sensors said of the window at hand.
  package mutating func enter(fusionOf sensors: ModalitySet, _ probability: (Int) -> Float) {
    if scenery.isThere(to: sensors) { return }
    states.enter(fusionOf: sensors, probability)
    note(probability)
  }

  /// Enters a sensor that said nothing more than a label and how certain it is of it.
  package mutating func enter(sensor: Int, label: Int, certainty: Float) {
    let rest = (1 - certainty) / Float(classCount - 1)
    enter(sensor: sensor) { $0 == label ? certainty : rest }
  }

  /// Enters a fusion of some sensors of which no more is known than its label and how certain it is of it.
  package mutating func enter(fusionOf sensors: ModalitySet, label: Int, certainty: Float) {
    let rest = (1 - certainty) / Float(classCount - 1)
    enter(fusionOf: sensors) { $0 == label ? certainty : rest }
  }

  private mutating func note(_ probability: (Int) -> Float) {
    var best = 0
    for index in belief.indices where probability(index) > probability(best) { best = index }
    lastLabel = best
  }

  /// Makes evidence of the readings entered; a window without any says nothing, and time has passed.
  /// - Parameter steps: window periods since the last one, 1 or more.
  package mutating func observe(steps: Int) {
    precondition(steps >= 1)
    var steps = steps
    if steps > Self.longestGap {
      reset()
      steps = 1
    }
    switch method {
    case .hiddenMarkov(let begin, let stay):
      for _ in 0..<steps { states.predict(begin: begin, stay: stay) }
      states.weigh()
      for index in belief.indices { belief[index] = states.probability(of: index) }
    case .kOfN:
      for _ in 1..<steps { vote(noneClass) }
      vote(lastLabel ?? noneClass)
    }
    states.clearReadings()
    scenery.conclude()
    lastLabel = nil
  }

  private mutating func vote(_ label: Int) {
    guard case .kOfN(let k, let n) = method else { return }
    votes[place] = label
    place = (place + 1) % n
    for index in belief.indices where index != noneClass {
      var count = 0
      for vote in 0..<n where votes[vote] == index { count += 1 }
      belief[index] = min(1, Double(count) / Double(k))
    }
    // One vote for a command is something that seems to begin, however many windows beside it held nothing.
    belief[noneClass] = max(0, 1 - evidenceForCommands)
  }

  /// What speaks for a class now, 0...1.
  package func evidence(_ label: Int) -> Double { belief[label] }

  /// What speaks for all commands together.
  package var evidenceForCommands: Double {
    var sum = 0.0
    for index in belief.indices where index != noneClass { sum += belief[index] }
    return sum
  }

  /// The command that most speaks for; of equals the one voted for last, or the first.
  package var leading: (label: Int, evidence: Double) {
    var best = noneClass == 0 ? 1 : 0
    for index in belief.indices where index != noneClass && belief[index] > belief[best] { best = index }
    if case .kOfN(_, let n) = method {
      for age in 1...n {
        let label = votes[(place + n - age) % n]
        if label >= 0 && label != noneClass && belief[label] == belief[best] { return (label, belief[label]) }
      }
    }
    return (best, belief[best])
  }
}
