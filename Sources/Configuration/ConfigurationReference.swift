/// Every section of a configuration and every key that it knows: what `--print-keys` prints and the manual page
/// mmexitd.conf(5) is made of. It comes from the tables that the parser reads by.
package enum ConfigurationReference {
  /// A setting without the type of what it sets.
  package struct Setting: Equatable, Sendable {
    package let name: String
    /// Kind and range, "duration, 0.02 s to 10.0 s".
    package let takes: String
    package let help: String
    /// As it is written in a file; empty where nothing is set.
    package let fresh: String

    fileprivate init<T>(_ key: Key<T>, _ target: T) {
      name = key.name
      takes = key.takes
      help = key.help
      fresh = key.show(target) ?? ""
    }
  }

  package struct Section: Sendable {
    /// As it stands between brackets; CLASS and NAME are for a class and a sensor.
    package let title: String
    package let settings: [Setting]

    fileprivate init<T>(_ title: String, _ keys: [Key<T>], _ fresh: T) {
      self.title = title
      settings = keys.map { Setting($0, fresh) }
    }
  }

  /// In the order in which an error names them.
  package static let sections: [Section] = [
    Section("daemon", Keys.general, Configuration.General()),
    Section("gate", Keys.gate, Configuration.Gate()),
    Section("energy", Keys.energy + Keys.meters, Configuration.Energy()),
    Section("ledger", Keys.ledger, Configuration.Ledger()),
    Section("metrics", Keys.metrics, Configuration.Metrics()),
    Section("replay", Keys.replay, Configuration.Replay()),
    Section("adaptation", Keys.adaptation, Configuration.Adaptation()),
    Section("events", Keys.events, Configuration.Events()),
    Section("event CLASS", Keys.eventClass, Configuration.EventClass(label: "CLASS")),
    Section("sensor NAME", Keys.sensor, Configuration.Sensor(modality: "NAME")),
  ]

  /// "[daemon], [gate], ... and [sensor NAME]".
  static var titles: String {
    let titles = sections.map { "[\($0.title)]" }
    return titles.dropLast().joined(separator: ", ") + " and " + titles[titles.count - 1]
  }

  /// A line for each section; for each key one with its name and three, indented, with what it takes, its default and its help.
  package static var printed: String {
    var text = ""
    for section in sections {
      text += "[\(section.title)]\n"
      for setting in section.settings {
        text += "\(setting.name)\n  takes: \(setting.takes)\n"
        text += "  default: \(setting.fresh.isEmpty ? "not set" : setting.fresh)\n  \(setting.help)\n"
      }
      text += "\n"
    }
    return String(text.dropLast(2))
  }
}
