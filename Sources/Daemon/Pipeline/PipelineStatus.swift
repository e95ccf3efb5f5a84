import Sensing
import Synchronization
import Vocabulary

/// Where the pipeline stands: what `GetStatus` answers. Copied whole under a lock; nothing in it is on the heap.
package struct PipelineStatus: Sendable {
  package struct Sensor: Sendable {
    package var state = SensorState.asleep
    package var wakes: UInt64 = 0
    package var faults: UInt64 = 0
    package var awake = Nanoseconds.zero
    package var awakeSince: Instant?
    package var heldAwake = false

    /// All time awake up to `now`, what still runs included.
    package func awakeTime(at now: Instant) -> Nanoseconds {
      awake + (awakeSince.map { max(.zero, now - $0) } ?? .zero)
    }
  }
  package var sensors = InlineArray<8, Sensor>(repeating: Sensor())
  package var sensorCount: Int
  package var sentinel: Int
  package var decisions: UInt64 = 0
  package var joined: UInt64 = 0
  package var looks: UInt64 = 0
  package var unsure: UInt64 = 0
  package var energy = Nanojoules.zero
  package var alwaysOn = Nanojoules.zero
  package var now = Instant.zero
}

/// The status that one thread writes and others read.
package final class PipelineStatusBoard: Sendable {
  private let status: Mutex<PipelineStatus>

  init(sensors: Int, sentinel: Int) {
    status = Mutex(PipelineStatus(sensorCount: sensors, sentinel: sentinel))
  }

  /// A copy of everything as it stands.
  package func read() -> PipelineStatus { status.withLock { $0 } }

  func note(_ decision: borrowing Decision, joined: UInt64, looked: Bool, now: Instant) {
    let reason = decision.answer.reason
    let isUnsure = reason != .sure && reason != .fused && reason != .inactive
    let total = decision.totalEnergy
    let alwaysOn = decision.alwaysOn
    status.withLock {
      $0.decisions += 1
      $0.joined = joined
      if looked { $0.looks += 1 }
      if isUnsure { $0.unsure += 1 }
      $0.energy += total
      $0.alwaysOn += alwaysOn
      $0.now = now
    }
  }

  func note(sentinel: Int) { status.withLock { $0.sentinel = sentinel } }

  func note(sensor index: Int, _ state: SensorState, now: Instant) {
    status.withLock { status in
      var sensor = status.sensors[index]
      if let since = sensor.awakeSince {
        sensor.awake = sensor.awake + (now - since)
        sensor.awakeSince = nil
      }
      switch state {
      case .waking: sensor.wakes += 1
      case .awake: sensor.awakeSince = now
      case .failed: sensor.faults += 1
      case .asleep: break
      }
      sensor.state = state
      status.sensors[index] = sensor
    }
  }

  /// - Returns: whether that is news.
  func holdAwake(_ sensor: Int, _ held: Bool) -> Bool {
    status.withLock { status in
      defer { status.sensors[sensor].heldAwake = held }
      return status.sensors[sensor].heldAwake != held
    }
  }
}
