import Configuration
import Ledger
import Linux
import Vocabulary

/// A configuration file, read.
package struct LoadedConfiguration: Sendable {
  package let path: String
  package let configuration: Configuration
  package let places: ConfigurationPlaces
  package let digest: Digest

  /// A configuration is a page of text.
  static let maximumBytes = 1 << 20

  package init(path: String) throws(StartupError) {
    self.path = path
    let bytes: [UInt8]
    do {
      bytes = try readFile(path, limit: Self.maximumBytes)
    } catch {
      throw StartupError(error, remedy: "name a configuration with --config FILE")
    }
    do {
      (configuration, places) = try Configuration.read(bytes, file: path)
    } catch {
      throw StartupError(error)
    }
    digest = Self.digest(configuration)
  }

  private init(_ configuration: Configuration, _ former: LoadedConfiguration) {
    self.configuration = configuration
    path = former.path
    places = former.places
    digest = Self.digest(configuration)
  }

  /// The same with another worth of a right answer.
  /// - Parameter lambda: joules.
  func with(lambda: Double) -> LoadedConfiguration {
    var changed = configuration
    changed.gate.valueOfRightAnswer = lambda
    return LoadedConfiguration(changed, self)
  }

  /// Of the values, not the bytes: where the file lies and how it is written changes no decision.
  private static func digest(_ configuration: Configuration) -> Digest {
    Array(configuration.portable.canonical().utf8).withUnsafeBytes { SHA256.digest(of: $0) }
  }
}

extension Configuration {
  /// Without what names places on this machine or the pace, so that a replay's ledger is the same everywhere.
  fileprivate var portable: Configuration {
    var copy = self
    copy.general.model = ""
    copy.general.socket = ""
    copy.ledger.directory = ""
    if !replay.recording.isEmpty {
      copy.replay = Replay()
    }
    return copy
  }
}
