import JSON
import Ledger
import Linux
import Sensing
import Startup
import Vocabulary

/// A recording's `recording.json`.
package struct RecordingFile: Sendable {
  package let directory: String
  package let description: RecordingDescription
  private let path: String
  /// Of recording.json's bytes; a replay's boot id comes from it.
  package let digest: Digest

  /// A recording has a few sensors and a line for each.
  static let maximumBytes = 1 << 20

  /// - Parameter place: of the setting that names the folder.
  package init(directory: String, at place: String) throws(StartupError) {
    self.directory = directory
    path = RecordingDescription.path(of: "recording.json", in: directory)
    let bytes: [UInt8]
    do {
      bytes = try readFile(path, limit: Self.maximumBytes)
    } catch {
      throw StartupError(
        error, at: "\(place): recording", remedy: "name a folder that holds a recording.json")
    }
    do {
      description = try Self.decode(JSONPlace(try JSONValue.parse(bytes)), directory)
    } catch {
      throw StartupError("\(path): \(error.description); correct it or record again", .dataError)
    }
    digest = bytes.withUnsafeBytes { SHA256.digest(of: $0) }
  }

  /// - Throws: `StartupError` where nothing was recorded for these sensors, or a picture for a sound.
  package func check(_ sensors: [SensorConfiguration]) throws(StartupError) {
    for (index, entry) in description.sensors.enumerated() {
      guard let sensor = sensors.first(where: { $0.name.hasSameBytes(as: entry.name) }) else { continue }
      let wanted: RecordingDescription.Entry.Kind =
        if case .sound = sensor.kind { .sound } else { .image }
      guard entry.kind == wanted else {
        throw StartupError(
          "\(path): sensors[\(index)].kind: '\(entry.kind.rawValue)' where the model's '\(entry.name)' is "
            + "of kind '\(wanted.rawValue)'; correct it or take another model", .dataError)
      }
    }
    let names = sensors.map(\.name)
    guard description.sensors.contains(where: { names.contains(bytesOf: $0.name) }) else {
      throw StartupError(
        "\(path): sensors: has none of the model's \(names.joined(separator: ", ")); "
          + "replay another recording or take another model", .dataError)
    }
  }

  private static func decode(
    _ root: JSONPlace, _ directory: String
  ) throws(JSONError) -> RecordingDescription {
    _ = try root.member("format").integer(in: 1...1)
    try root.allowOnly("format", "name", "sensors", "labels")
    var sensors: [RecordingDescription.Entry] = []
    for place in try root.member("sensors").elements(count: 1...SensingLimits.sensors) {
      try place.allowOnly("name", "kind", "file", "frames_per_second", "clock_ppm")
      let kindPlace = try place.member("kind")
      guard let kind = RecordingDescription.Entry.Kind(rawValue: try kindPlace.string()) else {
        throw kindPlace.error(.wrongValue, "a sensor's kind is 'sound' or 'image'")
      }
      var rate: FrameRate?
      if let fps = try place.optional("frames_per_second") {
        guard kind == .image else { throw fps.error(.unexpected, "sound carries its own rate; take it out") }
        rate = FrameRate(frames: try fps.integer(in: 1...1000))
      }
      var clockPPM = 0
      if let ppm = try place.optional("clock_ppm") {
        guard kind == .sound else { throw ppm.error(.unexpected, "of a sound's device only; take it out") }
        clockPPM = try ppm.integer(in: -1_000...1_000)
      }
      let name = try place.member("name").string()
      guard !sensors.contains(where: { $0.name.hasSameBytes(as: name) }) else {
        throw try place.member("name").error(.wrongValue, "another sensor is called '\(name)' too")
      }
      sensors.append(
        RecordingDescription.Entry(
          name: name, kind: kind, file: try place.member("file").string(),
          frameRate: rate, clockPPM: clockPPM))
    }
    return RecordingDescription(
      name: try root.member("name").string(), sensors: sensors, labels: try root.optional("labels")?.string())
  }
}
