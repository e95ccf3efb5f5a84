import Vocabulary

/// What a sensor says without a break belongs to the scene: a poster with a hand on it is no command, though the first
/// look takes it for one. For each sensor and class the mean probability over its last readings, with a memory of
/// `memory` readings; from `taken` on the class is scenery to that sensor, until it falls below `left`.
///
/// Sums, products and quotients of IEEE doubles in a fixed order. Nothing is taken from the heap after `init`.
struct Scenery: Sendable {
  /// A probability of 1 gets there in 0.7 times the memory.
  static let taken = 0.5
  /// A probability of 0 gets there, from `taken`, in as long again.
  static let left = 0.25

  private let classCount: Int
  private let noneClass: Int
  /// Share of the newest reading; 0 where nothing becomes scenery.
  private let newest: Double
  /// By sensor and class.
  private var means: [Double]
  private var isScenery: [Bool]
  /// By sensor and class, the last reading of the window at hand; and whether there is one.
  private var readings: [Double]
  private var hasReading: [Bool]

  /// - Parameter memory: readings; 0 for none: then nothing becomes scenery.
  init(memory: Double, classCount: Int, noneClass: Int, sensorCount: Int) {
    self.classCount = classCount
    self.noneClass = noneClass
    newest = memory > 0 ? 1 / max(1, memory) : 0
    means = Array(repeating: 0, count: sensorCount * classCount)
    isScenery = Array(repeating: false, count: sensorCount * classCount)
    readings = means
    hasReading = Array(repeating: false, count: sensorCount)
  }

  mutating func reset() {
    for index in means.indices { (means[index], isScenery[index]) = (0, false) }
    for sensor in hasReading.indices { hasReading[sensor] = false }
  }

  /// A sensor's reading; what it said of the window at hand before is replaced.
  mutating func note(sensor: Int, _ probability: (Int) -> Float) {
    hasReading[sensor] = true
    for label in 0..<classCount {
      let given = Double(probability(label))
      readings[sensor * classCount + label] = given > 0 ? min(given, 1) : 0
    }
  }

  /// The window is over.
  mutating func conclude() {
    guard newest > 0 else { return }
    for sensor in hasReading.indices where hasReading[sensor] {
      hasReading[sensor] = false
      for label in 0..<classCount where label != noneClass {
        let index = sensor * classCount + label
        means[index] += (readings[index] - means[index]) * newest
        if means[index] >= Self.taken { isScenery[index] = true }
        if means[index] < Self.left { isScenery[index] = false }
      }
    }
  }

  /// Whether a class is scenery to a sensor.
  func holds(_ label: Int, to sensor: Int) -> Bool { isScenery[sensor * classCount + label] }

  /// Whether anything is, to one of the sensors: what their fusion says tells of the scene too.
  func isThere(to sensors: ModalitySet) -> Bool {
    for sensor in hasReading.indices where sensors.contains(index: sensor) {
      for label in 0..<classCount where isScenery[sensor * classCount + label] { return true }
    }
    return false
  }

  /// What a reading comes to: scenery is nothing.
  func probability(_ label: Int, of sensor: Int, _ given: (Int) -> Float) -> Float {
    if label != noneClass { return holds(label, to: sensor) ? 0 : given(label) }
    var sum = given(noneClass)
    for other in 0..<classCount where other != noneClass && holds(other, to: sensor) { sum += given(other) }
    return sum
  }
}
