import JSON
import Vocabulary

/// A place in the `mmexit` text, read with errors that name it. A thin layer over `JSONPlace` for `ModelError`.
struct ModelText {
  let place: JSONPlace

  private func lift<T>(_ body: (JSONPlace) throws(JSONError) -> T) throws(ModelError) -> T {
    do throws(JSONError) { return try body(place) } catch { throw ModelError(error) }
  }

  func error(_ kind: ModelError.Kind, _ message: String) -> ModelError {
    ModelError(kind, at: place.path, message)
  }

  /// The members there may be, as one string of names with spaces between.
  func allowOnly(_ names: String) throws(ModelError) {
    for member in try lift({ place throws(JSONError) in try place.object() }).members
    where !names.hasWord(member.key) {
      throw ModelError(
        .unexpectedMember, at: "\(place.path).\(member.key)",
        "no such member; known here: \(names.split(separator: " ").joined(separator: ", "))")
    }
  }

  func member(_ key: String) throws(ModelError) -> ModelText {
    ModelText(place: try lift { place throws(JSONError) in try place.member(key) })
  }

  /// nil when it is absent or null.
  func optional(_ key: String) throws(ModelError) -> ModelText? {
    try lift { place throws(JSONError) in try place.optional(key) }.map(ModelText.init)
  }

  func members() throws(ModelError) -> [(key: String, place: ModelText)] {
    try lift { place throws(JSONError) in try place.members() }.map { ($0.key, ModelText(place: $0.place)) }
  }

  func elements(_ range: ClosedRange<Int>) throws(ModelError) -> [ModelText] {
    try lift { place throws(JSONError) in try place.elements(count: range) }.map(ModelText.init)
  }

  func bool() throws(ModelError) -> Bool { try lift { place throws(JSONError) in try place.bool() } }

  func integer(in range: ClosedRange<Int>) throws(ModelError) -> Int {
    try lift { place throws(JSONError) in try place.integer(in: range) }
  }

  func real(in range: ClosedRange<Double>) throws(ModelError) -> Double {
    try lift { place throws(JSONError) in try place.real(in: range) }
  }

  /// A string of 1 to `ModelLimits.nameBytes` bytes.
  func name() throws(ModelError) -> String {
    let text = try lift { place throws(JSONError) in try place.string() }
    guard !text.isEmpty, text.utf8.count <= ModelLimits.nameBytes else {
      throw error(.wrongValue, "a name has 1 to \(ModelLimits.nameBytes) bytes")
    }
    return text
  }

  /// A number that is finite as a float32.
  func float() throws(ModelError) -> Float {
    let number = Float(try lift { place throws(JSONError) in try place.real() })
    guard number.isFinite else { throw error(.wrongValue, "too large for a float32") }
    return number
  }

  /// A number above 0 and finite as a float32; `kind` is what to call it otherwise.
  func positive(_ kind: ModelError.Kind = .wrongValue) throws(ModelError) -> Float {
    let number = Float(try lift { place throws(JSONError) in try place.real() })
    guard number.isFinite, number > 0 else { throw error(kind, "must be above 0 and finite, is \(number)") }
    return number
  }

  /// As many integers as asked for, each in the range.
  func integers(_ count: Int, in range: ClosedRange<Int>) throws(ModelError) -> [Int] {
    var result: [Int] = []
    for element in try elements(count...count) { result.append(try element.integer(in: range)) }
    return result
  }
}
