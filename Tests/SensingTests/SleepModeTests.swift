import Glibc
import ScriptedDevices
import Testing
import Vocabulary

@testable import Sensing

/// What becomes of devices while their sensors sleep, on scripted drivers and in a recording.
@Suite struct SleepModeTests {
  typealias Kind = FaultyDriverTests.Kind
  typealias Bench = FaultyDriverTests.Bench

  private func bench(_ kind: Kind, _ mode: SleepMode, settling: Int = 3) throws -> Bench {
    try Bench(
      kind, wakeLimit: .seconds(20),
      configure: {
        $0.sleepMode = mode
        $0.settlingFrames = kind == .camera ? settling : 0
      })
  }

  // MARK: Warm

  @Test(arguments: Kind.allCases) func aWarmDeviceStaysOpenAndStreamsOnlyAwake(kind: Kind) throws {
    let bench = try bench(kind, .warm)
    for round in 1...3 {
      bench.rig.wake(0)
      #expect(bench.isAwake() && bench.delivers(kind), "round \(round)")
      #expect(
        bench.rig.counters(of: 0).framesSettling == (kind == .camera ? 3 * round : 0), "it settles anew")
      bench.rig.sleep(0)
      let isStopped = bench.eventually { bench.driver.counts.stops == round }
      #expect(isStopped)
    }
    // Longer than a device may be silent, or take for closing: as it sleeps it is not asked, and neither is a fault.
    let before = bench.driver.counts.reads
    let later = bench.rig.now + .milliseconds(700)
    while bench.rig.next(until: later) != .deadline {}
    let counts = bench.driver.counts
    #expect(counts.reads == before && bench.rig.state(of: 0) == .asleep)
    #expect(counts.opens == 1 && counts.closes == 0 && counts.starts == 3)
    #expect(bench.rig.counters(of: 0).faults == 0)
  }

  @Test(arguments: Kind.allCases) func aWarmDeviceThatWentIsToldAtItsNextWakeAndComesBack(kind: Kind) throws {
    let bench = try bench(kind, .warm)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.rig.sleep(0)
    let isStopped = bench.eventually { bench.driver.counts.stops == 1 }
    #expect(isStopped)
    bench.driver.set { $0.start = .fails(ENODEV) }
    bench.rig.wake(0)
    #expect(bench.fault() == .unplugged)
    bench.driver.set { $0.start = .works }
    bench.retry()
    #expect(bench.isAwake() && bench.delivers(kind))
    #expect(bench.driver.counts.opens == 2)
  }

  // MARK: Hot

  @Test(arguments: Kind.allCases) func aHotDeviceStreamsOnAndHasItsNewestAtOnce(kind: Kind) throws {
    let bench = try bench(kind, .hot)
    bench.rig.wake(0)
    #expect(bench.isAwake() && bench.delivers(kind))
    for round in 1...3 {
      bench.rig.sleep(0)
      #expect(!bench.hasData(kind), "asleep it shows nothing")
      let before = bench.driver.counts.reads
      let isRead = bench.eventually { bench.driver.counts.reads > before + 20 }
      #expect(isRead, "it streams on")
      // From here on nothing new comes: what the wake has was there.
      bench.driver.set { $0.data = .silent }
      bench.rig.wake(0)
      #expect(bench.isAwake(), "round \(round)")
      if kind == .camera { #expect(bench.hasData(kind)) }
      bench.driver.set { $0.data = .flows }
      #expect(bench.delivers(kind))
    }
    let counts = bench.driver.counts
    #expect(counts.opens == 1 && counts.closes == 0 && counts.starts == 1 && counts.stops == 0)
    #expect(bench.rig.counters(of: 0).framesSettling == (kind == .camera ? 3 : 0), "once")
    #expect(bench.rig.counters(of: 0).wakes == 4 && bench.rig.counters(of: 0).faults == 0)
  }

  @Test func aHotMicrophoneHasTheSoundOfItsSleep() throws {
    let bench = try bench(.microphone, .hot)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.rig.sleep(0)
    let slept = bench.rig.now
    while bench.rig.next(until: slept + .milliseconds(400)) != .deadline {}
    bench.rig.wake(0)
    #expect(bench.isAwake())
    var buffer = [Int16](repeating: 0, count: 1_600)
    let sound = buffer.withUnsafeMutableBufferPointer {
      bench.rig.copySound(0, endingAt: slept + .milliseconds(300), into: $0)
    }
    #expect(sound.missing == 0)
  }

  @Test(arguments: Kind.allCases) func aHotDeviceThatGoesIsToldWhileItSleepsAndComesBack(kind: Kind) throws {
    let bench = try bench(kind, .hot)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.rig.sleep(0)
    bench.driver.set { $0.data = .fails(ENODEV) }
    #expect(bench.fault() == .unplugged)
    bench.driver.set { $0.data = .flows }
    bench.retry()
    #expect(bench.isAwake() && bench.delivers(kind))
    #expect(bench.driver.counts.opens == 2)
  }

  @Test(arguments: Kind.allCases) func aHotDriverThatHangsOrGivesNothingIsToldWhileItSleeps(kind: Kind) throws
  {
    for data in [Driver.Data.hangs, .silent, .readyAndEmpty] {
      let bench = try bench(kind, .hot)
      bench.rig.wake(0)
      #expect(bench.isAwake())
      bench.rig.sleep(0)
      bench.driver.set { $0.data = data }
      #expect(bench.fault() == .wedged)
      bench.driver.set { $0.data = .flows }
      bench.driver.release()
      bench.retry()
      #expect(bench.isAwake() && bench.delivers(kind))
    }
  }

  // MARK: Both

  /// Another program may have it, and the next wake opens it again.
  @Test(arguments: Kind.allCases, [SleepMode.warm, .hot])
  func aDeviceThatStaysOpenIsClosedWhenThatIsAskedFor(kind: Kind, mode: SleepMode) throws {
    let bench = try bench(kind, mode)
    bench.rig.wake(0)
    #expect(bench.isAwake())
    bench.rig.sleep(0)
    bench.rig.requestClosed(0)
    #expect(bench.rig.next(until: bench.rig.now + .seconds(20)) == .closed(sensor: 0))
    #expect(bench.driver.counts.closes == 1)
    bench.rig.wake(0)
    #expect(bench.isAwake() && bench.delivers(kind) && bench.driver.counts.opens == 2)
    bench.rig.stop()
    #expect(bench.driver.counts.closes == 2)
  }

  @Test(arguments: Kind.allCases, SleepMode.allCases)
  func sleepsAndWakesWithoutAPauseBetweenThemAreNoFault(kind: Kind, mode: SleepMode) throws {
    let bench = try bench(kind, mode, settling: 0)
    for round in 1...30 {
      bench.rig.wake(0)
      #expect(bench.isAwake() && bench.delivers(kind), "round \(round)")
      bench.rig.sleep(0)
    }
    bench.rig.stop()
    let counts = bench.driver.counts
    #expect(counts.opens == counts.closes && bench.rig.counters(of: 0).faults == 0)
  }

  // MARK: The account of it

  private func now(_ milliseconds: Int64) -> Moment {
    Moment(boot: at(milliseconds), steady: at(milliseconds))
  }

  @Test func aStreamThatDoesNotStopIsAFault() throws {
    var core = DeviceState(subject: "x", sleepMode: .warm)
    core.wake(now(0))
    let wake = try #require(core.wanted)
    _ = core.nextOrder(for: 0, now(0))
    core.opened(wake, by: 0, patience: .seconds(2))
    _ = core.becameAwake(wake, since: at(100), now(100))
    core.sleep(now(1_000))
    let order = core.restOrder(for: 0)
    #expect(order == .wait && core.due == at(3_000))
    var stopped = core
    stopped.rested(0)
    #expect(stopped.due == nil)
    // One that is wanted again before it was stopped goes on.
    var wanted = core
    wanted.wake(now(1_500))
    let resumed = wanted.restOrder(for: 0)
    #expect(resumed == .resume(wake + 1) && wanted.due == at(7_500))
    _ = core.supervise(now(3_000))
    #expect(core.takeStateChange() == .failed(.closeHung, since: at(3_000)))
    let late = core.restOrder(for: 0)
    #expect(late == .close, "what comes back late is closed")
  }

  @Test func aSensorThatNeverOpenedIsClosedWhateverItsMode() throws {
    var core = DeviceState(subject: "x", sleepMode: .hot)
    core.wake(now(0))
    _ = core.nextOrder(for: 0, now(0))
    core.sleep(now(100))
    let order = core.restOrder(for: 0)
    #expect(order == .close)
  }

  // MARK: A recording

  private func rig(_ mode: SleepMode) throws -> ReplayRig {
    var fixture = ReplayFixture()
    fixture.wakeLatency = .milliseconds(300)
    fixture.settlingFrames = 2
    fixture.sleepMode = mode
    fixture.warmLatency = .milliseconds(50)
    return try fixture.rig()
  }

  /// Awake at 500 ms, asleep from 800 ms, woken again at 1,010 ms.
  private func secondWake(_ rig: ReplayRig, handedOver: Bool = false) -> SensorEvent {
    let camera = ReplayFixture.camera
    rig.wake(camera)
    #expect(rig.next(until: nil) == .state(sensor: camera, .awake(since: at(500))), "every mode's first wake")
    #expect(rig.next(until: at(800)) == .deadline)
    rig.sleep(camera)
    if handedOver {
      rig.requestClosed(camera)
      #expect(rig.next(until: at(1_010)) == .closed(sensor: camera))
    }
    #expect(rig.next(until: at(1_010)) == .deadline)
    #expect(rig.picture(camera) == nil)
    rig.wake(camera)
    return rig.next(until: nil)
  }

  @Test func eachModesWakeTakesItsTime() throws {
    let camera = ReplayFixture.camera
    let closed = try rig(.closed)
    #expect(secondWake(closed) == .state(sensor: camera, .awake(since: at(1_600))))
    #expect(closed.counters(of: camera).framesSettling == 4)
    let warm = try rig(.warm)
    #expect(secondWake(warm) == .state(sensor: camera, .awake(since: at(1_300))))
    #expect(warm.counters(of: camera).framesSettling == 4)
    let hot = try rig(.hot)
    #expect(secondWake(hot) == .state(sensor: camera, .awake(since: at(500))))
    #expect(hot.now == at(1_010) && hot.picture(camera) == [10, 1_000])
    #expect(hot.counters(of: camera).framesSettling == 2)
    let handedOver = try rig(.hot)
    #expect(secondWake(handedOver, handedOver: true) == .state(sensor: camera, .awake(since: at(1_600))))
  }

  /// The microphone sleeps from 400 ms to 600 ms.
  @Test func aHotMicrophonesSoundGoesOnThroughASleep() throws {
    let microphone = ReplayFixture.microphone
    var fixture = ReplayFixture()
    fixture.microphoneSleepMode = .hot
    let rig = try fixture.rig()
    rig.wake(microphone)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(400))
    rig.sleep(microphone)
    #expect(rig.sound(microphone, endingAt: 400, count: 2) == ([0, 0], 2))
    _ = rig.next(until: at(600))
    rig.wake(microphone)
    _ = rig.next(until: nil)
    #expect(rig.sound(microphone, endingAt: 600, count: 3) == ([597, 598, 599], 0))
    #expect(rig.sound(microphone, endingAt: 500, count: 2) == ([498, 499], 0), "heard in its sleep")
  }
}

extension FaultyDriverTests.Bench {
  fileprivate func hasData(_ kind: FaultyDriverTests.Kind) -> Bool {
    switch kind {
    case .camera: return rig.withFrame(0) { _, _ in true } ?? false
    case .microphone:
      var buffer = [Int16](repeating: 0, count: 80)
      let end = rig.now - .milliseconds(40)
      return buffer.withUnsafeMutableBufferPointer { rig.copySound(0, endingAt: end, into: $0).missing == 0 }
    }
  }
}
