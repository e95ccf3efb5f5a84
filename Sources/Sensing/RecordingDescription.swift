/// What a recording directory says of itself, parsed and not yet checked against its files.
package struct RecordingDescription: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable { case sound, image }
    /// The modality it was recorded for.
    package var name: String
    package var kind: Kind
    /// A WAV or Y4M file, or a directory of PGM or PPM files in the order of their numbers; relative to the recording.
    package var file: String
    /// For a directory of pictures, which carries no rate of its own.
    package var frameRate: FrameRate?
    /// Sound: what the clock of the device it was recorded with is fast by, in millionths. The file's samples came so much sooner
    /// than their rate says.
    package var clockPPM: Int

    package init(name: String, kind: Kind, file: String, frameRate: FrameRate? = nil, clockPPM: Int = 0) {
      self.name = name
      self.kind = kind
      self.file = file
      self.frameRate = frameRate
      self.clockPPM = clockPPM
    }
  }

  package var name: String
  package var sensors: [Entry]
  /// A CSV file of what is to be heard and seen when; for evaluation, not for the rig.
  package var labels: String?

  package init(name: String, sensors: [Entry], labels: String? = nil) {
    self.name = name
    self.sensors = sensors
    self.labels = labels
  }

  /// `file` as a path: relative ones count from the recording's directory.
  package static func path(of file: String, in directory: String) -> String {
    if file.hasPrefix("/") || directory.isEmpty { return file }
    return directory.hasSuffix("/") ? directory + file : directory + "/" + file
  }
}
