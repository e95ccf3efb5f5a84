import CV4L2
import Glibc
import Linux
import Vocabulary

/// The machine's microphones by ALSA and cameras by libv4l2, each with a thread of its own.
///
/// A sensor asleep has a closed device and a thread that blocks until it is wanted: no wake-ups. Awake, its thread
/// blocks in poll; the pipeline's is woken by what it asked for and by changes of state only.
package final class DeviceRig: SensorRig {
  private enum Device {
    case microphone(Microphone)
    case camera(Camera)

    var link: DeviceLink {
      switch self {
      case .microphone(let microphone): microphone.link
      case .camera(let camera): camera.link
      }
    }
  }

  package let configurations: [SensorConfiguration]
  package let bell: Bell
  private let notice: Bell
  private let devices: [Device]
  private var threads: InlineArray<32, Thread?>

  /// Prepares rings and bells; touches no device.
  /// - Throws: a configuration that cannot be.
  package init(sensors: [SensorConfiguration]) throws(SensingError) {
    try SensorConfiguration.check(sensors)
    configurations = sensors
    bell = try naming("sensors") { () throws(LinuxError) in try Bell() }
    let notice = try naming("sensors") { () throws(LinuxError) in try Bell() }
    self.notice = notice
    devices = try sensors.map { (sensor) throws(SensingError) in
      if sensor.device.isEmpty {
        throw SensingError("sensor \(sensor.name)", .configuration("no device named"))
      }
      let link = try naming("sensor \(sensor.name)") { () throws(LinuxError) in
        try DeviceLink(sensor, notice: notice)
      }
      switch sensor.kind {
      case .sound(let rate): return .microphone(Microphone(link, rate: rate))
      case .image(let width, let height, let channels, let frameRate):
        return .camera(
          Camera(link, width: width, height: height, channels: channels, frameRate: frameRate))
      }
    }
    threads = InlineArray { _ in nil }
  }

  deinit { end() }

  /// Starts a thread for each sensor.
  package func start() throws(SensingError) {
    // Its errors reach us by errno; what it writes to stderr besides goes nowhere.
    mmx_v4l2_log_to(fopen("/dev/null", "we"))
    for (index, device) in devices.enumerated() {
      threads[index] = try naming("sensor \(configurations[index].name)") { () throws(LinuxError) in
        switch device {
        case .microphone(let microphone): try Thread(named: "mmx-mic-\(index)") { microphone.run() }
        case .camera(let camera): try Thread(named: "mmx-cam-\(index)") { camera.run() }
        }
      }
    }
  }

  package func stop() { end() }

  private func end() {
    for device in devices { _ = device.link.change { $0.stop() } }
    for index in devices.indices {
      if let thread = threads[index].take() { thread.join() }
    }
  }

  package var now: Instant { Instant(sinceBoot: bootTimeNanoseconds()) }

  package func state(of sensor: Int) -> SensorState { devices[sensor].link.core.withLock { $0.state } }
  package func failure(of sensor: Int) -> SensingError? {
    devices[sensor].link.core.withLock { $0.failure }
  }
  package func counters(of sensor: Int) -> SensorCounters {
    devices[sensor].link.core.withLock { $0.counters }
  }

  @discardableResult package func wake(_ sensor: Int) -> SensorState {
    let now = now
    return devices[sensor].link.change { $0.wake(now: now) }
  }

  package func sleep(_ sensor: Int) { _ = devices[sensor].link.change { $0.sleep() } }

  package func requestSound(_ sensor: Int, until end: Instant) {
    devices[sensor].link.core.withLock { $0.ask(end) }
  }

  package func requestFrame(_ sensor: Int, notBefore earliest: Instant) {
    devices[sensor].link.core.withLock { $0.ask(earliest) }
  }

  package func next(until deadline: Instant?) -> SensorEvent {
    while true {
      if bell.clear() { return .interrupted }
      // Cleared before looking: what is reported after the look rings again.
      _ = notice.clear()
      if let event = pending() { return event }
      if let deadline, deadline <= now { return .deadline }
      wait(until: deadline)
    }
  }

  private func pending() -> SensorEvent? {
    for index in devices.indices {
      if let state = devices[index].link.core.withLock({ $0.takeStateChange() }) {
        return .state(sensor: index, state)
      }
    }
    for index in devices.indices {
      guard case .microphone(let microphone) = devices[index],
        microphone.link.core.withLock({ $0.takeDelivery() }) != nil
      else { continue }
      return .sound(sensor: index, until: microphone.ring.withLock { $0.end })
    }
    for index in devices.indices {
      guard case .camera(let camera) = devices[index],
        let captured = camera.link.core.withLock({ $0.takeDelivery() })
      else { continue }
      return .frame(sensor: index, captured: captured)
    }
    return nil
  }

  private func wait(until deadline: Instant?) {
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { pair in
      pair.initializeElement(at: 0, to: readable(bell.event.descriptor.number))
      pair.initializeElement(at: 1, to: readable(notice.event.descriptor.number))
      // poll on our own descriptors fails only for want of kernel memory: then the caller looks again.
      _ = try? pollUntil(deadline?.sinceBoot, pair)
    }
  }

  package func copySound(
    _ sensor: Int, endingAt end: Instant, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract {
    guard case .microphone(let microphone) = devices[sensor] else {
      preconditionFailure("sensor \(sensor) has no sound")
    }
    guard state(of: sensor).isAwake else {
      buffer.update(repeating: 0)
      return SoundExtract(missing: buffer.count, end: end)
    }
    return microphone.ring.withLock { $0.copy(endingAt: end, into: buffer) }
  }

  package func withFrame<R>(
    _ sensor: Int, _ body: (_ pixels: PixelView, _ captured: Instant) -> R
  ) -> R? {
    guard case .camera(let camera) = devices[sensor], case .awake(let since) = state(of: sensor) else {
      return nil
    }
    return camera.slot.withNewest(notBefore: since, body)
  }
}
