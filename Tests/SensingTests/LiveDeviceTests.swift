import Glibc
import Testing
import Vocabulary

@testable import Sensing

/// What real (or virtual) devices do, for whoever has them: name them in the environment.
@Suite(.serialized) struct LiveDeviceTests {
  private static let microphone = getenv("MMEXIT_LIVE_MICROPHONE").map { String(cString: $0) }
  private static let camera = getenv("MMEXIT_LIVE_CAMERA").map { String(cString: $0) }

  @Test(.enabled(if: microphone != nil, "MMEXIT_LIVE_MICROPHONE names an ALSA capture device"))
  func aMicrophoneDeliversAWindowEveryQuarterSecond() throws {
    let device = try #require(Self.microphone)
    let rig = try DeviceRig(sensors: [
      SensorConfiguration(name: "audio", kind: .sound(rate: 16_000), device: device)
    ])
    try rig.start()
    defer { rig.stop() }
    let asked = rig.now
    rig.wake(0)
    guard case .state(0, .awake(let since)) = rig.next(until: rig.now + .seconds(3)) else {
      Issue.record("\(rig.failure(of: 0).map(\.description) ?? "\(rig.state(of: 0))")")
      return
    }
    print("awake \((since - asked).count / 1_000) us after the wake")
    var buffer = [Int16](repeating: 0, count: 4_000)
    var late: Int64 = 0
    for window in 1...12 {
      let end = since + .milliseconds(Int64(window) * 250)
      rig.requestSound(0, until: end)
      let event = rig.next(until: end + .seconds(1))
      guard case .sound(0, let until) = event else {
        Issue.record("window \(window): \(event), \(rig.failure(of: 0).map(\.description) ?? "no fault")")
        return
      }
      #expect(until >= end - .milliseconds(1))
      late = max(late, (rig.now - end).count)
      let extract = buffer.withUnsafeMutableBufferPointer { rig.copySound(0, endingAt: end, into: $0) }
      let peak = buffer.map { abs(Int($0)) }.max() ?? 0
      print("window \(window): missing \(extract.missing), peak \(peak)")
      #expect(extract.missing == 0 || rig.counters(of: 0).overruns > 0)
    }
    print("latest window \(late / 1_000) us after its end; \(rig.counters(of: 0))")
    #expect(late < 200_000_000)
  }

  @Test(.enabled(if: camera != nil, "MMEXIT_LIVE_CAMERA names a camera's path or card"))
  func aCameraWakesSettlesDeliversAndSleeps() throws {
    let device = try #require(Self.camera)
    let rig = try DeviceRig(sensors: [
      SensorConfiguration(
        name: "image", kind: .image(width: 320, height: 240, channels: 1, frameRate: FrameRate(frames: 30)!),
        device: device, settlingFrames: 3)
    ])
    try rig.start()
    defer { rig.stop() }
    for round in 1...3 {
      let asked = rig.now
      rig.wake(0)
      guard case .state(0, .awake(let since)) = rig.next(until: rig.now + .seconds(5)) else {
        Issue.record("\(rig.failure(of: 0).map(\.description) ?? "\(rig.state(of: 0))")")
        return
      }
      print("round \(round): awake \((since - asked).count / 1_000) us after the wake")
      var last = since
      for _ in 0..<10 {
        rig.requestFrame(0, notBefore: last + Nanoseconds(1))
        guard case .frame(0, let captured) = rig.next(until: rig.now + .seconds(3)) else {
          Issue.record("\(rig.failure(of: 0).map(\.description) ?? "\(rig.state(of: 0))")")
          return
        }
        #expect(captured > last)
        let mean = rig.withFrame(0) { view, _ in
          (0..<view.width * view.height).reduce(0) { $0 + Int(view.base[$1]) } / (view.width * view.height)
        }
        print("  +\((captured - last).count / 1_000) us, mean grey \(mean ?? -1)")
        last = captured
      }
      rig.sleep(0)
      #expect(rig.withFrame(0) { _, _ in 0 } == nil)
    }
    print("\(rig.counters(of: 0))")
  }
}
