import Linux
import Testing
import Vocabulary

@testable import Sensing

/// The device rig without hardware: ALSA's own `null` device, and devices that are not there.
@Suite struct DeviceRigTests {
  private let directory = TemporaryDirectory()

  private func microphone(_ device: String) -> SensorConfiguration {
    SensorConfiguration(name: "audio", kind: .sound(rate: 16_000), device: device)
  }

  private func camera(_ device: String) -> SensorConfiguration {
    SensorConfiguration(
      name: "image", kind: .image(width: 64, height: 48, channels: 1, frameRate: FrameRate(frames: 15)!),
      device: device)
  }

  /// Events within two seconds; nil where none came.
  private func next(_ rig: DeviceRig) -> SensorEvent? {
    let event = rig.next(until: rig.now + .seconds(20))
    return event == .deadline ? nil : event
  }

  @Test func devicesThatAreNotThereFailAndTheRigGoesOn() throws {
    let rig = try DeviceRig(sensors: [
      microphone("mmexit_no_such_device"), camera("/dev/mmexit-no-such-device"),
    ])
    try rig.start()
    defer { rig.stop() }
    #expect(rig.next(until: rig.now) == .deadline)
    for (sensor, wanted) in [
      "sensor audio (mmexit_no_such_device): no such device (snd_pcm_open: No such file or directory); "
        + "plug it in or name another device in the configuration",
      "sensor image (/dev/mmexit-no-such-device): no such device (open /dev/mmexit-no-such-device: No such file or "
        + "directory); plug it in or name another device in the configuration",
    ].enumerated() {
      rig.wake(sensor)
      guard case .state(sensor, .failed(.absent, _)) = next(rig) else {
        Issue.record("sensor \(sensor) is \(rig.state(of: sensor))")
        continue
      }
      #expect(rig.failure(of: sensor)?.description == wanted)
      #expect(rig.wake(sensor) == rig.state(of: sensor), "no try before the backoff is over")
      #expect(rig.counters(of: sensor).faults == 1)
    }
  }

  @Test func aFileIsNoCamera() throws {
    let path = try directory.write("video0", [1, 2, 3])
    let rig = try DeviceRig(sensors: [camera(path)])
    try rig.start()
    defer { rig.stop() }
    rig.wake(0)
    guard case .state(0, .failed(let fault, _)) = next(rig) else {
      Issue.record("the camera is \(rig.state(of: 0))")
      return
    }
    #expect(fault == .formatRefused)
  }

  @Test func aMicrophoneWakesDeliversAndSleeps() throws {
    let rig = try DeviceRig(sensors: [microphone("null")])
    try rig.start()
    defer { rig.stop() }
    for round in 1...3 {
      #expect(rig.state(of: 0) == .asleep)
      rig.wake(0)
      guard case .state(0, .awake) = next(rig) else {
        Issue.record("round \(round): the microphone is \(rig.state(of: 0))")
        return
      }
      rig.requestSound(0, until: rig.now)
      guard case .sound(0, let until) = next(rig) else {
        Issue.record("round \(round): no sound")
        return
      }
      var buffer = [Int16](repeating: -7, count: 160)
      let extract = buffer.withUnsafeMutableBufferPointer { rig.copySound(0, endingAt: until, into: $0) }
      // What the samples are is not said: ALSA's null device leaves its reader's memory as it was.
      #expect(extract.missing == 0)
      rig.sleep(0)
      let asleep = buffer.withUnsafeMutableBufferPointer { rig.copySound(0, endingAt: until, into: $0) }
      #expect(asleep.missing == 160)
    }
    #expect(rig.counters(of: 0).wakes == 3)
  }

  @Test func theBellInterruptsAWaitWithoutEnd() throws {
    let rig = try DeviceRig(sensors: [microphone("null")])
    try rig.start()
    defer { rig.stop() }
    let bell = rig.bell
    let ringer = try Thread(named: "ringer") {
      sleepUntil(bootTime: bootTimeNanoseconds() + 5_000_000)
      bell.ring()
    }
    #expect(rig.next(until: nil) == .interrupted)
    ringer.join()
  }

  @Test func stoppingTwiceAndWithoutAStartIsHarmless() throws {
    let rig = try DeviceRig(sensors: [microphone("null")])
    rig.stop()
    rig.stop()
    #expect(rig.wake(0) == .asleep)
  }

  @Test func aSensorWithoutADeviceIsRefused() {
    let error = #expect(throws: SensingError.self) { _ = try DeviceRig(sensors: [microphone("")]) }
    #expect(error?.description == "sensor audio: no device named; correct the configuration")
  }
}
