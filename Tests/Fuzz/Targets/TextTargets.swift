import Configuration
import Evaluation
import JSON
import Replay
import Scheduling
import Sensing
import Vocabulary

/// Texts: JSON and what is made of it, configuration, manifest.
enum TextTargets {
  /// What was read can be written, and reads back as the same bytes.
  static func json(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes, maximumBytes: 1 << 20) else { return }
    let text = value.text
    guard let again = try? JSONValue.parse(text) else { fatalError("what was written is not read") }
    precondition(again.text.hasSameBytes(as: text), "written twice, and differently")
    precondition(again == value, "read back as another value")
    _ = text.printableJSON
    // Members are found by their bytes.
    if case .object(let object) = value {
      for member in object.members {
        precondition(object[member.key] == member.value, "a member is not found under its name")
      }
    }
  }

  static func plan(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count <= 4096, let file = try? PlanFile(Array(bytes), file: "plan") else { return }
    guard let names = try? file.modalityNames() else { return }
    for method in OrderingMethod.allCases {
      guard let plan = try? file.plan(by: method) else { continue }
      _ = plan.json(names: names).text
    }
  }

  static func manifest(_ bytes: UnsafeRawBufferPointer) {
    _ = try? CSVTable(Array(bytes))
    _ = try? Manifest(
      Array(bytes), file: "manifest", folder: "", modalities: ["audio", "image", "e\u{301}"],
      classes: ["none", "stop", "\u{e9}"])
  }

  /// What was read is printed, and reads back.
  static func configuration(_ bytes: UnsafeRawBufferPointer) {
    guard let (read, _) = try? Configuration.read(Array(bytes), file: "conf") else { return }
    let text = read.canonical()
    guard let (again, _) = try? Configuration.read(Array(text.utf8), file: "again") else { return }
    precondition(again.canonical() == text, "written twice, and differently")
  }

  static func recording(_ bytes: UnsafeRawBufferPointer) {
    Scratch.write(bytes, to: "recording.json")
    guard let file = try? RecordingFile(directory: Scratch.folder, at: "here") else { return }
    for entry in file.description.sensors {
      _ = RecordingDescription.path(of: entry.file, in: Scratch.folder)
    }
  }
}
