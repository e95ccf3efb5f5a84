import Engine
import Ledger
import Linux
import Vocabulary

/// The model the daemon runs, and the digest of its file.
package struct LoadedModel: Sendable {
  package let model: Model
  package let path: String
  package let digest: Digest

  package init(path: String) throws(StartupError) {
    guard !path.isEmpty else {
      throw StartupError(
        "no model is configured; set 'model' in [daemon] to a .safetensors file", .configuration)
    }
    let bytes: [UInt8]
    do {
      bytes = try readFile(path, limit: ModelLimits.fileBytes)
    } catch {
      throw StartupError(error, remedy: "set 'model' in [daemon] to a readable model file")
    }
    do {
      model = try Model.decode(bytes)
    } catch {
      throw StartupError("\(path): \(error.description)", .dataError)
    }
    for modality in model.modalities {
      if case .vector = modality.features {
        throw StartupError(
          "\(path): the modality '\(modality.name)' takes vectors, which no live sensor gives; use 'mmexitctl evaluate'",
          .dataError)
      }
    }
    self.path = path
    digest = bytes.withUnsafeBytes { SHA256.digest(of: $0) }
  }
}
