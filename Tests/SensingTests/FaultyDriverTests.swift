import Glibc
import Linux
import ScriptedDevices
import Testing
import Vocabulary

@testable import Sensing

/// The device rig on drivers that misbehave, with its threads and in real time. What is waited for is waited for up to
/// 20 s, so that a loaded machine changes nothing; who hangs does so until the test lets go.
@Suite struct FaultyDriverTests {
  enum Kind: CaseIterable { case microphone, camera }

  /// A rig of one sensor on a scripted driver, with short limits.
  final class Bench {
    let driver: Driver
    let rig: DeviceRig

    init(
      _ kind: Kind, wakeLimit: Nanoseconds = .milliseconds(300),
      _ change: (inout Driver.Script) -> Void = { _ in },
      configure: (inout SensorConfiguration) -> Void = { _ in },
      limit: (inout DeviceLimits, Driver) -> Void = { _, _ in }
    )
      throws
    {
      driver = try Driver()
      driver.set(change)
      var calls = DeviceCalls()
      calls.microphone = ScriptedMicrophone(driver, rate: 8_000).calls
      calls.camera = ScriptedCamera(driver).calls
      calls.camera.decoder = PictureDecoderTests.program
      var limits = DeviceLimits()
      limits.patience = .milliseconds(200)
      limits.close = .milliseconds(200)
      limits.firstBackoff = .milliseconds(20)
      limits.hungBackoff = .milliseconds(50)
      limit(&limits, driver)
      let shape: SensorConfiguration.Kind =
        switch kind {
        case .microphone: .sound(rate: 8_000)
        case .camera: .image(width: 16, height: 16, channels: 1, frameRate: FrameRate(frames: 50)!)
        }
      var sensor = SensorConfiguration(name: "x", kind: shape, device: "/dev/null", wakeLimit: wakeLimit)
      configure(&sensor)
      rig = try DeviceRig(sensors: [sensor], calls: calls, limits: limits)
      try rig.start()
    }

    deinit {
      driver.release()
      rig.stop()
    }

    /// Changes that came while something else was waited for.
    private var changes: [SensorState] = []

    private func step() {
      if case .state(_, let state) = rig.next(until: rig.now + .milliseconds(2)) { changes.append(state) }
    }

    /// The next change of state; nil where none came.
    func change() -> SensorState? {
      if !changes.isEmpty { return changes.removeFirst() }
      let end = rig.now + .seconds(20)
      while true {
        switch rig.next(until: end) {
        case .state(_, let state): return state
        case .deadline: return nil
        default: break
        }
      }
    }

    func fault() -> SensorFault? {
      if case .failed(let fault, _) = change() { fault } else { nil }
    }

    func isAwake() -> Bool { change()?.isAwake == true }

    /// Data newer than now comes.
    func delivers(_ kind: Kind) -> Bool {
      let now = rig.now
      if kind == .microphone { rig.requestSound(0, until: now) } else { rig.requestFrame(0, notBefore: now) }
      switch rig.next(until: now + .seconds(20)) {
      case .sound, .frame: return true
      default: return false
      }
    }

    /// Asks for the sensor until the rig tries it again.
    func retry() {
      changes.removeAll()
      let wakes = rig.counters(of: 0).wakes
      for _ in 0..<10_000 where rig.counters(of: 0).wakes == wakes {
        rig.wake(0)
        step()
      }
    }

    /// Until it holds.
    func eventually(_ condition: () -> Bool) -> Bool {
      for _ in 0..<10_000 {
        if condition() { return true }
        step()
      }
      return condition()
    }
  }

  @Test(arguments: Kind.allCases) func aDriverThatWorksDeliversAgainAndAgain(kind: Kind) throws {
    let bench = try Bench(kind)
    for round in 1...20 {
      bench.rig.wake(0)
      #expect(bench.isAwake() && bench.delivers(kind), "round \(round)")
      bench.rig.sleep(0)
    }
    let isClosed = bench.eventually { bench.driver.counts.closes == 20 }
    #expect(isClosed && bench.driver.counts.opens == 20)
    #expect(bench.rig.counters(of: 0).faults == 0)
  }

