/// Whether a sensor's data can tell anything at all, for next to nothing: a picture that is black or covered, a microphone that
/// is dead or drowned. It takes some windows in a row to be believed, either way.
package struct SensorQuality: Equatable, Sendable {
  /// Windows in a row after which a sensor tells nothing, and after which it tells something again.
  package let patience: Int
  package let recovery: Int
  package private(set) var isPoor = false
  private var inRow = 0

  package init(patience: Int, recovery: Int) {
    precondition(patience >= 1 && recovery >= 1)
    self.patience = patience
    self.recovery = recovery
  }

  /// Of sound 40 windows (10 s at four a second) and 8; of a picture 4 and 1, as one that sleeps is seen seldom.
  package static let sound = SensorQuality(patience: 40, recovery: 8)
  package static let picture = SensorQuality(patience: 4, recovery: 1)

  package mutating func observe(_ observation: SoundActivity.Observation) {
    enter(observation.level < SoundActivity.dead || observation.floor > SoundActivity.drowned)
  }

  package mutating func observe(_ observation: FrameActivity.Observation) {
    enter(observation.brightness < FrameActivity.black || observation.contrast < FrameActivity.blank)
  }

  private mutating func enter(_ poor: Bool) {
    inRow = poor == isPoor ? 0 : inRow + 1
    guard inRow >= (isPoor ? recovery : patience) else { return }
    isPoor = poor
    inRow = 0
  }
}
