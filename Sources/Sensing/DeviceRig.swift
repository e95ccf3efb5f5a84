import CV4L2
import Glibc
import Linux
import Vocabulary

/// The machine's microphones by ALSA and cameras by libv4l2, each with a thread of its own.
///
/// A sensor asleep has a closed device (or one that rests, by its `SleepMode`) and a thread that blocks until it is wanted: no
/// wake-ups but those of a stream that runs on. Awake, its thread blocks in poll; the pipeline's is woken by what it asked for and by changes of state only.
package final class DeviceRig: SensorRig {
  package let configurations: [SensorConfiguration]
  package let bell: Bell
  private let notice: Bell
  private let devices: [SupervisedDevice]
  private let limits: DeviceLimits

  /// Prepares rings and bells; touches no device.
  /// - Throws: a configuration that cannot be.
  package convenience init(sensors: [SensorConfiguration]) throws(SensingError) {
    try self.init(sensors: sensors, calls: DeviceCalls(), limits: DeviceLimits())
  }

  /// - Parameters:
  ///   - calls: the system's, or a test's.
  ///   - limits: how long devices and threads may take.
  package init(
    sensors: [SensorConfiguration], calls: DeviceCalls, limits: DeviceLimits
  ) throws(SensingError) {
    try SensorConfiguration.check(sensors)
    configurations = sensors
    self.limits = limits
    bell = try naming("sensors") { () throws(LinuxError) in try Bell() }
    let notice = try naming("sensors") { () throws(LinuxError) in try Bell() }
    self.notice = notice
    var devices: [SupervisedDevice] = []
    for (number, sensor) in sensors.enumerated() {
      if sensor.device.isEmpty {
        throw SensingError("sensor \(sensor.name)", .configuration("no device named"))
      }
      let device = try naming("sensor \(sensor.name)") { () throws(LinuxError) in
        try SupervisedDevice(sensor, number: number, calls: calls, limits: limits, notice: notice)
      }
      devices.append(device)
    }
    self.devices = devices
  }

  deinit { end() }

  /// Starts a thread for each sensor.
  package func start() throws(SensingError) {
    // Its errors reach us by errno; what it writes to stderr besides goes nowhere.
    mmx_v4l2_log_to(fopen("/dev/null", "we"))
    for (device, sensor) in zip(devices, configurations) {
      try naming("sensor \(sensor.name)") { () throws(LinuxError) in try device.start() }
    }
  }

  @discardableResult package func stop() -> [String] { end() }

  @discardableResult private func end() -> [String] {
    let now = Moment.current
    for device in devices { _ = device.change { $0.stop(now) } }
    let until = now.steady + limits.stop
    return devices.compactMap { $0.join(until: until) }
  }

  package var now: Instant { Instant(sinceBoot: bootTimeNanoseconds()) }

  package func state(of sensor: Int) -> SensorState { devices[sensor].state.withLock { $0.state } }
  package func failure(of sensor: Int) -> SensingError? {
    devices[sensor].state.withLock { $0.failure }
  }
  package func counters(of sensor: Int) -> SensorCounters {
    devices[sensor].state.withLock { $0.counters }
  }

  @discardableResult package func wake(_ sensor: Int) -> SensorState { devices[sensor].wake() }

  package func sleep(_ sensor: Int) { _ = devices[sensor].change { $0.sleep(.current) } }

  package func requestSound(_ sensor: Int, until end: Instant) {
    devices[sensor].state.withLock { $0.ask(end) }
  }

  package func requestFrame(_ sensor: Int, notBefore earliest: Instant) {
    devices[sensor].state.withLock { $0.ask(earliest) }
  }

  package func requestClosed(_ sensor: Int) { _ = devices[sensor].change { $0.askClosed(.current) } }

  package func next(until deadline: Instant?) -> SensorEvent {
    while true {
      // Cleared before looking: what is reported after the look rings again.
      _ = notice.clear()
      let now = Moment.current
      // Before anything is told: commands that come one after another put no device's limits off.
      for device in devices { device.supervise(now) }
      if bell.clear() { return .interrupted }
      if let event = pending() { return event }
      if let deadline, deadline <= now.boot { return .deadline }
      wait(until: deadline, from: now)
    }
  }

  private func pending() -> SensorEvent? {
    for index in devices.indices {
      if let state = devices[index].state.withLock({ $0.takeStateChange() }) {
        return .state(sensor: index, state)
      }
    }
    for index in devices.indices {
      guard case .microphone(let microphone) = devices[index].work,
        devices[index].state.withLock({ $0.takeDelivery() }) != nil
      else { continue }
      return .sound(sensor: index, until: microphone.ring.withLock { $0.end })
    }
    for index in devices.indices {
      guard case .camera = devices[index].work,
        let captured = devices[index].state.withLock({ $0.takeDelivery() })
      else { continue }
      return .frame(sensor: index, captured: captured)
    }
    for index in devices.indices where devices[index].state.withLock({ $0.takeClosed() }) {
      return .closed(sensor: index)
    }
    return nil
  }

  /// Blocks until a bell rings, the deadline comes, or a device is overdue.
  private func wait(until deadline: Instant?, from now: Moment) {
    var deadline = deadline
    for device in devices {
      guard let due = device.state.withLock({ $0.due }) else { continue }
      let instant = now.boot + (due - now.steady)
      deadline = min(deadline ?? instant, instant)
    }
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { pair in
      pair.initializeElement(at: 0, to: readable(bell.number))
      pair.initializeElement(at: 1, to: readable(notice.number))
      // poll on our own descriptors fails only for want of kernel memory: then the caller looks again.
      _ = try? pollUntil(deadline?.sinceBoot, pair)
    }
  }

  package func copySound(
    _ sensor: Int, endingAt end: Instant, every hop: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract {
    guard case .microphone(let microphone) = devices[sensor].work else {
      preconditionFailure("sensor \(sensor) has no sound")
    }
    guard state(of: sensor).isAwake else {
      buffer.update(repeating: 0)
      return SoundExtract(missing: buffer.count, end: end)
    }
    return microphone.ring.withLock { $0.copy(endingAt: end, every: hop, into: buffer) }
  }

  package func withFrame<R>(
    _ sensor: Int, _ body: (_ pixels: PixelView, _ captured: Instant) -> R
  ) -> R? {
    guard case .camera(let camera) = devices[sensor].work, case .awake(let since) = state(of: sensor) else {
      return nil
    }
    return camera.slot.withNewest(notBefore: since, body)
  }
}
