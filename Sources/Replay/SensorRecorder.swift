import Glibc
import JSON
import Linux
import Sensing
import Startup
import Vocabulary

/// Writes what a rig's sensors deliver into a folder that can be replayed (docs/recording.md): a WAV file a sound, a Y4M file a
/// camera, all from the same moment on. Files are for their owner alone. What was written when it is killed can be replayed.
package struct SensorRecorder<Rig: SensorRig> {
  /// How much later than it ends a recording's data is there: a block of sound and a frame.
  private static var grace: Nanoseconds { .milliseconds(800) }

  private let rig: Rig
  private let directory: String

  /// - Parameter directory: is made; refused where it is there already.
  package init(_ rig: Rig, into directory: String) throws(StartupError) {
    self.rig = rig
    self.directory = directory
    guard mkdir(directory, 0o700) == 0 else {
      let error = LinuxError("mkdir", directory, errno: errno)
      throw StartupError("\(error.description); name a folder that is not there yet", .cannotCreate)
    }
  }

  /// Wakes all sensors, records for `length`, and leaves them awake.
  /// - Throws: a sensor that does not deliver, or fails meanwhile; a disk that takes no more. The files are whole up to then.
  package func run(for length: Nanoseconds) throws(StartupError) -> [RecordedTrack] {
    do {
      try rig.start()
      for sensor in rig.configurations.indices { rig.wake(sensor) }
      try awaitAll()
      let takes = try begin(length)
      defer { for take in takes { try? take.close() } }
      try record(takes)
      return takes.map(\.track)
    } catch let error as SensingError {
      throw StartupError(error.description, .unavailable)
    } catch let error as LinuxError {
      throw StartupError("\(error.description); free some space or name another folder", .ioError)
    } catch {
      throw StartupError("\(error)", .software)
    }
  }

  /// Until every sensor is awake. Each has its own limit.
  private func awaitAll() throws(SensingError) {
    while !rig.configurations.indices.allSatisfy({ rig.state(of: $0).isAwake }) {
      switch rig.next(until: rig.now + .seconds(60)) {
      case .state(let sensor, .failed): throw failure(sensor)
      case .deadline, .ended:
        throw SensingError("sensors", .device(.wedged, detail: "not awake within a minute"))
      default: break
      }
    }
  }

  private func failure(_ sensor: Int) -> SensingError {
    rig.failure(of: sensor)
      ?? SensingError("sensor \(rig.configurations[sensor].name)", .device(.ioError, detail: "failed"))
  }

  /// By sensor. They begin at the same moment: where the last sound's next block does.
  private func begin(_ length: Nanoseconds) throws -> [any RecordedTake] {
    var takes: [any RecordedTake] = []
    for (sensor, configuration) in rig.configurations.enumerated() {
      switch configuration.kind {
      case .sound(let rate): takes.append(try SoundTake(rig, sensor, directory, rate: rate, length))
      case .image(_, _, _, let rate): takes.append(PictureTake(rig, sensor, directory, rate: rate, length))
      }
    }
    try describe(takes)
    let start = takes.map(\.start).max() ?? rig.now
    for take in takes { take.begin(at: start) }
    return takes
  }

  /// Written first, so that a recording that is cut short can be replayed too.
  private func describe(_ takes: [any RecordedTake]) throws(LinuxError) {
    let sensors: [JSONValue] = takes.map { take in
      .object([
        "name": .string(take.track.name), "kind": .string(take.track.isSound ? "sound" : "image"),
        "file": .string(take.track.file),
      ])
    }
    let name = directory.split(separator: "/").last.map(String.init) ?? "recording"
    let value = JSONValue.object(["format": .integer(1), "name": .string(name), "sensors": .array(sensors)])
    let path = RecordingDescription.path(of: "recording.json", in: directory)
    try Descriptor.open(path, O_CREAT | O_EXCL | O_WRONLY, mode: 0o600).writeAll(
      Array(value.text.utf8) + [10], path)
  }

  private func record(_ takes: [any RecordedTake]) throws {
    let end = takes.map(\.end).max() ?? rig.now
    while !takes.allSatisfy(\.isWhole) {
      switch rig.next(until: end + Self.grace) {
      case .sound(let sensor, _), .frame(let sensor, _): try takes[sensor].takeNext()
      case .state(let sensor, .failed):
        for take in takes { try take.fill(upTo: rig.now) }
        throw failure(sensor)
      case .deadline, .ended:
        for take in takes { try take.fill(upTo: end) }
        return
      default: break
      }
    }
  }
}
