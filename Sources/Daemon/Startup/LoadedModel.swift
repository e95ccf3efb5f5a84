import Engine
import Ledger
import Linux
import Vocabulary

/// The model the daemon runs, and the digest of its file.
package struct LoadedModel: Sendable {
  package let model: Model
  package let path: String
  package let digest: Digest

  /// - Parameter places: of the configuration that names the file.
  package init(path: String, _ places: ConfigurationPlaces) throws(StartupError) {
    let place = places.place("daemon", "model")
    guard !path.isEmpty else {
      throw StartupError(
        "\(place): no model is configured; set 'model' in [daemon] to a .safetensors file", .configuration)
    }
    let bytes: [UInt8]
    do {
      bytes = try readFile(path, limit: ModelLimits.fileBytes)
    } catch {
      throw StartupError(error, at: "\(place): model", remedy: "name a model file that is there and readable")
    }
    do {
      model = try Model.decode(bytes)
    } catch {
      throw StartupError("\(path): \(error.description)", .dataError)
    }
    for modality in model.modalities {
      if case .vector = modality.features {
        throw StartupError(
          "\(path): the modality '\(modality.name)' takes vectors, which no sensor gives; use 'mmexitctl evaluate'",
          .dataError)
      }
    }
    self.path = path
    digest = bytes.withUnsafeBytes { SHA256.digest(of: $0) }
  }
}
