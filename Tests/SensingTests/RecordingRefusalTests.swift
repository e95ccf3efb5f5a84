import Testing
import Vocabulary

@testable import Sensing

@Suite struct RecordingRefusalTests {
  private let fixture = ReplayFixture()

  private func refusal(
    _ recording: RecordingDescription, sensors: [SensorConfiguration]? = nil
  ) throws -> String? {
    _ = try fixture.rig()
    do throws(SensingError) {
      _ = try ReplayRig(recording, in: fixture.directory.path, sensors: sensors ?? fixture.sensors)
      return nil
    } catch {
      return error.description.replacing(fixture.directory.path, with: "DIR")
    }
  }

  @Test func soundOfAnotherRate() throws {
    var sensors = fixture.sensors
    sensors[0].kind = .sound(rate: 16_000)
    #expect(
      try refusal(fixture.recording, sensors: sensors)
        == "DIR/audio.wav: sound at 1000 Hz where 16000 Hz is wanted; resample it (sox IN -r 16000 OUT)")
  }

  @Test func aFileThatIsNotThere() throws {
    var recording = fixture.recording
    recording.sensors[1].file = "gone.y4m"
    #expect(try refusal(recording) == "DIR/gone.y4m: No such file or directory (open); check the path")
  }

  @Test func soundForACamera() throws {
    var recording = fixture.recording
    recording.sensors[1].kind = .sound
    recording.sensors[1].file = "audio.wav"
    #expect(
      try refusal(recording)
        == "DIR/audio.wav: sound recorded for image, which is not that; correct the configuration")
  }

  @Test func nothingForAnySensor() throws {
    var recording = fixture.recording
    recording.sensors = []
    #expect(
      try refusal(recording)
        == "recording counting: it has none of the sensors audio, image; correct the configuration")
  }

  @Test func configurationsThatCannotBe() throws {
    var sensors = fixture.sensors
    sensors[1].name = "audio"
    #expect(
      try refusal(fixture.recording, sensors: sensors)
        == "sensor audio: named twice; correct the configuration")
    sensors = fixture.sensors
    sensors[0].history = .seconds(61)
    #expect(
      try refusal(fixture.recording, sensors: sensors)
        == "sensor audio: history of 61000 ms; correct the configuration")
    #expect(
      try refusal(fixture.recording, sensors: [])
        == "sensors: 0 where 1 to 32 can be; correct the configuration")
  }

  @Test(arguments: ["frame%.pgm", "frame%.PGM", "%.pnm", "%.Pam"])
  func aDirectoryOfStillsIsAnImageTrackInTheOrderOfItsNumbers(_ pattern: String) throws {
    let stills = fixture.directory
    stills.makeDirectory("stills")
    // What some systems leave beside each file.
    try stills.write("stills/._frame1.pgm", [0])
    for n in 0..<12 {
      let name =
        "stills/" + pattern.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\(n)")
      try stills.write(name, Array("P5 1 1 255\n".utf8) + [UInt8(100 + n)])
    }
    try stills.write("stills/notes.txt", [1])
    var recording = fixture.recording
    recording.sensors[1].file = "stills"
    recording.sensors[1].frameRate = FrameRate(frames: 5)
    _ = try fixture.rig()
    let rig = try ReplayRig(recording, in: stills.path, sensors: fixture.sensors)
    #expect(rig.duration == .milliseconds(2_400))
    rig.wake(ReplayFixture.camera)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(2_250))
    #expect(rig.picture(ReplayFixture.camera) == [111, 2_200])
  }

  @Test func aStillThatCannotBeReadIsSteppedOverAndToldOnce() throws {
    let stills = fixture.directory
    stills.makeDirectory("stills")
    try stills.write("stills/a.pgm", Array("P5 1 1 255\n".utf8) + [1])
    try stills.write("stills/b.pgm", Array("P5 2 1 255\n".utf8) + [1, 2])
    var recording = fixture.recording
    recording.sensors[1].file = "stills"
    recording.sensors[1].frameRate = FrameRate(frames: 5)
    _ = try fixture.rig()
    var said: [String] = []
    let rig = try ReplayRig(
      recording, in: stills.path, sensors: fixture.sensors, report: { said.append($0) })
    rig.wake(ReplayFixture.camera)
    _ = rig.next(until: nil)
    _ = rig.next(until: at(250))
    // A camera whose newest frame came damaged still has the one before.
    for _ in 0..<3 { #expect(rig.picture(ReplayFixture.camera) == [1, 0]) }
    #expect(rig.state(of: ReplayFixture.camera).isAwake)
    #expect(rig.counters(of: ReplayFixture.camera).framesCorrupt == 1)
    #expect(
      said == [
        "\(stills.path)/stills/b.pgm: damaged: 2 x 1 pixels where the first picture has 1 x 1; record or convert it again; it is stepped over"
      ])
  }
}
