import Testing
import Vocabulary

@testable import Sensing

@Suite struct ReplayRigTests {
  private let microphone = ReplayFixture.microphone
  private let camera = ReplayFixture.camera

  @Test func soundComesWhenAskedForAndTheCameraSleeps() throws {
    let rig = try ReplayFixture().rig()
    rig.start()
    #expect(rig.wake(microphone) == .waking(since: at(0)))
    #expect(rig.next(until: nil) == .state(sensor: microphone, .awake(since: at(0))))
    rig.requestSound(microphone, until: at(500))
    #expect(rig.next(until: at(300)) == .deadline)
    #expect(rig.now == at(300))
    #expect(rig.next(until: nil) == .sound(sensor: microphone, until: at(500)))
    #expect(rig.now == at(500))
    #expect(rig.sound(microphone, endingAt: 500, count: 4) == ([496, 497, 498, 499], 0))
    #expect(rig.state(of: camera) == .asleep)
    #expect(rig.picture(camera) == nil)
    rig.requestSound(microphone, until: at(2_000))
    #expect(rig.next(until: nil) == .sound(sensor: microphone, until: at(2_000)))
    #expect(rig.next(until: nil) == .ended)
    #expect(rig.next(until: at(9_000)) == .ended)
    #expect(rig.now == at(2_000))
  }

  @Test func aWokenCameraHasNoPast() throws {
    var fixture = ReplayFixture()
    fixture.wakeLatency = .milliseconds(130)
    fixture.settlingFrames = 2
    let rig = try fixture.rig()
    rig.start()
    #expect(rig.next(until: at(420)) == .deadline)
    #expect(rig.wake(camera) == .waking(since: at(420)))
    rig.requestFrame(camera, notBefore: at(420))
    #expect(rig.next(until: at(700)) == .deadline)
    #expect(rig.picture(camera) == nil)
    // 420 + 130 = 550: frame 6 is the first, 6 and 7 settle, 8 is shown.
    #expect(rig.next(until: nil) == .state(sensor: camera, .awake(since: at(800))))
    #expect(rig.next(until: nil) == .frame(sensor: camera, captured: at(800)))
    #expect(rig.picture(camera) == [8, 800])
    #expect(rig.next(until: at(999)) == .deadline)
    #expect(rig.picture(camera) == [9, 900])
    #expect(rig.counters(of: camera).wakes == 1)
    #expect(rig.counters(of: camera).framesSettling == 2)
    rig.sleep(camera)
    #expect(rig.state(of: camera) == .asleep)
    #expect(rig.picture(camera) == nil)
  }

