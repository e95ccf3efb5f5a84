import Vocabulary

extension Configuration {
  /// Reads a configuration. Unknown sections and keys, repeated keys, wrong types and wrong units are errors
  /// with file and line. Relative paths are taken from the file's folder.
  package static func parse(_ text: [UInt8], file: String) throws(ConfigurationError) -> Configuration {
    var configuration = Configuration()
    var seen: Set<String> = []
    for entry in try INIFile(text, file: file).entries {
      guard seen.insert("\(entry.section)\u{0}\(entry.key)").inserted else {
        throw ConfigurationError(
          file: file, line: entry.line, message: "'\(entry.key)' is set twice; keep one of the two")
      }
      do {
        try configuration.set(entry)
      } catch {
        throw ConfigurationError(file: file, line: entry.line, message: error.message)
      }
    }
    configuration.resolvePaths(from: file)
    return configuration
  }

  private mutating func set(_ entry: INIFile.Entry) throws(ValueError) {
    let parts = entry.section.split(separator: " ", maxSplits: 1)
    switch (parts.first, parts.count) {
    case ("daemon", 1): try Self.apply(entry, Keys.general, &general)
    case ("gate", 1): try Self.apply(entry, Keys.gate, &gate)
    case ("energy", 1): try Self.apply(entry, Keys.energy, &energy)
    case ("ledger", 1): try Self.apply(entry, Keys.ledger, &ledger)
    case ("replay", 1): try Self.apply(entry, Keys.replay, &replay)
    case ("sensor", 2):
      let name = String(parts[1])
      let index = sensors.firstIndex { $0.modality == name } ?? sensors.endIndex
      if index == sensors.endIndex { sensors.append(Sensor(modality: name)) }
      try Self.apply(entry, Keys.sensor, &sensors[index])
    default:
      let shown = entry.section.isEmpty ? "no section" : "the unknown section [\(entry.section)]"
      throw ValueError(
        message: "'\(entry.key)' stands in \(shown); "
          + "the sections are [daemon], [gate], [energy], [ledger], [replay] and [sensor NAME]")
    }
  }

  private static func apply<T>(_ entry: INIFile.Entry, _ keys: [Key<T>], _ target: inout T) throws(ValueError)
  {
    guard let key = keys.first(where: { $0.name == entry.key }) else {
      let names = keys.map(\.name).joined(separator: ", ")
      throw ValueError(message: "unknown key '\(entry.key)' in [\(entry.section)]; it knows \(names)")
    }
    do {
      try key.read(entry.value, &target)
    } catch {
      throw ValueError(message: "\(key.name): \(error.message)")
    }
  }

  private mutating func resolvePaths(from file: String) {
    let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
    func resolved(_ path: String) -> String { path.isEmpty || path.hasPrefix("/") ? path : folder + path }
    general.model = resolved(general.model)
    general.socket = resolved(general.socket)
    ledger.directory = resolved(ledger.directory)
    replay.recording = resolved(replay.recording)
  }

  /// The whole configuration as a file that `parse` reads back to the same values.
  package func printed() -> String {
    var out = ""
    func section<T>(_ title: String, _ keys: [Key<T>], _ value: T) {
      out += "[\(title)]\n"
      for key in keys {
        if let shown = key.show(value), !shown.isEmpty { out += "\(key.name) = \(shown)\n" }
      }
      out += "\n"
    }
    section("daemon", Keys.general, general)
    section("gate", Keys.gate, gate)
    section("energy", Keys.energy, energy)
    section("ledger", Keys.ledger, ledger)
    section("replay", Keys.replay, replay)
    for sensor in sensors { section("sensor \(sensor.modality)", Keys.sensor, sensor) }
    return String(out.dropLast())
  }
}