  @Test(arguments: Kind.allCases) func aHungOpenIsToldAndItsLateReturnIsHarmless(kind: Kind) throws {
    let bench = try Bench(kind) { $0.open = .hangs }
    bench.rig.wake(0)
    #expect(bench.fault() == .openHung)
    #expect(bench.rig.failure(of: 0)?.description.contains("does not return from opening it") == true)
    // The try takes a thread of its own, which works; the one that hangs then comes back, closes and ends.
    bench.driver.set { $0.open = .works }
    bench.retry()
    #expect(bench.isAwake() && bench.delivers(kind))
    #expect(bench.driver.counts.hanging == 1)
    bench.driver.release()
    let isClosed = bench.eventually { bench.driver.counts.closes == 1 }
    #expect(isClosed, "what it opened is closed by it")
    #expect(bench.rig.state(of: 0).isAwake && bench.delivers(kind))
  }

  @Test(arguments: Kind.allCases) func aHungCloseIsToldAndTheSensorComesBack(kind: Kind) throws {
    let bench = try Bench(kind) { $0.close = .hangs }
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.rig.sleep(0)
    #expect(bench.fault() == .closeHung)
    bench.driver.set { $0.close = .works }
    bench.driver.release()
    bench.retry()
    #expect(bench.isAwake() && bench.delivers(kind))
  }

  @Test(arguments: Kind.allCases) func aDriverThatHoldsItsThreadIsWedgedThenHung(kind: Kind) throws {
    let bench = try Bench(kind)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.driver.set { $0.data = .hangs }
    #expect(bench.fault() == .wedged)
    #expect(bench.fault() == .closeHung)
  }

  @Test(arguments: Kind.allCases) func threadsThatHangAreBounded(kind: Kind) throws {
    let bench = try Bench(kind, wakeLimit: .milliseconds(60)) { $0.open = .hangs }
    for _ in 0..<400 {
      bench.rig.wake(0)
      _ = bench.rig.next(until: bench.rig.now + .milliseconds(5))
    }
    #expect(bench.eventually { bench.driver.counts.hanging == 4 }, "the first and three that replaced it")
    #expect(bench.rig.counters(of: 0).wakes == 4)
    bench.driver.set { $0.open = .works }
    bench.driver.release()
    let isClosed = bench.eventually { bench.driver.counts.closes == 4 }
    #expect(isClosed && bench.driver.counts.opens == 4)
    bench.retry()
    #expect(bench.isAwake() && bench.delivers(kind))
  }

  @Test(arguments: Kind.allCases) func readyWithoutDataIsWedgedAndDoesNotSpin(kind: Kind) throws {
    let bench = try Bench(kind, wakeLimit: .seconds(10)) { $0.data = .readyAndEmpty }
    bench.rig.wake(0)
    #expect(bench.fault() == .wedged)
    // 200 ms: a second look at once, then pauses of 1, 2, 4, 8, 16, 32 and 64 ms.
    #expect((3...12).contains(bench.driver.counts.reads), "\(bench.driver.counts)")
  }

  @Test(arguments: Kind.allCases) func anAwakeDeviceThatBecomesReadyWithoutDataIsWedged(kind: Kind) throws {
    let bench = try Bench(kind)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.driver.set { $0.data = .readyAndEmpty }
    #expect(bench.fault() == .wedged)
    bench.driver.set { $0.data = .flows }
    bench.retry()
    #expect(bench.isAwake() && bench.delivers(kind))
  }

  @Test(arguments: Kind.allCases) func silenceIsWedged(kind: Kind) throws {
    let bench = try Bench(kind, wakeLimit: .seconds(10)) { $0.data = .silent }
    bench.rig.wake(0)
    #expect(bench.fault() == .wedged)
    #expect(bench.rig.failure(of: 0)?.description.contains("for 200 ms") == true)
  }

