import Vocabulary

/// A parsed JSON text. For the control plane: it allocates, and belongs on no path that runs once a window.
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent, exact.
  case integer(Int64)
  case real(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// Numbers by their kind and value, texts and keys byte by byte.
  package static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.real(let a), .real(let b)): a == b
    case (.string(let a), .string(let b)): a.hasSameBytes(as: b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }

  /// What it is, in words for messages.
  package var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .real: "a real number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// An object whose members keep the order they were written in.
package struct JSONObject: Equatable, Sendable, ExpressibleByDictionaryLiteral {
  package struct Member: Equatable, Sendable {
    package let key: String
    package let value: JSONValue

    package static func == (a: Member, b: Member) -> Bool {
      a.key.hasSameBytes(as: b.key) && a.value == b.value
    }
  }

  package private(set) var members: [Member] = []
  /// Where a key's member is, in objects of more than `searched`. Keys are told apart byte by byte, as RFC 8259 (8.3) has it and
  /// jansson does.
  private var places: [BytewiseText: Int] = [:]
  /// So many keys are sooner compared than hashed.
  private static let searched = 8

  package init() {}

  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { append(key, value) }
  }

  /// - Precondition: `key` is not there yet.
  package mutating func append(_ key: String, _ value: JSONValue) {
    let isNew = appendNew(key, value)
    precondition(isNew, "a key stands once in an object")
  }

  /// Whether `key` was not there yet; only then the object changes.
  mutating func appendNew(_ key: String, _ value: JSONValue) -> Bool {
    guard place(of: key) == nil else { return false }
    if members.isEmpty { members.reserveCapacity(4) }
    members.append(Member(key: key, value: value))
    if members.count == Self.searched + 1 {
      for (place, member) in members.enumerated() { places[BytewiseText(member.key)] = place }
    } else if members.count > Self.searched {
      places[BytewiseText(key)] = members.count - 1
    }
    return true
  }

  private func place(of key: String) -> Int? {
    guard members.count > Self.searched else { return members.firstIndex { $0.key.hasSameBytes(as: key) } }
    return places[BytewiseText(key)]
  }

  package var count: Int { members.count }

  package static func == (a: JSONObject, b: JSONObject) -> Bool { a.members == b.members }

  package subscript(key: String) -> JSONValue? {
    place(of: key).map { members[$0].value }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .real(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(nilLiteral: ()) { self = .null }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object.append(key, value) }
    self = .object(object)
  }
}
