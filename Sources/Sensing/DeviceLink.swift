import Linux
import Synchronization
import Vocabulary

/// What the pipeline's thread and one device's thread share: the state machine, and a bell for each direction.
final class DeviceLink: Sendable {
  let configuration: SensorConfiguration
  /// The sensor and its device, for errors.
  let subject: String
  let core = Mutex(DeviceState())
  /// Rung for the device's thread: what is wanted has changed.
  let order: EventDescriptor
  /// Rung for the pipeline's thread: there is something to be told. One for all devices of a rig.
  private let notice: Bell

  init(_ configuration: SensorConfiguration, notice: Bell) throws(LinuxError) {
    self.configuration = configuration
    subject = "sensor \(configuration.name) (\(configuration.device))"
    self.notice = notice
    order = try EventDescriptor()
  }

  /// The pipeline's thread: changes what is wanted and tells the device's.
  func change(_ body: (inout DeviceState) -> Void) -> SensorState {
    let state = core.withLock { core in
      body(&core)
      return core.state
    }
    order.ring()
    return state
  }

  /// The device's thread: waits until the device is wanted.
  /// - Returns: the wake's number; nil when the rig stops.
  func awaitWake() -> Int? {
    while true {
      let (wanted, isStopping) = core.withLock { ($0.wanted, $0.isStopping) }
      if isStopping { return nil }
      if let wanted { return wanted }
      // poll on our own descriptor fails only for want of kernel memory: then it is tried again.
      if (try? pollUntil(nil, readable: order.descriptor.number)) == true { order.clear() }
    }
  }

  func isWanted(_ wake: Int) -> Bool { core.withLock { $0.wanted == wake } }

  /// The device's thread: reports, and rings if the pipeline has something to be told.
  func report(_ body: (inout DeviceState) -> Bool) {
    if core.withLock({ body(&$0) }) { notice.ring() }
  }

  func count(_ body: (inout SensorCounters) -> Void) { core.withLock { body(&$0.counters) } }
}
