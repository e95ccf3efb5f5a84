import Engine
import Vocabulary

/// What ends the program early: a sysexits code and one message.
struct BenchFailure: Error {
  let code: ExitCode
  let message: String

  init(_ code: ExitCode, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// The command line after the command: `--name value` and `--json`.
struct Options {
  private var values: [(name: String, value: String)] = []
  private(set) var json = false

  init(_ arguments: ArraySlice<String>, allowed: [String]) throws(BenchFailure) {
    var rest = arguments
    while let name = rest.popFirst() {
      if name == "--json" {
        json = true
        continue
      }
      guard allowed.contains(name) else {
        throw BenchFailure(
          .usage, "unknown option \(name); known: \((allowed + ["--json"]).joined(separator: ", "))")
      }
      guard let value = rest.popFirst() else { throw BenchFailure(.usage, "\(name) wants a value") }
      values.append((name, value))
    }
  }

  func all(_ name: String) -> [String] { values.filter { $0.name == name }.map(\.value) }

  func number(_ name: String, in range: ClosedRange<Int>) throws(BenchFailure) -> Int? {
    guard let text = try one(name) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw BenchFailure(
        .usage, "\(name) wants a number in \(range.lowerBound)...\(range.upperBound), not \(text)")
    }
    return number
  }

  /// What `--isa` names; nil when it is not given.
  func set() throws(BenchFailure) -> InstructionSet? {
    guard let name = try one("--isa") else { return nil }
    guard let set = InstructionSet(name: name) else {
      let names = InstructionSet.available.map(\.description).joined(separator: ", ")
      throw BenchFailure(.usage, "no instructions \(name) on this machine; it has \(names)")
    }
    return set
  }

  func one(_ name: String) throws(BenchFailure) -> String? {
    let found = all(name)
    guard found.count <= 1 else { throw BenchFailure(.usage, "\(name) is given twice") }
    return found.first
  }
}