  @Test func aFrameThatIsThereIsToldAtOnce() throws {
    let rig = try ReplayFixture().rig()
    rig.wake(camera)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(450))
    rig.requestFrame(camera, notBefore: at(300))
    #expect(rig.next(until: nil) == .frame(sensor: camera, captured: at(400)))
    rig.requestFrame(camera, notBefore: at(401))
    #expect(rig.next(until: nil) == .frame(sensor: camera, captured: at(500)))
    #expect(rig.now == at(500))
  }

  @Test func eventsOfOneMomentComeInTheirWrittenOrder() throws {
    let rig = try ReplayFixture().rig()
    rig.wake(microphone)
    #expect(rig.next(until: at(200)) == .state(sensor: microphone, .awake(since: at(0))))
    _ = rig.next(until: at(200))
    rig.wake(camera)
    rig.requestFrame(camera, notBefore: at(200))
    rig.requestSound(microphone, until: at(200))
    #expect(rig.next(until: at(200)) == .state(sensor: camera, .awake(since: at(200))))
    #expect(rig.next(until: at(200)) == .sound(sensor: microphone, until: at(200)))
    #expect(rig.next(until: at(200)) == .frame(sensor: camera, captured: at(200)))
    #expect(rig.next(until: at(200)) == .deadline)
  }

  @Test func soundThatWasNeverHadIsZeroAndCounted() throws {
    var fixture = ReplayFixture()
    fixture.history = .milliseconds(100)
    let rig = try fixture.rig()
    #expect(rig.sound(microphone, endingAt: 5, count: 3) == ([0, 0, 0], 3))
    _ = rig.next(until: at(50))
    rig.wake(microphone)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(60))
    #expect(rig.sound(microphone, endingAt: 52, count: 4) == ([0, 0, 50, 51], 2))
    #expect(rig.sound(microphone, endingAt: 62, count: 4) == ([58, 59, 0, 0], 2))
    _ = rig.next(until: at(300))
    #expect(rig.sound(microphone, endingAt: 202, count: 4) == ([0, 0, 200, 201], 2))
    rig.sleep(microphone)
    #expect(rig.sound(microphone, endingAt: 300, count: 2) == ([0, 0], 2))
  }

  @Test func anExtractEndsAtAWholeSample() throws {
    let rig = try ReplayFixture().rig()
    rig.wake(microphone)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(100))
    var buffer: [Int16] = [0]
    let extract = buffer.withUnsafeMutableBufferPointer {
      rig.copySound(microphone, endingAt: at(50) + Nanoseconds(999_999), into: $0)
    }
    #expect(extract == SoundExtract(missing: 0, end: at(50), position: SoundPosition(stream: 1, first: 49)))
    #expect(buffer == [49])
  }

  @Test func soundBeginsAWholeNumberOfHopsAfterTheWake() throws {
    let rig = try ReplayFixture().rig()
    _ = rig.next(until: at(205))
    rig.wake(microphone)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(400))
    var buffer = [Int16](repeating: 0, count: 10)
    func cut(_ end: Int64) -> SoundExtract {
      buffer.withUnsafeMutableBufferPointer {
        rig.copySound(microphone, endingAt: at(end), every: 20, into: $0)
      }
    }
    // The first window there is ends as soon as it is whole.
    #expect(
      cut(215) == SoundExtract(missing: 0, end: at(215), position: SoundPosition(stream: 1, first: 205)))
    #expect(
      cut(234) == SoundExtract(missing: 0, end: at(215), position: SoundPosition(stream: 1, first: 205)))
    #expect(
      cut(235) == SoundExtract(missing: 0, end: at(235), position: SoundPosition(stream: 1, first: 225)))
    #expect(buffer == Array(225..<235))
    #expect(cut(214).missing == 10)
    #expect(cut(5) == SoundExtract(missing: 10, end: at(5), position: SoundPosition(stream: 1, first: -15)))
    rig.sleep(microphone)
    rig.wake(microphone)
    #expect(cut(235).position?.stream == 2)
  }

  @Test func aTrackThatEndsEarlyFailsAfterItsLastData() throws {
    var fixture = ReplayFixture()
    fixture.frames = 5
    let rig = try fixture.rig()
    rig.wake(camera)
    _ = rig.next(until: nil)
    rig.requestFrame(camera, notBefore: at(400))
    #expect(rig.next(until: nil) == .frame(sensor: camera, captured: at(400)))
    rig.requestFrame(camera, notBefore: at(401))
    #expect(rig.next(until: nil) == .state(sensor: camera, .failed(.ended, since: at(500))))
    #expect(
      rig.failure(of: camera)?.description
        == "sensor image: its recording is over; record all sensors for the same time")
    #expect(rig.wake(camera) == .failed(.ended, since: at(500)))
    #expect(rig.next(until: nil) == .ended)
    #expect(rig.counters(of: camera).faults == 1)
  }

  @Test func aSensorWithoutAnEntryIsAbsentAndTheRestGoesOn() throws {
    let fixture = ReplayFixture()
    _ = try fixture.rig()
    var recording = fixture.recording
    recording.sensors.removeLast()
    let rig = try ReplayRig(recording, in: fixture.directory.path, sensors: fixture.sensors)
    rig.wake(microphone)
    rig.wake(camera)
    #expect(rig.next(until: nil) == .state(sensor: camera, .failed(.absent, since: at(0))))
    #expect(rig.next(until: nil) == .state(sensor: microphone, .awake(since: at(0))))
  }

  @Test func aLoopBeginsAgainForBothSensorsTogether() throws {
    var fixture = ReplayFixture()
    fixture.soundSamples = 1_050  // The loop's period; 11 frames of 100 ms would be 1,100.
    fixture.frames = 9
    let rig = try fixture.rig(loops: true)
    #expect(rig.duration == .milliseconds(1_050))
    rig.wake(microphone)
    rig.wake(camera)
    _ = rig.next(until: nil)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(1_040))
    #expect(rig.picture(camera) == [8, 800])
    rig.requestFrame(camera, notBefore: at(900))
    #expect(rig.next(until: nil) == .frame(sensor: camera, captured: at(1_050)))
    #expect(rig.picture(camera) == [0, 1_050])
    _ = rig.next(until: at(2_102))
    #expect(rig.sound(microphone, endingAt: 1_052, count: 4) == ([1_048, 1_049, 0, 1], 0))
    #expect(rig.sound(microphone, endingAt: 2_102, count: 4) == ([1_048, 1_049, 0, 1], 0))
    #expect(rig.picture(camera) == [0, 2_100])
  }

  @Test func aShorterTrackLeavesAHoleInALoop() throws {
    var fixture = ReplayFixture()
    fixture.soundSamples = 500
    fixture.frames = 10
    let rig = try fixture.rig(loops: true)
    rig.wake(microphone)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(1_100))
    #expect(rig.sound(microphone, endingAt: 502, count: 4) == ([498, 499, 0, 0], 2))
    #expect(rig.sound(microphone, endingAt: 1_002, count: 4) == ([0, 0, 0, 1], 2))
  }

  @Test func theBellInterruptsAndMovesNoTime() throws {
    let rig = try ReplayFixture().rig()
    rig.bell.ring()
    rig.bell.ring()
    #expect(rig.next(until: at(100)) == .interrupted)
    #expect(rig.now == at(0))
    #expect(rig.next(until: at(100)) == .deadline)
  }

  @Test func twoRunsGiveTheSameEventsAtEveryPace() throws {
    let fixture = ReplayFixture()
    let clock = HandClock(start: at(7_000))
    let runs = try [
      fixture.rig(), fixture.rig(), fixture.rig(pace: .realTime(clock)),
    ].map { rig in
      var events: [SensorEvent] = []
      rig.start()
      rig.wake(microphone)
      var window: Int64 = 250
      rig.requestSound(microphone, until: at(window))
      while events.last != .ended && events.count < 100 {
        events.append(rig.next(until: at(window + 1_000)))
        switch events[events.count - 1] {
        case .state(microphone, _): rig.requestSound(microphone, until: at(window))
        case .sound:
          if window == 750 { rig.wake(camera) }
          if window == 1_250 { rig.sleep(camera) }
          rig.requestFrame(camera, notBefore: rig.now)
          window += 250
          rig.requestSound(microphone, until: at(window))
        default: break
        }
      }
      return events
    }
    #expect(runs[0].count == 13)
    #expect(runs[0] == runs[1])
    #expect(runs[0] == runs[2])
    #expect(clock.now == at(9_000))
  }
}
