import Vocabulary

/// Which windows of a stream are answered, and by whom, where no gate decides.
package enum WindowChoice: Sendable {
  /// Every window by all sensors.
  case everything
  case turns(SensorTurns)
  /// It knows of every window what it is, and takes the cheapest exit that says so; where none does, the cheapest.
  /// - Parameter expected: by window, in their order: index of its class; nil where that is not clear.
  case oracle(expected: [Int?])
}

/// Sensors that are awake for a share of the time, whatever they see and hear: what a gate has to be better than.
package struct SensorTurns: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    /// Stretches are drawn, each with the same chance.
    case random
    /// The first part of every stretch.
    case duty
  }

  package var kind: Kind
  /// Of a stretch of time, in seconds; above 0.
  package var stretch: Double
  /// Of the time in which they are awake, 0...1.
  package var share: Double
  /// Sensors that are awake all the time.
  package var listening: ModalitySet
  package var seed: UInt64

  package init(_ kind: Kind, stretch: Double, share: Double, listening: ModalitySet, seed: UInt64 = 1) {
    self.kind = kind
    self.stretch = stretch
    self.share = share
    self.listening = listening
    self.seed = seed
  }

  /// Whether those that take turns are awake.
  /// - Parameter time: seconds from the stream's start, 0 or more.
  package func isOn(at time: Double) -> Bool {
    let number = (time / stretch).rounded(.down)
    switch kind {
    case .duty: return time - number * stretch < share * stretch
    case .random: return Self.draw(seed, UInt64(number)) < share
    }
  }

  /// SplitMix64 of both; 0..<1.
  private static func draw(_ seed: UInt64, _ number: UInt64) -> Double {
    var z = seed &* 0xD1B5_4A32_D192_ED03 &+ (number &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
  }
}
