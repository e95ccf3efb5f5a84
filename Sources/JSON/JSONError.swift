/// Why a JSON text was refused, and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Equatable, Sendable {
    /// Not JSON, a key that stands twice, text that is not UTF-8, or a number out of range. Line and column from 1.
    case syntax(line: Int, column: Int)
    /// More bytes than the reader allows.
    case tooLarge
    /// Nested deeper than the reader allows.
    case tooDeep
    /// A member that should be there is not.
    case missing
    /// A member that nobody asked for.
    case unexpected
    /// Of the wrong type, or out of its range.
    case wrongValue
  }

  package let kind: Kind
  /// The member it is about, as in `modalities[0].input`; empty for the whole text.
  package let path: String
  package let message: String

  package init(_ kind: Kind, at path: String = "", _ message: String) {
    self.kind = kind
    self.path = path
    self.message = message
  }

  package var description: String {
    if case .syntax(let line, let column) = kind { return "line \(line), column \(column): \(message)" }
    return path.isEmpty ? message : "\(path): \(message)"
  }
}
