import Linux
import Synchronization
import Vocabulary

/// One sensor's state machine under its lock; what the pipeline's thread and the device's threads share.
final class SharedDeviceState: Sendable {
  private let state: Mutex<DeviceState>

  init(_ state: DeviceState) { self.state = Mutex(state) }

  func withLock<R>(_ body: (inout DeviceState) -> R) -> R { state.withLock { body(&$0) } }
}

/// What the pipeline's thread and one device thread share: the sensor's state, and a bell for each direction. A thread
/// that replaces one that hangs has a link of its own, so that neither takes the other's bell.
final class DeviceLink: Sendable {
  let configuration: SensorConfiguration
  /// The sensor and its device, for errors.
  let subject: String
  let core: SharedDeviceState
  let limits: DeviceLimits
  /// The thread's number.
  let thread: Int
  /// Rung for the device's thread: what is wanted has changed.
  let order: EventDescriptor
  /// Rung for the pipeline's thread: there is something to be told. One for all devices of a rig.
  private let notice: Bell

  init(
    _ configuration: SensorConfiguration, subject: String, core: SharedDeviceState, limits: DeviceLimits,
    thread: Int, notice: Bell
  ) throws(LinuxError) {
    self.configuration = configuration
    self.subject = subject
    self.core = core
    self.limits = limits
    self.thread = thread
    self.notice = notice
    order = try EventDescriptor()
  }

  // MARK: The device's thread

  /// Waits until the device is wanted.
  /// - Returns: the wake's number; nil when the thread is to end.
  func awaitWake() -> Int? {
    while true {
      let (order, isAwaited) = core.withLock { state in
        (state.nextOrder(for: thread, .current), state.isClosedAwaited)
      }
      if isAwaited { notice.ring() }
      switch order {
      case .leave: return nil
      case .open(let wake): return wake
      case .wait: break
      }
      // poll on our own descriptor fails only for want of kernel memory: then it is tried again.
      if (try? pollUntil(nil, readable: self.order.descriptor.number)) == true { self.order.clear() }
    }
  }

  /// What is to become of a device that is not wanted at present.
  func restOrder() -> DeviceState.Rest { core.withLock { $0.restOrder(for: thread) } }

  /// The stream is stopped, the device open: waits until it is wanted again.
  /// - Returns: the wake's number; nil when the device is to be closed.
  func awaitResume() -> Int? {
    core.withLock { $0.rested(thread) }
    while true {
      switch restOrder() {
      case .close: return nil
      case .resume(let wake): return wake
      case .wait: break
      }
      if (try? pollUntil(nil, readable: order.descriptor.number)) == true { order.clear() }
    }
  }

  /// The device is open. False when it is not wanted any more: the driver took longer than it was waited for.
  func opened(_ wake: Int, patience: Nanoseconds) -> Bool {
    core.withLock {
      $0.opened(wake, by: thread, patience: patience)
      return $0.wanted == wake
    }
  }

  func isWanted(_ wake: Int) -> Bool { core.withLock { $0.wanted == wake } }

  /// Leaves the device alone for `time`, or until there are orders.
  func pause(_ time: Nanoseconds) {
    if time <= .zero { return }
    if (try? pollUntil(bootTimeNanoseconds() + time.count, readable: order.descriptor.number)) == true {
      order.clear()
    }
  }

  /// Leaves the device alone for all of `time`, unless the wake is not wanted any more.
  func wait(_ time: Nanoseconds, for wake: Int) {
    let end = bootTimeNanoseconds() + time.count
    // The bell may have been rung for this very wake.
    while isWanted(wake), (try? pollUntil(end, readable: order.descriptor.number)) == true { order.clear() }
  }

  /// Reports, and rings if the pipeline has something to be told.
  func report(_ body: (inout DeviceState, Moment) -> Bool) {
    let now = Moment.current
    if core.withLock({ body(&$0, now) }) { notice.ring() }
  }

  func count(_ body: (inout SensorCounters) -> Void) { core.withLock { body(&$0.counters) } }

  /// A device whose stream runs on while the sensor sleeps has given something.
  func livesOn() {
    if configuration.sleepMode == .hot { core.withLock { $0.livesOn(thread, .current) } }
  }

  /// An error of this wake's device, or of one that rests.
  func fail(_ wake: Int, _ error: SensingError) { report { $0.failed(wake, error, $1, by: thread) } }
}
