import CJansson

extension JSONValue {
  /// Bytes that `parse` accepts when nothing else is said: more than any text of ours needs.
  package static let defaultMaximumBytes = 16 << 20
  /// Nesting that `parse` accepts when nothing else is said, and at most: what was read can be written again. Ours
  /// stays below 12, jansson's own limit is 2,048.
  package static let defaultMaximumDepth = JSONWriter.maximumDepth

  /// Parses one JSON text (RFC 8259, UTF-8, any value at the top) and nothing after it but white space.
  /// A key that stands twice in an object, `\u0000`, and integers beyond 64 bits are errors.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, maximumBytes: Int = defaultMaximumBytes,
    maximumDepth: Int = defaultMaximumDepth
  ) throws(JSONError) -> JSONValue {
    precondition(maximumDepth <= JSONWriter.maximumDepth, "deeper than what can be written")
    guard bytes.count <= maximumBytes else {
      throw JSONError(.tooLarge, "\(bytes.count) bytes of JSON, more than the \(maximumBytes) allowed")
    }
    if let value = PlainJSON.value(of: bytes, maximumDepth: maximumDepth) { return value }
    // Before jansson sees it: its parser and ours recurse, and the depth of a stack is not the sender's to choose.
    guard nesting(of: bytes) <= maximumDepth else {
      throw JSONError(.tooDeep, "JSON nested deeper than the \(maximumDepth) levels allowed")
    }
    // A byte order mark, as some editors write it; RFC 8259 lets a parser ignore it.
    let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let bytes = UnsafeRawBufferPointer(rebasing: bytes[mark...])
    return try parseByJansson(bytes)
  }

  /// What decides on every text that `PlainJSON` leaves. Its caller has bounded the nesting.
  package static func parseByJansson(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
    guard let base = bytes.baseAddress, !bytes.isEmpty else {
      throw JSONError(.syntax(line: 1, column: 1), "the JSON text is empty")
    }
    var failure = json_error_t()
    let flags = Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
    let root = json_loadb(base.assumingMemoryBound(to: CChar.self), bytes.count, flags, &failure)
    guard let root else {
      let text = withUnsafeBytes(of: &failure.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let place = JSONError.Kind.syntax(line: max(1, Int(failure.line)), column: max(1, Int(failure.column)))
      throw JSONError(place, text)
    }
    defer { json_decref(root) }
    return convert(root)
  }

  /// The same of an array of bytes.
  package static func parse(
    _ bytes: [UInt8], maximumBytes: Int = defaultMaximumBytes, maximumDepth: Int = defaultMaximumDepth
  ) throws(JSONError) -> JSONValue {
    let result: Result<JSONValue, JSONError> = bytes.withUnsafeBytes { buffer in
      do throws(JSONError) {
        return .success(try parse(buffer, maximumBytes: maximumBytes, maximumDepth: maximumDepth))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The same of a string.
  package static func parse(
    _ text: String, maximumBytes: Int = defaultMaximumBytes, maximumDepth: Int = defaultMaximumDepth
  ) throws(JSONError) -> JSONValue {
    try parse(Array(text.utf8), maximumBytes: maximumBytes, maximumDepth: maximumDepth)
  }

  /// Deepest level of brackets outside strings; of what is not JSON, some upper bound.
  private static func nesting(of bytes: UnsafeRawBufferPointer) -> Int {
    var depth = 0
    var deepest = 0
    var quoted = false
    var escaped = false
    for byte in bytes {
      if quoted {
        if escaped {
          escaped = false
        } else if byte == UInt8(ascii: "\\") {
          escaped = true
        } else if byte == UInt8(ascii: "\"") {
          quoted = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): quoted = true
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        depth += 1
        deepest = max(deepest, depth)
      case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      default: break
      }
    }
    return deepest
  }

  private static func convert(_ json: UnsafeMutablePointer<json_t>) -> JSONValue {
    switch json.pointee.type {
    case JSON_OBJECT: return .object(members(of: json))
    case JSON_ARRAY:
      return .array(
        (0..<json_array_size(json)).map { index in
          // An index below the size always has an element.
          json_array_get(json, index).map(convert) ?? .null
        })
    case JSON_STRING: return .string(text(json_string_value(json), json_string_length(json)))
    case JSON_INTEGER: return .integer(Int64(json_integer_value(json)))
    case JSON_REAL: return .real(json_real_value(json))
    case JSON_TRUE: return .bool(true)
    case JSON_FALSE: return .bool(false)
    default: return .null
    }
  }

  private static func members(of json: UnsafeMutablePointer<json_t>) -> JSONObject {
    var object = JSONObject()
    var iterator = json_object_iter(json)
    while let place = iterator {
      let key = text(json_object_iter_key(place), json_object_iter_key_len(place))
      object.append(key, json_object_iter_value(place).map(convert) ?? .null)
      iterator = json_object_iter_next(json, place)
    }
    return object
  }

  private static func text(_ characters: UnsafePointer<CChar>?, _ length: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: characters, count: length), as: UTF8.self)
  }
}