  @Test(arguments: Kind.allCases, [(ENODEV, SensorFault.unplugged), (EPROTO, .ioError), (EINVAL, .ioError)])
  func aDeviceThatGoesAwayMidStreamFailsAndComesBack(kind: Kind, end: (code: Int32, fault: SensorFault))
    throws
  {
    let bench = try Bench(kind)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.driver.set { $0.data = .fails(end.code) }
    #expect(bench.fault() == end.fault)
    bench.driver.set { $0.open = .fails(ENOENT) }
    bench.retry()
    #expect(bench.fault() == .absent)
    bench.driver.set {
      $0.open = .works
      $0.data = .flows
    }
    bench.retry()
    #expect(bench.isAwake() && bench.delivers(kind))
    #expect(bench.rig.failure(of: 0) == nil)
    #expect(bench.driver.counts.closes == bench.driver.counts.opens - 1)
  }

  @Test(
    arguments: Kind.allCases,
    [(EBUSY, SensorFault.busy), (EACCES, .permissionDenied), (ENOENT, .absent), (ENOSPC, .noBandwidth)])
  func anOpenThatFailsIsNamed(kind: Kind, end: (code: Int32, fault: SensorFault)) throws {
    let bench = try Bench(kind) { $0.open = .fails(end.code) }
    bench.rig.wake(0)
    #expect(bench.fault() == end.fault)
  }

  @Test(arguments: Kind.allCases) func aSlowFirstDatumIsWaitedForUpToTheLimit(kind: Kind) throws {
    let patient = try Bench(kind, wakeLimit: .seconds(20)) { $0.firstDataAfter = .milliseconds(100) }
    patient.rig.wake(0)
    #expect(patient.isAwake() && patient.delivers(kind))
    // Opened in time, and no data by the limit, which is shorter than the thread's own patience.
    let impatient = try Bench(kind, wakeLimit: .milliseconds(60)) { $0.firstDataAfter = .seconds(60) }
    impatient.rig.wake(0)
    #expect(impatient.fault() == .wedged)
    #expect(impatient.rig.failure(of: 0)?.description.contains("60 ms after it was opened") == true)
  }

  @Test func damagedFramesEndTheCamera() throws {
    let bench = try Bench(.camera, wakeLimit: .seconds(20)) { $0.isDamaged = true }
    bench.rig.wake(0)
    let fault = bench.fault()
    #expect(fault == .ioError || fault == .wedged)
    #expect(bench.rig.counters(of: 0).framesCorrupt > 0)
  }

  @Test func lateFramesKeepTheTimeTheyWereCapturedAt() throws {
    let bench = try Bench(.camera, wakeLimit: .seconds(20)) { $0.lateness = .milliseconds(150) }
    bench.rig.wake(0)
    #expect(bench.isAwake())
    let asked = bench.rig.now
    bench.rig.requestFrame(0, notBefore: asked)
    guard case .frame(_, let captured) = bench.rig.next(until: asked + .seconds(20)) else {
      Issue.record("no frame")
      return
    }
    #expect(captured >= asked && bench.rig.now - captured >= .milliseconds(150))
  }

  @Test(arguments: Kind.allCases) func stoppingDoesNotWaitForAThreadThatHangs(kind: Kind) throws {
    let bench = try Bench(kind) { $0.open = .hangs }
    bench.rig.wake(0)
    #expect(bench.eventually { bench.driver.counts.hanging == 1 })
    let left = bench.rig.stop()
    let name = kind == .microphone ? "mmx-mic-0" : "mmx-cam-0"
    #expect(left == ["\(name) (sensor x (/dev/null))"])
    #expect(bench.driver.counts.hanging == 1, "it hangs still")
    #expect(bench.rig.stop() == [], "nobody waits for it twice")
    let working = try Bench(kind)
    working.rig.wake(0)
    #expect(working.isAwake())
    #expect(working.rig.stop() == [])
    #expect(working.driver.counts.closes == 1)
  }

  @Test func noWakeUpIsLostBetweenTheThreads() throws {
    let bench = try Bench(.camera)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    for round in 1...300 {
      guard bench.delivers(.camera) else {
        Issue.record("frame \(round) was not told")
        return
      }
    }
  }
}
