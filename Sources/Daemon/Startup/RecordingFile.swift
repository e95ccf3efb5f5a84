import JSON
import Ledger
import Linux
import Sensing

/// A recording's `recording.json`.
package struct RecordingFile: Sendable {
  package let directory: String
  package let description: RecordingDescription
  /// Of recording.json's bytes; a replay's boot id comes from it.
  package let digest: Digest

  /// A recording has a few sensors and a line for each.
  static let maximumBytes = 1 << 20

  package init(directory: String) throws(StartupError) {
    self.directory = directory
    let path = directory + "/recording.json"
    let bytes: [UInt8]
    do {
      bytes = try readFile(path, limit: Self.maximumBytes)
    } catch {
      throw StartupError(error, remedy: "set 'recording' in [replay] to a recording's folder")
    }
    do {
      description = try Self.decode(JSONPlace(try JSONValue.parse(bytes)), directory)
    } catch {
      throw StartupError("\(path): \(error.description)", .dataError)
    }
    digest = bytes.withUnsafeBytes { SHA256.digest(of: $0) }
  }

  private static func decode(
    _ root: JSONPlace, _ directory: String
  ) throws(JSONError) -> RecordingDescription {
    _ = try root.member("format").integer(in: 1...1)
    try root.allowOnly("format", "name", "sensors", "labels")
    var sensors: [RecordingDescription.Entry] = []
    for place in try root.member("sensors").elements(count: 1...SensingLimits.sensors) {
      try place.allowOnly("name", "kind", "file", "frames_per_second")
      let kindPlace = try place.member("kind")
      guard let kind = RecordingDescription.Entry.Kind(rawValue: try kindPlace.string()) else {
        throw kindPlace.error(.wrongValue, "a sensor's kind is 'sound' or 'image'")
      }
      var rate: FrameRate?
      if let fps = try place.optional("frames_per_second") {
        rate = FrameRate(frames: try fps.integer(in: 1...1000))
      }
      sensors.append(
        RecordingDescription.Entry(
          name: try place.member("name").string(), kind: kind, file: try place.member("file").string(),
          frameRate: rate))
    }
    return RecordingDescription(
      name: try root.member("name").string(), sensors: sensors, labels: try root.optional("labels")?.string())
  }
}
