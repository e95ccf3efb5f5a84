import Glibc
import Vocabulary

@testable import Sensing

/// A recording whose every sample and pixel tells its own number: sound at 1,000 Hz (sample n is n), pictures of
/// one grey pixel at 10 a second (frame n is n).
struct ReplayFixture {
  let directory = TemporaryDirectory()
  var soundSamples = 2_000
  var frames = 20
  var wakeLatency = Nanoseconds.zero
  var settlingFrames = 0
  var history = Nanoseconds.seconds(4)
  var clockPPM = 0
  /// Of the camera.
  var sleepMode = SleepMode.closed
  var warmLatency = Nanoseconds.zero
  var microphoneSleepMode = SleepMode.closed

  static let microphone = 0
  static let camera = 1

  var sensors: [SensorConfiguration] {
    var sensors = [
      SensorConfiguration(name: "audio", kind: .sound(rate: 1_000), history: history),
      SensorConfiguration(
        name: "image", kind: .image(width: 1, height: 1, channels: 1, frameRate: FrameRate(frames: 10)!),
        wakeLatency: wakeLatency, settlingFrames: settlingFrames),
    ]
    sensors[Self.camera].sleepMode = sleepMode
    sensors[Self.camera].warmLatency = warmLatency
    sensors[Self.microphone].sleepMode = microphoneSleepMode
    return sensors
  }

  var recording: RecordingDescription {
    RecordingDescription(
      name: "counting",
      sensors: [
        .init(name: "audio", kind: .sound, file: "audio.wav", clockPPM: clockPPM),
        .init(name: "image", kind: .image, file: "image.y4m"),
      ])
  }

  func rig(pace: ReplayRig.Pace = .asFastAsPossible, loops: Bool = false) throws -> ReplayRig {
    try directory.write(
      "audio.wav", MediaFiles.wav((0..<soundSamples).map { Int16($0 % 10_000) }, rate: 1_000))
    let pictures = (0..<frames).map { [UInt8(truncatingIfNeeded: $0)] }
    try directory.write("image.y4m", MediaFiles.y4m("W1 H1 F10:1 Cmono XCOLORRANGE=FULL", frames: pictures))
    return try ReplayRig(recording, in: directory.path, sensors: sensors, pace: pace, loops: loops)
  }
}

extension SensorRig {
  func sound(_ sensor: Int, endingAt milliseconds: Int64, count: Int) -> (samples: [Int16], missing: Int) {
    var buffer = [Int16](repeating: -7, count: count)
    let extract = buffer.withUnsafeMutableBufferPointer {
      copySound(sensor, endingAt: at(milliseconds), into: $0)
    }
    return (buffer, extract.missing)
  }

  /// The grey value of the newest frame's first pixel and its time in ms.
  func picture(_ sensor: Int) -> [Int]? {
    withFrame(sensor) { view, captured in [Int(view.base[0]), Int(captured.sinceBoot / 1_000_000)] }
  }
}

/// An instant in milliseconds from 0.
func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }
