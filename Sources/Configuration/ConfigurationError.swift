/// What is wrong in a configuration file, with its place. One line: what, where, what to do.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible, Sendable {
  package let file: String
  /// From 1; nil when it is about the file as a whole.
  package let line: Int?
  package let message: String

  package init(file: String, line: Int?, message: String) {
    self.file = file
    self.line = line
    self.message = message
  }

  package var description: String {
    line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
  }
}

/// A value that does not read as its key's type; the parser adds the place.
package struct ValueError: Error, Equatable, Sendable {
  package let message: String
}
