import Glibc
import Sensing
import Startup
import Testing
import Vocabulary

@testable import Replay

/// A recording of a recording: what is written is what was played.
@Suite struct SensorRecorderTests {
  private let folder = "/tmp/mmexit-recorder-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  private static let rate = 8_000
  private static let frames = FrameRate(frames: 5)!

  private func sensors(width: Int = 4) -> [SensorConfiguration] {
    [
      SensorConfiguration(name: "audio", kind: .sound(rate: Self.rate), wakeLatency: .milliseconds(30)),
      SensorConfiguration(
        name: "image", kind: .image(width: width, height: 2, channels: 1, frameRate: Self.frames),
        wakeLatency: .milliseconds(300)),
    ]
  }

  private func removed() {
    for inner in ["one", "two", "three"] {
      for name in ["audio.wav", "image.y4m", "recording.json"] { unlink("\(folder)/\(inner)/\(name)") }
      rmdir("\(folder)/\(inner)")
    }
    rmdir(folder)
  }

  private func description(_ name: String) throws -> RecordingDescription {
    try RecordingFile(directory: "\(folder)/\(name)", at: "test").description
  }

  /// A ramp that says which sample it is, and pictures that say which frame they are.
  private func source(seconds: Int) throws {
    mkdir(folder, 0o700)
    mkdir(folder + "/one", 0o700)
    var sound = try WAVWriter(path: folder + "/one/audio.wav", rate: Self.rate)
    let ramp = (0..<Self.rate * seconds).map { Int16($0 % 30_000 + 1) }
    try ramp.withUnsafeBufferPointer { try sound.append($0) }
    try sound.finish()
    var pixels = [UInt8](repeating: 0, count: 8)
    var pictures: Y4MWriter?
    for frame in 0..<5 * seconds {
      pixels[0] = UInt8(frame)
      try pixels.withUnsafeBufferPointer {
        let view = PixelView(base: $0.baseAddress!, width: 4, height: 2, channels: 1)
        if pictures == nil {
          pictures = try Y4MWriter(path: folder + "/one/image.y4m", like: view, rate: Self.frames)
        }
        _ = pictures?.take(view)
      }
      try pictures?.write(times: 1)
    }
  }

  private func rig(_ name: String) throws -> ReplayRig {
    let entries: [RecordingDescription.Entry] = [
      .init(name: "audio", kind: .sound, file: "audio.wav"),
      .init(name: "image", kind: .image, file: "image.y4m"),
    ]
    return try ReplayRig(
      RecordingDescription(name: name, sensors: entries), in: "\(folder)/\(name)", sensors: sensors())
  }

  @Test func whatIsWrittenIsWhatWasPlayed() throws {
    defer { removed() }
    try source(seconds: 6)
    let tracks = try SensorRecorder(try rig("one"), into: folder + "/two").run(for: .seconds(3))
    #expect(tracks.map(\.count) == [3 * Self.rate, 15] && tracks.map(\.missing) == [0, 0])
    #expect(try description("two").sensors.map(\.file) == ["audio.wav", "image.y4m"])

    let sound = try WAVReader(path: folder + "/two/audio.wav", expecting: Self.rate)
    #expect(sound.count == 3 * Self.rate)
    var samples = [Int16](repeating: 0, count: sound.count)
    try samples.withUnsafeMutableBufferPointer { _ = try sound.read(from: 0, into: $0) }
    let first = Int(samples[0]) - 1
    #expect(
      samples.enumerated().allSatisfy { Int($1) == (first + $0) % 30_000 + 1 }, "no sample is lost or twice")
    // It begins at a block of a quarter of a second after both are awake.
    #expect(first >= Self.rate * 3 / 10 && first <= Self.rate)

    let pictures = try Y4MReader(path: folder + "/two/image.y4m")
    #expect(pictures.count == 15 && pictures.width == 4 && pictures.frameRate == Self.frames)
    var pixels = [UInt8](repeating: 0, count: 8)
    for frame in 0..<15 {
      try pixels.withUnsafeMutableBufferPointer { try pictures.read(frame, channels: 1, into: $0) }
      // The newest of that time, counted from the source's begin.
      let time =
        Nanoseconds(Int64(first) * 1_000_000_000 / Int64(Self.rate)) + Self.frames.time(ofFrame: frame)
      #expect(Int(pixels[0]) == Self.frames.framesCaptured(by: time) - 1, "frame \(frame)")
    }
    var status = stat()
    stat(folder + "/two/audio.wav", &status)
    #expect(status.st_mode & 0o777 == 0o600, "for its owner alone")
  }

  @Test func aRecordingThatEndsEarlyIsFilledAndTold() throws {
    defer { removed() }
    try source(seconds: 2)
    let tracks = try SensorRecorder(try rig("one"), into: folder + "/two").run(for: .seconds(4))
    #expect(tracks[0].count == 4 * Self.rate && tracks[0].missing > 2 * Self.rate)
    #expect(tracks[1].count == 20 && tracks[1].missing > 8)
  }

  @Test func aFolderThatIsThereIsRefused() throws {
    defer { removed() }
    try source(seconds: 1)
    let error = #expect(throws: StartupError.self) { _ = try SensorRecorder(try rig("one"), into: folder) }
    #expect(error?.exitCode == .cannotCreate)
  }
}
