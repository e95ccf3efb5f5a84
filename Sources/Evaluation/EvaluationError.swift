import Vocabulary

/// What stops an evaluation or a plan, as one line: what, where, what to do.
package struct EvaluationError: Error, Equatable, CustomStringConvertible, Sendable {
  package enum Kind: Equatable, Sendable {
    case manifest, window, model, statistics, usage
  }
  package let kind: Kind
  package let file: String
  package let line: Int?
  package let message: String
  package let exitCode: ExitCode

  package init(
    _ kind: Kind, _ file: String, line: Int? = nil, _ message: String, _ code: ExitCode = .dataError
  ) {
    self.kind = kind
    self.file = file
    self.line = line
    self.message = message
    exitCode = code
  }

  package var description: String {
    let place = line.map { "\(file):\($0)" } ?? file
    return place.isEmpty ? message : "\(place): \(message)"
  }
}
