import Vocabulary

extension Configuration {
  /// Reads a configuration. Unknown sections and keys, repeated ones, wrong types and wrong units are errors
  /// with file and line. Relative paths are taken from the file's folder.
  package static func parse(_ text: [UInt8], file: String) throws(ConfigurationError) -> Configuration {
    try read(text, file: file).configuration
  }

  /// As `parse`, with the place of every setting.
  package static func read(
    _ text: [UInt8], file: String
  ) throws(ConfigurationError) -> (configuration: Configuration, places: ConfigurationPlaces) {
    var configuration = Configuration()
    var places = ConfigurationPlaces(file: file)
    for entry in try INIFile(text, file: file).entries {
      if let former = places.note(entry.section, entry.key, line: entry.line) {
        let message =
          entry.key.map { "'\($0)' is set twice, here and at line \(former); keep one of the two" }
          ?? "[\(entry.section)] stands twice, here and at line \(former); put its settings together"
        throw ConfigurationError(file: file, line: entry.line, message: message)
      }
      do {
        try configuration.set(entry)
      } catch {
        throw ConfigurationError(file: file, line: entry.line, message: error.message)
      }
    }
    configuration.resolvePaths(from: file)
    return (configuration, places)
  }

  private mutating func set(_ entry: INIFile.Entry) throws(ValueError) {
    let parts = entry.section.split(separator: " ", maxSplits: 1)
    switch (parts.first, parts.count) {
    case ("daemon", 1): try Self.apply(entry, Keys.general, &general)
    case ("gate", 1): try Self.apply(entry, Keys.gate, &gate)
    case ("energy", 1): try Self.apply(entry, Keys.energy + Keys.meters, &energy)
    case ("ledger", 1): try Self.apply(entry, Keys.ledger, &ledger)
    case ("adaptation", 1): try Self.apply(entry, Keys.adaptation, &adaptation)
    case ("metrics", 1): try Self.apply(entry, Keys.metrics, &metrics)
    case ("replay", 1): try Self.apply(entry, Keys.replay, &replay)
    case ("events", 1): try Self.apply(entry, Keys.events, &events)
    case ("event", 2):
      let name = String(parts[1])
      let index = eventClasses.firstIndex { $0.label.hasSameBytes(as: name) } ?? eventClasses.endIndex
      if index == eventClasses.endIndex { eventClasses.append(EventClass(label: name)) }
      try Self.apply(entry, Keys.eventClass, &eventClasses[index])
    case ("sensor", 2):
      let name = String(parts[1])
      let index = sensors.firstIndex { $0.modality.hasSameBytes(as: name) } ?? sensors.endIndex
      if index == sensors.endIndex { sensors.append(Sensor(modality: name)) }
      try Self.apply(entry, Keys.sensor, &sensors[index])
    default:
      let what =
        switch (entry.key, entry.section.isEmpty) {
        case (let key?, true): "'\(key)' stands in no section"
        default: "unknown section [\(entry.section)]"
        }
      throw ValueError(message: "\(what); the sections are \(ConfigurationReference.titles)")
    }
  }

  private static func apply<T>(_ entry: INIFile.Entry, _ keys: [Key<T>], _ target: inout T) throws(ValueError)
  {
    guard let name = entry.key else { return }
    guard let key = keys.first(where: { $0.name.hasSameBytes(as: name) }) else {
      let names = keys.map(\.name).joined(separator: ", ")
      throw ValueError(message: "unknown key '\(name)' in [\(entry.section)]; it knows \(names)")
    }
    do {
      try key.read(entry.value, &target)
    } catch {
      throw ValueError(message: "\(key.name): \(error.message)")
    }
  }

  private mutating func resolvePaths(from file: String) {
    let folder = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[...$0]) } ?? ""
    func resolved(_ path: String) -> String {
      path.isEmpty || path.utf8.first == UInt8(ascii: "/") ? path : folder + path
    }
    general.model = resolved(general.model)
    general.socket = resolved(general.socket)
    ledger.directory = resolved(ledger.directory)
    metrics.textfile = resolved(metrics.textfile)
    replay.recording = resolved(replay.recording)
  }

  /// Every value that decides anything, in one form whatever the file looked like: what a digest is made of.
  package func canonical() -> String {
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
    // What is left as it was changes no digest.
    let meters = Keys.meters.filter { $0.show(energy) != $0.show(Energy()) }
    section("energy", Keys.energy + meters, energy)
    section("ledger", Keys.ledger, ledger)
    section("replay", Keys.replay, replay)
    if metrics != Metrics() { section("metrics", Keys.metrics, metrics) }
    // A section of defaults says what none says.
    let told = sensors.filter { $0 != Sensor(modality: $0.modality) }
    for sensor in told.sorted(by: { $0.modality < $1.modality }) {
      section("sensor \(sensor.modality)", Keys.sensor, sensor)
    }
    if adaptation != Adaptation() { section("adaptation", Keys.adaptation, adaptation) }
    if events != Events() { section("events", Keys.events, events) }
    let ruled = eventClasses.filter { $0 != EventClass(label: $0.label) }
    for rule in ruled.sorted(by: { BytewiseText($0.label) < BytewiseText($1.label) }) {
      section("event \(rule.label)", Keys.eventClass, rule)
    }
    return String(out.dropLast())
  }
}
