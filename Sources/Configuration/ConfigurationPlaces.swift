import Vocabulary

/// Where a configuration's settings stand in its file, for errors that are found after reading it.
package struct ConfigurationPlaces: Sendable {
  package let file: String
  /// By section, and by section and key; lines from 1.
  private var lines: [BytewiseText: Int] = [:]

  package init(file: String) { self.file = file }

  /// Notes a section (no key) or a setting.
  /// - Returns: the line where the same stood before; nil for a first time.
  mutating func note(_ section: String, _ key: String?, line: Int) -> Int? {
    let name = Self.name(section, key)
    if let former = lines[name] { return former }
    lines[name] = line
    return nil
  }

  package func isSet(_ section: String, _ key: String) -> Bool { lines[Self.name(section, key)] != nil }

  /// `file:line` of a setting; of its section where it is not set; the file where that is not there either.
  package func place(_ section: String, _ key: String) -> String {
    guard let line = lines[Self.name(section, key)] ?? lines[Self.name(section, nil)] else { return file }
    return "\(file):\(line)"
  }

  private static func name(_ section: String, _ key: String?) -> BytewiseText {
    BytewiseText(key.map { "\(section)\u{0}\($0)" } ?? section)
  }
}
