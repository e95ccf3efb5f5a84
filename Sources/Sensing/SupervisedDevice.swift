import Linux
import Vocabulary

/// One sensor of a rig: its state, and the thread that has its device. A thread that hangs in the driver is replaced at
/// the next try and left to itself: should it come back, it closes what it opened and ends. What it still reads goes
/// into buffers that nobody else has. Only the pipeline's thread calls this.
final class SupervisedDevice {
  /// What a thread works on, and what the pipeline reads.
  enum Work {
    case microphone(Microphone)
    case camera(Camera)

    var link: DeviceLink {
      switch self {
      case .microphone(let microphone): microphone.link
      case .camera(let camera): camera.link
      }
    }
  }

  let state: SharedDeviceState
  private(set) var work: Work
  private let configuration: SensorConfiguration
  private let calls: DeviceCalls
  private let limits: DeviceLimits
  private let notice: Bell
  private let threadName: String
  private var thread: Thread?

  init(
    _ configuration: SensorConfiguration, number: Int, calls: DeviceCalls, limits: DeviceLimits, notice: Bell
  ) throws(LinuxError) {
    self.configuration = configuration
    self.calls = calls
    self.limits = limits
    self.notice = notice
    state = SharedDeviceState(
      DeviceState(
        subject: Self.subject(configuration), wakeLimit: configuration.wakeLimit, limits: limits,
        sleepMode: configuration.sleepMode))
    if case .sound = configuration.kind {
      threadName = "mmx-mic-\(number)"
    } else {
      threadName = "mmx-cam-\(number)"
    }
    work = try Self.work(configuration, state, calls, limits, thread: 0, notice)
  }

  private static func subject(_ configuration: SensorConfiguration) -> String {
    "sensor \(configuration.name) (\(configuration.device))"
  }

  private static func work(
    _ configuration: SensorConfiguration, _ state: SharedDeviceState, _ calls: DeviceCalls,
    _ limits: DeviceLimits, thread: Int, _ notice: Bell
  ) throws(LinuxError) -> Work {
    let link = try DeviceLink(
      configuration, subject: subject(configuration), core: state, limits: limits, thread: thread,
      notice: notice)
    switch configuration.kind {
    case .sound(let rate): return .microphone(Microphone(link, rate: rate, calls: calls.microphone))
    case .image(let width, let height, let channels, let frameRate):
      return .camera(
        Camera(
          link,
          CameraChoice.Wish(
            width: width, height: height, channels: channels, frameRate: frameRate,
            format: configuration.cameraSettings.pixelFormat),
          calls: calls.camera))
    }
  }

  func start() throws(LinuxError) {
    switch work {
    case .microphone(let microphone): thread = try Thread(named: threadName) { microphone.run() }
    case .camera(let camera): thread = try Thread(named: threadName) { camera.run() }
    }
  }

  /// Changes what is wanted and tells the thread.
  func change(_ body: (inout DeviceState) -> Void) -> SensorState {
    defer { work.link.order.ring() }
    return state.withLock { state in
      body(&state)
      return state.state
    }
  }

  func wake() -> SensorState {
    let now = Moment.current
    let (isNew, replacement) = state.withLock { state in
      let before = state.wanted
      state.wake(now)
      return (state.wanted != before, state.replaceThread())
    }
    if let replacement { replaceThread(by: replacement) }
    if isNew { work.link.order.ring() }
    return state.withLock { $0.state }
  }

  private func replaceThread(by number: Int) {
    thread.take()?.abandon()
    do throws(LinuxError) {
      work = try Self.work(configuration, state, calls, limits, thread: number, notice)
      try start()
    } catch {
      let failure = SensingError(Self.subject(configuration), .device(.ioError, detail: error.description))
      state.withLock { state in
        if let wake = state.wanted { _ = state.failed(wake, failure, .current) }
        state.lostThread()
      }
      notice.ring()
    }
  }

  /// Fails the sensor when what is expected of it is overdue.
  func supervise(_ now: Moment) {
    if state.withLock({ $0.supervise(now) }) { work.link.order.ring() }
  }

  /// Waits until `end` (CLOCK_MONOTONIC) for the thread.
  /// - Returns: the thread's name and device if it still hangs then; it is left to itself.
  func join(until end: Instant) -> String? {
    guard let thread = thread.take() else { return nil }
    if thread.join(within: end - Moment.current.steady) { return nil }
    return "\(threadName) (\(Self.subject(configuration)))"
  }
}

/// The calls under all devices of a rig.
package struct DeviceCalls: Sendable {
  package var microphone = MicrophoneCalls.system
  package var camera = CameraCalls.system

  package init() {}
}
