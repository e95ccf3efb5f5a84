import Linux
import Pipeline
import ScriptedModels
import Sensing
import Startup
import Vocabulary

/// A microphone and a camera on a virtual clock that wake, fail, hang, lag and come back as a test says. Unlike a
/// recording's, a sensor that failed can come back here, and sound takes a while to arrive.
package final class ScriptedRig: SensorRig {
  package struct Script {
    /// From the wake to the first sample, or to the time from which the next frame is the first.
    package var wakeLatency = Nanoseconds.zero
    /// While one of these lasts the device is not there.
    package var outages: [Range<Instant>] = []
    /// A wake that falls into one of these does not come back from the driver.
    package var hangs: [Range<Instant>] = []
    /// Sound up to T is there this much after T.
    package var delay = Nanoseconds.zero

    package init(
      wakeLatency: Nanoseconds = .zero, outages: [Range<Instant>] = [], hangs: [Range<Instant>] = [],
      delay: Nanoseconds = .zero
    ) {
      self.wakeLatency = wakeLatency
      self.outages = outages
      self.hangs = hangs
      self.delay = delay
    }
  }

  private struct Sensor {
    var state = SensorState.asleep
    var failure: SensingError?
    var counters = SensorCounters()
    var request: Instant?
    var tellsClosed = false
    /// When the wake under way succeeds.
    var ready: Instant?
    var retry = Instant.zero
    /// A failure to be told.
    var tells = false
  }

  package let configurations: [SensorConfiguration]
  package let bell: Bell
  package private(set) var now = Instant.zero
  package let scripts: [Script]
  package let end: Instant
  /// Sample `n` of the sound, 8,000 a second; pixel value of frame `n`, 10 a second.
  package var sample: (Int) -> Int16 = { Int16(($0 % 80 - 40) * 200) }
  package var pixel: (Int) -> UInt8 = { UInt8(truncatingIfNeeded: $0 * 37) }
  /// How long the program is busy in a call of the rig, or in what it does until the next one; nil for no time at all.
  package var cost: (() -> Nanoseconds)?
  package private(set) var isStopped = false
  private var sensors: [Sensor]
  private let pixels = UnsafeMutablePointer<UInt8>.allocate(capacity: 16)

  package static let rate = 8_000
  package static let frame = Nanoseconds.milliseconds(100)

  package init(_ configurations: [SensorConfiguration], _ scripts: [Script], seconds: Int64) throws {
    self.configurations = configurations
    self.scripts = scripts
    bell = try Bell()
    end = .zero + .seconds(seconds)
    sensors = configurations.map { _ in Sensor() }
  }

  deinit { pixels.deallocate() }

  package func start() {}
  package func stop() -> [String] {
    isStopped = true
    return []
  }
  package func state(of sensor: Int) -> SensorState { sensors[sensor].state }
  package func failure(of sensor: Int) -> SensingError? { sensors[sensor].failure }
  package func counters(of sensor: Int) -> SensorCounters { sensors[sensor].counters }

  private func isOut(_ sensor: Int) -> Bool { scripts[sensor].outages.contains { $0.contains(now) } }

  /// Time goes by while the program works.
  package func work() { if let cost { now = now + cost() } }

  package func wake(_ sensor: Int) -> SensorState {
    work()
    switch sensors[sensor].state {
    case .waking, .awake: return sensors[sensor].state
    case .failed where now < sensors[sensor].retry || sensors[sensor].ready != nil:
      return sensors[sensor].state
    case .asleep: sensors[sensor].state = .waking(since: now)
    case .failed: break
    }
    sensors[sensor].counters.wakes += 1
    if isOut(sensor) {
      fail(sensor, .absent)
    } else if !scripts[sensor].hangs.contains(where: { $0.contains(now) }) {
      let ready = now + scripts[sensor].wakeLatency
      sensors[sensor].ready = sensor == 0 ? ready : captured(frames(by: ready - Nanoseconds(1)))
    } else if case .failed = sensors[sensor].state {
      fail(sensor, .openHung)
    }
    return sensors[sensor].state
  }

  private func fail(_ sensor: Int, _ fault: SensorFault) {
    sensors[sensor].counters.faults += 1
    sensors[sensor].request = nil
    sensors[sensor].ready = nil
    sensors[sensor].retry = now + (fault == .openHung ? .seconds(15) : .seconds(1))
    if case .failed(fault, _) = sensors[sensor].state { return }
    sensors[sensor].state = .failed(fault, since: now)
    sensors[sensor].failure = SensingError("sensor \(sensor)", .device(fault, detail: ""))
    sensors[sensor].tells = true
  }

  package func sleep(_ sensor: Int) {
    work()
    if case .failed = sensors[sensor].state { return }
    sensors[sensor].state = .asleep
    sensors[sensor].request = nil
    sensors[sensor].ready = nil
  }

  package func requestSound(_ sensor: Int, until end: Instant) { sensors[sensor].request = end }
  package func requestFrame(_ sensor: Int, notBefore earliest: Instant) { sensors[sensor].request = earliest }

  /// The number of frames captured by an instant.
  private func frames(by instant: Instant) -> Int {
    instant < .zero ? 0 : Int((instant - .zero).count / Self.frame.count) + 1
  }
  private func captured(_ frame: Int) -> Instant { .zero + Nanoseconds(Int64(frame) * Self.frame.count) }

  private func due(_ sensor: Int) -> Instant? {
    let one = sensors[sensor]
    if one.tells { return now }
    if let ready = one.ready { return max(now, ready) }
    switch one.state {
    case .waking(let since): return since + configurations[sensor].wakeLimit
    case .awake(let since):
      let out = scripts[sensor].outages.map(\.lowerBound).filter { $0 >= since }.min()
      let data = one.request.map { request -> Instant in
        sensor == 0
          ? request + scripts[0].delay
          : captured(max(frames(by: request - Nanoseconds(1)), frames(by: since - Nanoseconds(1))))
      }
      let soonest = [out, data].compactMap { $0 }.min()
      return soonest.map { max(now, $0) }
    case .asleep, .failed: return nil
    }
  }

  package func requestClosed(_ sensor: Int) { sensors[sensor].tellsClosed = true }

  /// What has become of devices while the program worked: as a device's own thread does it, and the device rig's `next`
  /// before anything else is told.
  private func supervise() {
    for sensor in sensors.indices {
      if let ready = sensors[sensor].ready, ready <= now {
        if isOut(sensor) { fail(sensor, .unplugged) } else { awaken(sensor, at: ready) }
      } else if case .waking(let since) = sensors[sensor].state,
        since + configurations[sensor].wakeLimit <= now
      {
        fail(sensor, .openHung)
      } else if case .awake(let since) = sensors[sensor].state,
        scripts[sensor].outages.contains(where: { $0.lowerBound >= since && $0.lowerBound < now })
      {
        fail(sensor, .unplugged)
      }
    }
  }

  private func awaken(_ sensor: Int, at ready: Instant) {
    sensors[sensor].ready = nil
    sensors[sensor].failure = nil
    sensors[sensor].state = .awake(since: ready)
    sensors[sensor].tells = true
  }

  package func next(until deadline: Instant?) -> SensorEvent {
    work()
    supervise()
    if bell.clear() { return .interrupted }
    for sensor in sensors.indices where sensors[sensor].tellsClosed {
      sensors[sensor].tellsClosed = false
      return .closed(sensor: sensor)
    }
    let dues = sensors.indices.compactMap { sensor in due(sensor).map { ($0, sensor) } }
    guard let (when, sensor) = dues.min(by: { $0.0 < $1.0 }), when <= end,
      when <= max(now, deadline ?? end)
    else {
      now = max(now, min(end, deadline ?? end))
      return now >= end ? .ended : .deadline
    }
    now = when
    if sensors[sensor].tells {
      sensors[sensor].tells = false
      return .state(sensor: sensor, sensors[sensor].state)
    }
    if isOut(sensor) {
      fail(sensor, .unplugged)
      return next(until: deadline)
    }
    if let ready = sensors[sensor].ready {
      awaken(sensor, at: ready)
      sensors[sensor].tells = false
      return .state(sensor: sensor, sensors[sensor].state)
    }
    if case .waking = sensors[sensor].state {
      fail(sensor, .openHung)
      return next(until: deadline)
    }
    sensors[sensor].request = nil
    return sensor == 0
      ? .sound(sensor: 0, until: now - scripts[0].delay)
      : .frame(sensor: 1, captured: captured(frames(by: now) - 1))
  }

  package func copySound(
    _ sensor: Int, endingAt end: Instant, every hop: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract {
    work()
    // The first sample at the time since which it is awake, or after it.
    let sample = 1_000_000_000 / Int64(Self.rate)
    var origin = 0
    if case .awake(let since) = sensors[0].state {
      origin = Int(((since - .zero).count + sample - 1) / sample)
    }
    var last = Int((end - .zero).count / sample)
    var behind = (last - buffer.count - origin) % hop
    if behind < 0 { behind += hop }
    last -= behind
    var missing = 0
    for i in 0..<buffer.count {
      let number = last - buffer.count + i
      let time = Instant.zero + Nanoseconds(Int64(number) * 1_000_000_000 / Int64(Self.rate))
      if case .awake(let since) = sensors[0].state, time >= since,
        time < now - scripts[0].delay + Nanoseconds(1)
      {
        buffer[i] = self.sample(number)
      } else {
        buffer[i] = 0
        missing += 1
      }
    }
    return SoundExtract(
      missing: missing, end: .zero + Nanoseconds(Int64(last) * sample),
      position: SoundPosition(stream: UInt64(sensors[0].counters.wakes), first: last - buffer.count))
  }

  package func withFrame<R>(_ sensor: Int, _ body: (PixelView, Instant) -> R) -> R? {
    work()
    guard case .awake(let since) = sensors[sensor].state else { return nil }
    let newest = frames(by: now) - 1
    guard newest >= 0, captured(newest) >= since else { return nil }
    for i in 0..<16 { pixels[i] = pixel(newest) &+ UInt8(i * 3) }
    return body(PixelView(base: UnsafePointer(pixels), width: 4, height: 4, channels: 1), captured(newest))
  }
}

extension Scene {
  /// The pipeline on scripted sensors, played to its end. `check` is called after each decision.
  package func play(
    _ model: ScriptedModel, audio: ScriptedRig.Script = .init(), image: ScriptedRig.Script = .init(),
    seconds: Int64, prepare: (ScriptedRig) -> Void = { _ in },
    check: @escaping (borrowing Decision, PipelineStatus) -> Void = { _, _ in }
  ) throws -> Outcome {
    let model = try model.model()
    let plan = try PolicyPlan(configuration, model)
    let rig = try ScriptedRig(Rigs.configurations(configuration, model), [audio, image], seconds: seconds)
    prepare(rig)
    var decisions: [Decision] = []
    var notes: [PipelineNote] = []
    var board: PipelineStatusBoard?
    let pipeline = Pipeline(
      rig: rig, model: model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(configuration, model),
      energy: EnergyAccounts(plan.energy, network: model),
      audits: AuditTurns(configuration, model, plan.energy)
    ) { decision in
      decisions.append(copy decision)
      if let board { check(decision, board.read()) }
    } note: {
      notes.append($0)
    }
    board = pipeline.status
    try pipeline.run()
    return Outcome(decisions: decisions, notes: notes, status: pipeline.status.read())
  }
}
