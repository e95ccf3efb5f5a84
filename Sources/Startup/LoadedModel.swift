import Configuration
import Engine
import Ledger
import Linux
import Vocabulary

/// The model the daemon runs, and the digest of its file.
package struct LoadedModel: Sendable {
  package let model: Model
  package let path: String
  package let digest: Digest

  /// - Parameters:
  ///   - places: of the configuration that names the file.
  ///   - former: taken over where the file holds the same bytes.
  package init(
    path: String, _ places: ConfigurationPlaces, former: LoadedModel? = nil
  ) throws(StartupError) {
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
    self.path = path
    digest = bytes.withUnsafeBytes { SHA256.digest(of: $0) }
    if let former, former.digest == digest {
      model = former.model
      return
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
  }
}
