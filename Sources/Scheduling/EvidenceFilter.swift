import Vocabulary

/// How evidence is gathered over windows.
package enum EvidenceMethod: Hashable, Sendable {
  /// A hidden Markov filter over the classes, each window's probabilities its observation (the forward algorithm).
  /// - Parameters:
  ///   - begin: chance that some command begins with the next window while there is none, in all; 0 < begin < 1.
  ///   - stay: chance that a command goes on with the next window; 0...1, below 1.
  case hiddenMarkov(begin: Double, stay: Double)
  /// The share of the last `n` windows that say so, `k` of them being a whole: its crude form. 1 <= k <= n <= 32.
  case kOfN(k: Int, n: Int)
}

/// Evidence for each class over successive windows of a stream: windows overlap and see the same word, and one window's answer
/// is weak. Pure, bounded, and without heap after `init`; sums, products, quotients and square roots of IEEE doubles in a
/// fixed order alone, so it is the same on every CPU.
///
/// The hidden Markov filter: `none` is the state between commands; from it each command begins alike; a command goes on or ends,
/// and none follows another without an end. A window's probabilities are raised to 3/4: four windows a second of a one-second view
/// share most of their sound, so they are no independent witnesses. A probability counts for `floor` at least: a network that
/// is sure and wrong once does not end what many windows have said.
package struct EvidenceFilter: Sendable {
  /// The least a class's probability counts for.
  package static let floor = 1e-4
  /// Windows that passed without one beyond this number have let everything be forgotten.
  package static let longestGap = 64

  package let classCount: Int
  package let noneClass: Int
  private let method: EvidenceMethod
  /// The filter's probability of each class; for k of n, votes.
  private var belief: [Double]
  /// Next belief, while it is made.
  private var next: [Double]
  /// The last windows' labels, oldest overwritten first, for k of n.
  private var votes = InlineArray<32, Int>(repeating: -1)
  private var place = 0

  /// - Parameters:
  ///   - classCount: 2 or more.
  ///   - noneClass: the class that means "nothing".
  package init(_ method: EvidenceMethod, classCount: Int, noneClass: Int) {
    precondition(classCount >= 2 && (0..<classCount).contains(noneClass))
    switch method {
    case .hiddenMarkov(let begin, let stay):
      precondition(begin > 0 && begin < 1 && stay >= 0 && stay < 1)
    case .kOfN(let k, let n): precondition(k >= 1 && k <= n && n <= 32)
    }
    self.method = method
    self.classCount = classCount
    self.noneClass = noneClass
    belief = Array(repeating: 0, count: classCount)
    next = belief
    belief[noneClass] = 1
  }

  /// Nothing has been seen.
  package mutating func reset() {
    for index in belief.indices { belief[index] = index == noneClass ? 1 : 0 }
    votes = InlineArray(repeating: -1)
  }

  /// Enters a window.
  /// - Parameters:
  ///   - probability: calibrated, by class; 0...1, their sum 1. What is not a number counts as 0.
  ///   - steps: window periods since the last one, 1 or more.
  package mutating func observe(steps: Int, _ probability: (Int) -> Float) {
    guard elapse(steps) else { return observe(steps: 1, probability) }
    switch method {
    case .hiddenMarkov:
      var sum = 0.0
      for index in belief.indices {
        let given = Double(probability(index))
        let bounded = given > Self.floor ? min(given, 1) : Self.floor
        // To the power of 3/4, by roots, which are exact everywhere.
        let root = bounded.squareRoot()
        belief[index] *= root * root.squareRoot()
        sum += belief[index]
      }
      for index in belief.indices { belief[index] /= sum }
    case .kOfN:
      var best = 0
      for index in belief.indices where probability(index) > probability(best) { best = index }
      vote(best)
    }
  }

  /// A window that said nothing more than its label and how certain it is of it.
  package mutating func observe(steps: Int, label: Int, certainty: Float) {
    let rest = (1 - certainty) / Float(classCount - 1)
    observe(steps: steps) { $0 == label ? certainty : rest }
  }

  /// Windows that said nothing at all: time has passed.
  package mutating func pass(_ steps: Int) {
    precondition(steps >= 1)
    guard elapse(steps), case .kOfN = method else { return }
    vote(noneClass)
  }

  /// Time passes up to the next window.
  /// - Returns: false where everything was forgotten in it.
  private mutating func elapse(_ steps: Int) -> Bool {
    if steps > Self.longestGap {
      reset()
      return false
    }
    switch method {
    case .hiddenMarkov(let begin, let stay):
      for _ in 0..<steps { predict(begin, stay) }
    case .kOfN:
      for _ in 1..<steps { vote(noneClass) }
    }
    return true
  }

  private mutating func predict(_ begin: Double, _ stay: Double) {
    let each = begin / Double(classCount - 1) * belief[noneClass]
    var ended = 0.0
    for index in belief.indices where index != noneClass {
      ended += (1 - stay) * belief[index]
      next[index] = stay * belief[index] + each
    }
    next[noneClass] = (1 - begin) * belief[noneClass] + ended
    swap(&belief, &next)
  }

  private mutating func vote(_ label: Int) {
    guard case .kOfN(let k, let n) = method else { return }
    votes[place] = label
    place = (place + 1) % n
    for index in belief.indices {
      var count = 0
      for vote in 0..<n where votes[vote] == index { count += 1 }
      belief[index] = min(1, Double(count) / Double(k))
    }
  }

  /// What speaks for a class now, 0...1.
  package func evidence(_ label: Int) -> Double { belief[label] }

  /// The command that most speaks for; the first of equals.
  package var leading: (label: Int, evidence: Double) {
    var best = noneClass == 0 ? 1 : 0
    for index in belief.indices where index != noneClass && belief[index] > belief[best] { best = index }
    return (best, belief[best])
  }
}
