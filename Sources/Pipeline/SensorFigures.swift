import Sensing
import Vocabulary

/// How long a sensor was in each of its states.
package struct StateDurations: Equatable, Sendable {
  package var asleep = Nanoseconds.zero
  package var waking = Nanoseconds.zero
  package var awake = Nanoseconds.zero
  package var failed = Nanoseconds.zero

  package init() {}

  package var total: Nanoseconds { asleep + waking + awake + failed }

  mutating func add(_ time: Nanoseconds, in state: SensorState) {
    switch state {
    case .asleep: asleep = asleep + time
    case .waking: waking = waking + time
    case .awake: awake = awake + time
    case .failed: failed = failed + time
    }
  }

  static func - (a: Self, b: Self) -> Self {
    var difference = Self()
    difference.asleep = a.asleep - b.asleep
    difference.waking = a.waking - b.waking
    difference.awake = a.awake - b.awake
    difference.failed = a.failed - b.failed
    return difference
  }
}

/// What can be said of one sensor: where it stands, and what has become of its time since the start. A value without
/// heap storage, copied into the status.
package struct SensorFigures: Sendable {
  package internal(set) var state = SensorState.asleep
  /// When the pipeline saw it enter that state.
  package internal(set) var since: Instant
  /// Time in states that it has left.
  private var completed = StateDurations()
  /// Times it was told to wake from sleep. A failed one that is tried again is not counted.
  package internal(set) var wakes: UInt64 = 0
  /// Times it was seen to fail, each with a fault it did not have already.
  package internal(set) var faults: UInt64 = 0
  /// It would sleep, but was woken too often in the last minute.
  package internal(set) var heldAwake = false
  /// What its device counts.
  package internal(set) var counters = SensorCounters()
  /// Frames of the spectrograms that windows were answered from, and how many of them were computed.
  package internal(set) var spectrogram = SpectrogramWork(computed: 0, frames: 0)

  package init(start: Instant) { since = start }

  /// Time in each state from the start up to `now`, what still runs included. An older clock takes nothing away.
  package func durations(at now: Instant) -> StateDurations {
    var durations = completed
    durations.add(max(.zero, now - since), in: state)
    return durations
  }

  /// What was lost, as the ledger has it: with the faults that the pipeline saw.
  var losses: SensorCounters {
    var losses = counters
    losses.faults = Int(clamping: faults)
    return losses
  }

  package func awakeTime(at now: Instant) -> Nanoseconds { durations(at: now).awake }

  /// - Returns: how long it had been in the state it leaves.
  mutating func enter(_ next: SensorState, at now: Instant) -> Nanoseconds {
    let lasted = max(.zero, now - since)
    completed.add(lasted, in: state)
    state = next
    since = max(since, now)
    return lasted
  }
}
