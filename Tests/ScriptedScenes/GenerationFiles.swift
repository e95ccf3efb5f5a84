import Configuration
import Glibc
import Linux
import ScriptedModels
import Startup
import Vocabulary

/// A configuration and its model in a folder of their own, to be changed and read again.
package final class GenerationFiles {
  private let scene: Scene
  package var configuration: Configuration
  package var model: ScriptedModel

  package init(
    _ model: ScriptedModel = ScriptedModel(audio: [.unsure, .unsure], image: [.sure(1), .unsure])
  ) throws {
    scene = try Scene()
    self.model = model
    configuration = scene.configuration
    configuration.general.model = scene.directory + "/m.safetensors"
    configuration.general.socket = scene.directory + "/s"
    try write()
  }

  deinit { remove() }

  private var paths: [String] { ["x.conf", "m.safetensors"].map { scene.directory + "/" + $0 } }
  package func remove() { for path in paths { unlink(path) } }

  /// Writes both as they stand.
  package func write() throws {
    try write { _ in }
    try write(modelBytes: model.bytes())
  }

  /// Writes the configuration with a change that is not kept.
  package func write(changed change: (inout Configuration) -> Void) throws {
    var configuration = configuration
    change(&configuration)
    // A camera's keys are refused for a microphone.
    var section = ""
    let lines = configuration.canonical().split(separator: "\n", omittingEmptySubsequences: false).filter {
      line in
      if line.hasPrefix("[") { section = String(line) }
      return section != "[sensor audio]" || !Keys.camera.contains { line.hasPrefix($0 + " = ") }
    }
    try write(configuration: lines.joined(separator: "\n"))
  }
  package func write(configuration text: String) throws { try Self.write(Array(text.utf8), paths[0]) }
  package func write(modelBytes bytes: [UInt8]) throws { try Self.write(bytes, paths[1]) }

  private static func write(_ bytes: [UInt8], _ path: String) throws {
    try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC).writeAll(bytes, path)
  }

  /// As a daemon that starts reads them.
  package func generation() throws -> Generation { try Generation(try LoadedConfiguration(path: paths[0])) }
}
