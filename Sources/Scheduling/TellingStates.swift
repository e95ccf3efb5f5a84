import Vocabulary

/// The states of the hidden Markov filter: nothing is told, or a command is told by some of the sensors, and the others see or
/// hear nothing of it. From nothing each command begins alike, told by any set of sensors alike. A sensor that tells a command goes
/// on or falls silent, one that does not may join; when all are silent it has ended, and none follows another without an end.
///
/// A sensor's reading weighs a state by the probability it gives to what that state has it see: the command, or nothing.
/// It is raised to 3/4: four windows a second of a one-second view share most of their sound, so they are no independent witnesses.
/// Sensors count as independent given the state. Where their fusion has been read and finds a command likelier than they
/// do together, its word counts for them; where it finds nothing likelier than the command, that counts as well. A probability counts for `floor` at least: a network that is sure and wrong once
/// does not end what many windows have said.
///
/// Nothing is taken from the heap after `init`. Time is proportional to classes times 2^sensors.
struct TellingStates: Sendable {
  /// The least a class's probability counts for.
  static let floor = 1e-4
  /// Chance that a sensor joins those that tell a command, with a window.
  static let join = 0.2
  /// Sensors beyond this number share the last one's place: 2^6 sets of sensors are what a small board computes in microseconds.
  static let longest = 6

  private let classCount: Int
  private let noneClass: Int
  /// Places for sensors.
  private let places: Int
  private let setCount: Int
  /// Probability of each state, [set of places][class]; the empty set's row has nothing but `none`, and is where what ends goes.
  private var states: [Double]
  private var next: [Double]
  /// By place and class, the reading's probability to the power of 3/4; 1 where there is none.
  private var weights: [Double]
  /// By place, what of the chance that a command begins is left for one that this sensor tells; 1 where nothing is known.
  private var onsets: [Double]
  /// The same of the fusion's reading, and of whom it is; empty where there is none.
  private var fused: [Double]
  private var fusedSet = 0

  init(classCount: Int, noneClass: Int, sensorCount: Int) {
    self.classCount = classCount
    self.noneClass = noneClass
    places = min(sensorCount, Self.longest)
    setCount = 1 << places
    states = Array(repeating: 0, count: setCount * classCount)
    next = states
    weights = Array(repeating: 1, count: places * classCount)
    onsets = Array(repeating: 1, count: places)
    fused = Array(repeating: 1, count: classCount)
    states[noneClass] = 1
  }

  mutating func reset() {
    for index in states.indices { states[index] = index == noneClass ? 1 : 0 }
    clearReadings()
  }

  mutating func clearReadings() {
    for index in weights.indices { weights[index] = 1 }
    for index in onsets.indices { onsets[index] = 1 }
    fusedSet = 0
  }

  mutating func enter(sensor: Int, _ probability: (Int) -> Float) {
    let place = min(sensor, places - 1)
    for label in 0..<classCount { weights[place * classCount + label] = Self.weight(probability(label)) }
  }

  /// Sensors that share a place: the last one's counts.
  mutating func enter(sensor: Int, onset: Double) { onsets[min(sensor, places - 1)] = onset }

  mutating func enter(fusionOf sensors: ModalitySet, _ probability: (Int) -> Float) {
    fusedSet = 0
    for place in 0..<places where sensors.contains(index: place) { fusedSet |= 1 << place }
    for label in 0..<classCount { fused[label] = Self.weight(probability(label)) }
  }

  /// To the power of 3/4, by roots, which are exact everywhere.
  private static func weight(_ probability: Float) -> Double {
    let given = Double(probability)
    let root = (given > floor ? min(given, 1) : floor).squareRoot()
    return root * root.squareRoot()
  }

  /// Probability of a command told by whomever, or of nothing.
  func probability(of label: Int) -> Double {
    if label == noneClass { return states[noneClass] }
    var sum = 0.0
    for set in 1..<setCount { sum += states[set * classCount + label] }
    return sum
  }

  /// A window's time passes.
  mutating func predict(begin: Double, stay: Double) {
    let nothing = states[noneClass]
    states[noneClass] = 0
    for place in 0..<places { change(place, stay) }
    var ended = 0.0
    let each = begin * nothing / Double((classCount - 1) * (setCount - 1))
    var begun = 0.0
    for set in 1..<setCount {
      let share = each * onset(of: set)
      begun += share * Double(classCount - 1)
      for label in 0..<classCount where label != noneClass { states[set * classCount + label] += share }
    }
    for label in 0..<classCount where label != noneClass {
      ended += states[label]
      states[label] = 0
    }
    states[noneClass] = nothing - begun + ended
  }

  /// Of a command that these sensors tell: the least of theirs.
  private func onset(of set: Int) -> Double {
    var least = 1.0
    for place in 0..<places where set & (1 << place) != 0 { least = min(least, onsets[place]) }
    return least
  }

  /// One sensor falls silent, or joins.
  private mutating func change(_ place: Int, _ stay: Double) {
    for set in 0..<setCount where set & (1 << place) == 0 {
      let (silent, telling) = (set * classCount, (set | 1 << place) * classCount)
      for label in 0..<classCount {
        next[silent + label] = (1 - Self.join) * states[silent + label] + (1 - stay) * states[telling + label]
        next[telling + label] = Self.join * states[silent + label] + stay * states[telling + label]
      }
    }
    swap(&states, &next)
  }

  /// Weighs the states by the readings entered.
  mutating func weigh() {
    var sum = 0.0
    for set in 0..<setCount {
      for label in 0..<classCount {
        let index = set * classCount + label
        for place in 0..<places {
          states[index] *= weights[place * classCount + (set & (1 << place) == 0 ? noneClass : label)]
        }
        if set & fusedSet != 0 { states[index] *= fusionWeight(label, set) }
        sum += states[index]
      }
    }
    for index in states.indices { states[index] /= sum }
  }

  /// What the fusion's word for a command, or for nothing, weighs in a state in which `set` tells it.
  private func fusionWeight(_ label: Int, _ set: Int) -> Double {
    let ratio = fused[label] / fused[noneClass]
    guard set == fusedSet else { return min(1, ratio) }
    var apart = 1.0
    for place in 0..<places where fusedSet & (1 << place) != 0 {
      apart *= weights[place * classCount + label] / weights[place * classCount + noneClass]
    }
    return min(1, ratio) * max(1, ratio / apart)
  }
}
