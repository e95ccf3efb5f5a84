extension JSONWriter {
  /// A whole tree, members in their order.
  package mutating func value(_ tree: JSONValue) {
    switch tree {
    case .null: null()
    case .bool(let flag): value(flag)
    case .integer(let number): value(number)
    case .real(let number): value(number)
    case .string(let text): value(text)
    case .array(let elements):
      beginArray()
      for element in elements { value(element) }
      endArray()
    case .object(let object):
      beginObject()
      for member in object.members {
        key(member.key)
        value(member.value)
      }
      endObject()
    }
  }
}

extension JSONValue {
  /// Its text without white space, for the control plane (it allocates).
  package var text: String {
    var capacity = 4096
    while true {
      var writer = JSONWriter(capacity: capacity)
      writer.value(self)
      if !writer.overflowed { return writer.withBytes { String(decoding: $0, as: UTF8.self) } }
      capacity *= 4
    }
  }
}
