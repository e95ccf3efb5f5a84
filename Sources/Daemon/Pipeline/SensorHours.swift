import Sensing
import Vocabulary

/// How long each sensor was asleep, waking and awake since it was last asked: what the energy model is fed.
struct SensorHours: Sendable {
  /// Time in each state since the last settlement.
  struct Spans: Equatable, Sendable {
    var asleep = Nanoseconds.zero
    var waking = Nanoseconds.zero
    var awake = Nanoseconds.zero
  }
  private enum Phase { case asleep, waking, awake }

  private var phase: [Phase]
  private var since: [Instant]
  private var spans: [Spans]

  init(sensors: Int, start: Instant) {
    phase = Array(repeating: .asleep, count: sensors)
    since = Array(repeating: start, count: sensors)
    spans = Array(repeating: Spans(), count: sensors)
  }

  private mutating func accrue(_ sensor: Int, to now: Instant) {
    let time = max(Nanoseconds.zero, now - since[sensor])
    switch phase[sensor] {
    case .asleep: spans[sensor].asleep = spans[sensor].asleep + time
    case .waking: spans[sensor].waking = spans[sensor].waking + time
    case .awake: spans[sensor].awake = spans[sensor].awake + time
    }
    since[sensor] = max(since[sensor], now)
  }

  /// A sensor changed its state at `now`. A failed one counts as asleep: nobody knows better.
  mutating func note(_ sensor: Int, _ state: SensorState, at now: Instant) {
    accrue(sensor, to: now)
    phase[sensor] =
      switch state {
      case .asleep, .failed: .asleep
      case .waking: .waking
      case .awake: .awake
      }
  }

  /// The time since the last settlement, by state; begins anew.
  mutating func settle(_ sensor: Int, at now: Instant) -> Spans {
    accrue(sensor, to: now)
    defer { spans[sensor] = Spans() }
    return spans[sensor]
  }
}
