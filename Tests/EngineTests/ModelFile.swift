import JSON
import Vocabulary

/// A model file under construction: tensors and the `mmexit` text, to be written whole or broken on purpose.
struct ModelFile {
  struct Tensor {
    var name: String
    var type: String
    var shape: [Int]
    var bytes: [UInt8]

    init(_ name: String, int8 values: [Int8], _ shape: [Int]) {
      self.init(name, "I8", shape, values.map { UInt8(bitPattern: $0) })
    }

    init(_ name: String, int32 values: [Int32], _ shape: [Int]) {
      self.init(
        name, "I32", shape, values.flatMap { v in (0..<4).map { UInt8(truncatingIfNeeded: v >> (8 * $0)) } })
    }

    init(_ name: String, float32 values: [Float], _ shape: [Int]) {
      self.init(name, int32: values.map { Int32(bitPattern: $0.bitPattern) }, shape)
      type = "F32"
    }

    private init(_ name: String, _ type: String, _ shape: [Int], _ bytes: [UInt8]) {
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }

    var integers: [Int] {
      if type == "I8" { return bytes.map { Int(Int8(bitPattern: $0)) } }
      return words.map { Int(Int32(bitPattern: $0)) }
    }

    var floats: [Float] { words.map { Float(bitPattern: $0) } }

    private var words: [UInt32] {
      stride(from: 0, to: bytes.count, by: 4).map { at in
        (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
      }
    }
  }

  var tensors: [Tensor] = []
  var text: JSONValue = [:]
  /// Bytes of white space after the header: the data then stands at odd addresses.
  var padding = 0

  /// The header as an object, for tests that break it.
  var header: JSONObject {
    var object = JSONObject()
    object.append("__metadata__", ["mmexit": .string(text.text), "format": "test"])
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.bytes.count
      object.append(
        tensor.name,
        [
          "dtype": .string(tensor.type), "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
          "data_offsets": [.integer(Int64(offset)), .integer(Int64(end))],
        ])
      offset = end
    }
    return object
  }

  var bytes: [UInt8] { bytes(header: .object(header)) }

  func bytes(header: JSONValue) -> [UInt8] {
    Self.framed(header.text + String(repeating: " ", count: padding)) + tensors.flatMap(\.bytes)
  }

  /// A header with its length before it.
  static func framed(_ header: String) -> [UInt8] {
    let text = Array(header.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
  }

  func tensor(_ name: String) -> Tensor? { tensors.first { $0.name == name } }

  /// The same with a tensor changed.
  func with(_ name: String, _ change: (inout Tensor) -> Void) -> ModelFile {
    var copy = self
    if let index = tensors.firstIndex(where: { $0.name == name }) { change(&copy.tensors[index]) }
    return copy
  }

  /// The same with the member at `path` (as in "modalities/0/input") set, or removed by nil.
  func with(_ path: String, _ value: JSONValue?) -> ModelFile {
    var copy = self
    copy.text = text.setting(path.split(separator: "/").map(String.init)[...], to: value)
    return copy
  }
}

extension JSONValue {
  func setting(_ path: ArraySlice<String>, to new: JSONValue?) -> JSONValue {
    guard let step = path.first else { return new ?? .null }
    switch self {
    case .array(var elements):
      if let index = Int(step), index < elements.count {
        if path.count == 1 && new == nil {
          elements.remove(at: index)
        } else {
          elements[index] = elements[index].setting(path.dropFirst(), to: new)
        }
      } else if let new {
        elements.append(new)
      }
      return .array(elements)
    case .object(let object):
      var result = JSONObject()
      var found = false
      for member in object.members {
        guard member.key.hasSameBytes(as: step) else {
          result.append(member.key, member.value)
          continue
        }
        found = true
        if path.count == 1 && new == nil { continue }
        result.append(member.key, member.value.setting(path.dropFirst(), to: new))
      }
      if !found, let new { result.append(step, new) }
      return .object(result)
    default: return self
    }
  }
}
