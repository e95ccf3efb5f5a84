import JSON

/// Encodes messages to clients, one at a time, in memory that is allocated once.
struct MessageWriter: ~Copyable {
  private var json: JSONWriter
  private let limit: Int

  /// What a successful message begins with: stream messages get their `dropped` right behind it.
  static let opening = Array(#"{"parameters":{"#.utf8)

  init(limit: Int) {
    self.limit = limit
    json = JSONWriter(capacity: limit)
  }

  /// Encodes a reply; one that does not fit becomes an error that says so.
  mutating func reply(continues: Bool, _ members: Reply.Members) {
    if !encode(continues: continues, members) { encode(tooLarge) }
  }

  /// Encodes a stream's message; false when it does not fit.
  mutating func encode(continues: Bool, _ members: Reply.Members) -> Bool {
    json.reset()
    json.beginObject()
    json.key("parameters")
    json.beginObject()
    members(&json)
    json.endObject()
    if continues {
      json.key("continues")
      json.value(true)
    }
    json.endObject()
    json.terminate(with: 0)
    return !json.overflowed
  }

  /// Encodes an error; one that does not fit (it repeats a long name that the client sent) becomes another.
  mutating func error(_ error: CallError) {
    encode(error)
    if json.overflowed { encode(tooLarge) }
  }

  private var tooLarge: CallError {
    ConnectionInterface.error("ReplyTooLarge", ["limit_bytes": .integer(Int64(limit))])
  }

  private mutating func encode(_ error: CallError) {
    json.reset()
    json.beginObject()
    json.key("error")
    json.value(error.name)
    json.key("parameters")
    json.value(JSONValue.object(error.parameters))
    json.endObject()
    json.terminate(with: 0)
  }

  /// The message encoded last, its NUL included.
  borrowing func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { json.withBytes(body) }
}
