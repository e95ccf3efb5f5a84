import JSON
import Vocabulary

/// The container of a model: named tensors in one file (github.com/huggingface/safetensors, "Format").
/// 8 bytes little-endian header length, a JSON header, then the tensors' bytes without gaps or overlaps.
struct SafeTensors {
  enum ElementType: String {
    case int8 = "I8"
    case int32 = "I32"
    case float32 = "F32"

    var size: Int { self == .int8 ? 1 : 4 }
  }

  struct Tensor {
    let name: String
    let type: ElementType
    let shape: [Int]
    /// Where its bytes stand in the file. Of any alignment.
    let bytes: Range<Int>

    var count: Int { bytes.count / type.size }
  }

  let tensors: [BytewiseText: Tensor]
  let metadata: [BytewiseText: String]

  static let lengthBytes = 8

  /// Reads and checks the header; the tensors' contents are not looked at.
  init(_ file: [UInt8]) throws(ModelError) {
    guard file.count <= ModelLimits.fileBytes else {
      throw ModelError(
        .tooLarge, at: "file", "\(file.count) bytes, more than the \(ModelLimits.fileBytes) allowed")
    }
    let header = try Self.headerBytes(of: file)
    let members = try Self.parse(Array(file[header]))
    guard members.count <= ModelLimits.tensors + 1 else {
      throw ModelError(.tooManyTensors, at: "header", "more than \(ModelLimits.tensors) tensors")
    }
    var tensors: [BytewiseText: Tensor] = [:]
    var metadata: [BytewiseText: String] = [:]
    for member in members {
      if member.key == "__metadata__" {
        metadata = try Self.metadata(member.value)
      } else {
        tensors[BytewiseText(member.key)] = try Self.tensor(
          member, dataStart: header.upperBound, fileEnd: file.count)
      }
    }
    try Self.checkCover(tensors.values, from: header.upperBound, to: file.count)
    self.tensors = tensors
    self.metadata = metadata
  }

  private static func headerBytes(of file: [UInt8]) throws(ModelError) -> Range<Int> {
    guard file.count >= lengthBytes else {
      throw ModelError(
        .truncated, at: "file", "\(file.count) bytes are no model: the header's length alone takes 8")
    }
    let length = file.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length <= UInt64(ModelLimits.headerBytes) else {
      throw ModelError(
        .headerSyntax, at: "header",
        "\(length) bytes announced, more than the \(ModelLimits.headerBytes) allowed: this is no safetensors file, or damaged"
      )
    }
    guard Int(length) <= file.count - lengthBytes else {
      throw ModelError(
        .truncated, at: "header",
        "\(length) bytes announced, \(file.count - lengthBytes) there: cut short, or no safetensors file")
    }
    return lengthBytes..<lengthBytes + Int(length)
  }

  private static func parse(_ header: [UInt8]) throws(ModelError) -> [JSONObject.Member] {
    do throws(JSONError) {
      let root = try JSONValue.parse(header, maximumDepth: 8)
      guard header.first == UInt8(ascii: "{"), case .object(let object) = root else {
        throw JSONError(
          .wrongValue,
          "a header begins with '{'; here it begins with "
            + (header.first == UInt8(ascii: " ") ? "a space" : root.typeName))
      }
      return object.members
    } catch {
      throw ModelError(.headerSyntax, at: "header", error.description)
    }
  }

  private static func metadata(_ value: JSONValue) throws(ModelError) -> [BytewiseText: String] {
    do throws(JSONError) {
      var texts: [BytewiseText: String] = [:]
      for member in try JSONPlace(value, at: "__metadata__").members() {
        texts[BytewiseText(member.key)] = try member.place.string()
      }
      return texts
    } catch {
      throw ModelError(.headerEntry, at: "header", error.description)
    }
  }

  private static func tensor(
    _ member: JSONObject.Member, dataStart: Int, fileEnd: Int
  ) throws(ModelError) -> Tensor {
    let path = "tensor \(member.key)"
    guard !member.key.isEmpty, member.key.utf8.count <= ModelLimits.nameBytes else {
      throw ModelError(.headerEntry, at: "header", "a tensor's name has 1 to \(ModelLimits.nameBytes) bytes")
    }
    let entry: (type: String, shape: [Int], offsets: [Int])
    do throws(JSONError) {
      let place = JSONPlace(member.value)
      try place.allowOnly("dtype", "shape", "data_offsets")
      var shape: [Int] = []
      for extent in try place.member("shape").elements(count: 1...4) {
        shape.append(try extent.integer(in: 1...ModelLimits.fileBytes))
      }
      var offsets: [Int] = []
      for offset in try place.member("data_offsets").elements(count: 2...2) {
        offsets.append(try offset.integer(in: 0...ModelLimits.fileBytes))
      }
      entry = (try place.member("dtype").string(), shape, offsets)
    } catch {
      throw ModelError(.headerEntry, at: path, error.description)
    }
    guard let type = ElementType(rawValue: entry.type) else {
      throw ModelError(.elementType, at: path, "element type \(entry.type); models hold I8, I32 and F32")
    }
    var size = type.size
    for extent in entry.shape {
      // Both factors are at most `fileBytes`, so the product does not overflow.
      size *= extent
      guard size <= ModelLimits.fileBytes else {
        throw ModelError(.extent, at: path, "its shape \(entry.shape) has more bytes than any file may have")
      }
    }
    let (begin, end) = (entry.offsets[0], entry.offsets[1])
    guard begin <= end, end - begin == size else {
      throw ModelError(
        .extent, at: path,
        "offsets \(begin)...\(end) do not hold the \(size) bytes of its shape \(entry.shape)")
    }
    guard end <= fileEnd - dataStart else {
      throw ModelError(
        .truncated, at: path, "ends at byte \(end) of the data, which has \(fileEnd - dataStart)")
    }
    return Tensor(
      name: member.key, type: type, shape: entry.shape, bytes: dataStart + begin..<dataStart + end)
  }

  private static func checkCover(
    _ tensors: some Collection<Tensor>, from start: Int, to end: Int
  ) throws(ModelError) {
    var position = start
    for tensor in tensors.sorted(by: { $0.bytes.lowerBound < $1.bytes.lowerBound }) {
      if tensor.bytes.lowerBound < position {
        throw ModelError(.overlap, at: "tensor \(tensor.name)", "shares bytes with the tensor before it")
      }
      if tensor.bytes.lowerBound > position {
        throw ModelError(
          .gap, at: "tensor \(tensor.name)",
          "\(tensor.bytes.lowerBound - position) bytes before it belong to no tensor")
      }
      position = tensor.bytes.upperBound
    }
    guard position == end else {
      throw ModelError(.gap, at: "file", "\(end - position) bytes after the last tensor")
    }
  }
}
