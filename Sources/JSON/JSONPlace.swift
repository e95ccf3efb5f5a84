import Vocabulary

/// A value and where it stands in its text, so that an error can say "modalities[0].input: expected a string".
package struct JSONPlace: Sendable {
  package let value: JSONValue
  /// As in `modalities[0].input`; empty for the whole text.
  package let path: String

  package init(_ value: JSONValue, at path: String = "") {
    self.value = value
    self.path = path
  }

  package func error(_ kind: JSONError.Kind, _ message: String) -> JSONError {
    JSONError(kind, at: path, message)
  }

  private func expected(_ what: String) -> JSONError {
    error(.wrongValue, "expected \(what), found \(value.typeName)")
  }

  private func path(to key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  package func object() throws(JSONError) -> JSONObject {
    guard case .object(let object) = value else { throw expected("an object") }
    return object
  }

  /// The member of that name, which must be there (it may be null).
  package func member(_ key: String) throws(JSONError) -> JSONPlace {
    guard let found = try object()[key] else {
      throw JSONError(.missing, at: path(to: key), "this member is missing; add it")
    }
    return JSONPlace(found, at: path(to: key))
  }

  /// The member of that name; nil when it is absent or null.
  package func optional(_ key: String) throws(JSONError) -> JSONPlace? {
    guard let found = try object()[key], found != .null else { return nil }
    return JSONPlace(found, at: path(to: key))
  }

  /// Every member in the order written.
  package func members() throws(JSONError) -> [(key: String, place: JSONPlace)] {
    try object().members.map { ($0.key, JSONPlace($0.value, at: path(to: $0.key))) }
  }

  /// Refuses members that are not named, so that a misspelt key is not passed over in silence.
  package func allowOnly(_ keys: String...) throws(JSONError) {
    for member in try object().members where !keys.contains(bytesOf: member.key) {
      throw JSONError(
        .unexpected, at: path(to: member.key),
        "no such member; known here: \(keys.joined(separator: ", "))")
    }
  }

  /// The elements of an array whose length is in the range.
  package func elements(count range: ClosedRange<Int> = 0...Int.max) throws(JSONError) -> [JSONPlace] {
    guard case .array(let values) = value else { throw expected("an array") }
    guard range.contains(values.count) else {
      throw error(.wrongValue, "expected \(words(range)) elements, found \(values.count)")
    }
    return values.enumerated().map { JSONPlace($1, at: "\(path)[\($0)]") }
  }

  package func string() throws(JSONError) -> String {
    guard case .string(let text) = value else { throw expected("a string") }
    return text
  }

  package func bool() throws(JSONError) -> Bool {
    guard case .bool(let flag) = value else { throw expected("true or false") }
    return flag
  }

  package func integer() throws(JSONError) -> Int64 {
    guard case .integer(let number) = value else { throw expected("an integer") }
    return number
  }

  package func integer(in range: ClosedRange<Int>) throws(JSONError) -> Int {
    let number = try integer()
    guard let small = Int(exactly: number), range.contains(small) else {
      throw error(
        .wrongValue, "expected an integer in \(range.lowerBound)...\(range.upperBound), found \(number)")
    }
    return small
  }

  /// A number; an integer is taken as one.
  package func real() throws(JSONError) -> Double {
    switch value {
    case .real(let number): return number
    case .integer(let number): return Double(number)
    default: throw expected("a number")
    }
  }

  package func real(in range: ClosedRange<Double>) throws(JSONError) -> Double {
    let number = try real()
    guard range.contains(number) else {
      throw error(
        .wrongValue, "expected a number in \(range.lowerBound)...\(range.upperBound), found \(number)")
    }
    return number
  }

  private func words(_ range: ClosedRange<Int>) -> String {
    if range.lowerBound == range.upperBound { return "\(range.lowerBound)" }
    if range.upperBound == Int.max { return "at least \(range.lowerBound)" }
    return "\(range.lowerBound) to \(range.upperBound)"
  }
}
