import Vocabulary

/// An array of a `.npy` file (numpy.lib.format, versions 1.0 to 3.0): floating point of 2 to 8 bytes or integers of 1 to
/// 8, in either order of bytes; the elements in C order.
package struct NumPyArray: Equatable, Sendable {
  package enum Values: Equatable, Sendable {
    case float32([Float])
    case float64([Double])
    case int8([Int8])
  }

  package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
  }

  package let shape: [Int]
  /// In C order: the last index runs fastest.
  package let values: Values

  package static let maximumElements = ModelLimits.elements
  private static let magic: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
  private static let maximumHeader = 4096

  /// Reads a whole file's bytes.
  package init(_ bytes: [UInt8]) throws(Failure) {
    guard bytes.count >= 10, bytes.starts(with: Self.magic) else {
      throw Failure(
        description: "not a .npy file: it does not begin with \\x93NUMPY; save it with numpy.save")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw Failure(description: ".npy version \(version), where 1 to 3 are read; save it with numpy.save")
    }
    let lengthBytes = version == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthBytes else {
      throw Failure(description: "cut short: the .npy file ends within its header; save or copy it again")
    }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthBytes
    guard length <= Self.maximumHeader, start + length <= bytes.count else {
      throw Failure(
        description:
          "the .npy header announces \(length) bytes, more than there are or are allowed; save or copy it again"
      )
    }
    let header = try NumPyHeader(bytes[start..<start + length])
    var count = 1
    for extent in header.shape {
      guard extent <= Self.maximumElements, count * extent <= Self.maximumElements else {
        throw Failure(
          description:
            "shape \(header.shape) has more than \(Self.maximumElements) elements; save a smaller one")
      }
      count *= extent
    }
    let data = bytes[(start + length)...]
    guard data.count == count * header.elementSize else {
      throw Failure(
        description:
          "shape \(header.shape) of \(header.type) needs \(count * header.elementSize) bytes, \(data.count) are there; save or copy it again"
      )
    }
    shape = header.shape
    values = Self.decode(data, header.type)
  }

  private static func decode(_ data: ArraySlice<UInt8>, _ type: String) -> Values {
    data.withUnsafeBytes { bytes in
      switch type.dropFirst() {
      case "f2": .float32(words(bytes, type, UInt16.self).map { Float(halfPrecision: $0) })
      case "f4": .float32(words(bytes, type, UInt32.self).map { Float(bitPattern: $0) })
      case "f8": .float64(words(bytes, type, UInt64.self).map { Double(bitPattern: $0) })
      case "i2": .float32(words(bytes, type, Int16.self).map { Float($0) })
      case "i4": .float32(words(bytes, type, Int32.self).map { Float($0) })
      case "i8": .float32(words(bytes, type, Int64.self).map { Float($0) })
      case "u1": .float32(bytes.map { Float($0) })
      case "u2": .float32(words(bytes, type, UInt16.self).map { Float($0) })
      case "u4": .float32(words(bytes, type, UInt32.self).map { Float($0) })
      case "u8": .float32(words(bytes, type, UInt64.self).map { Float($0) })
      default: .int8(bytes.map { Int8(bitPattern: $0) })
      }
    }
  }

  private static func words<Word: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ type: String, _: Word.Type
  ) -> [Word] {
    let isBig = type.first == ">"
    return stride(from: 0, to: bytes.count, by: MemoryLayout<Word>.size).map {
      let word = bytes.loadUnaligned(fromByteOffset: $0, as: Word.self)
      return isBig ? Word(bigEndian: word) : Word(littleEndian: word)
    }
  }

  /// As float32, doubles rounded and integers as whole numbers.
  package var floats: [Float] {
    switch values {
    case .float32(let values): values
    case .float64(let values): values.map { Float($0) }
    case .int8(let values): values.map { Float($0) }
    }
  }
}

extension Float {
  /// IEEE 754's binary16; `Float16` is not there on every processor.
  fileprivate init(halfPrecision bits: UInt16) {
    let fraction = Float(bits & 0x3FF)
    let magnitude: Float =
      switch bits >> 10 & 31 {
      case 0: fraction * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      case let exponent: (1024 + fraction) * Float(sign: .plus, exponent: Int(exponent) - 25, significand: 1)
      }
    self = bits >> 15 == 1 ? -magnitude : magnitude
  }
}

/// The Python literal `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order.
private struct NumPyHeader {
  private(set) var type = ""
  private(set) var shape: [Int] = []
  private var rest: ArraySlice<UInt8>

  private static let kinds = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]

  var elementSize: Int { type.last?.wholeNumberValue ?? 1 }

  init(_ text: ArraySlice<UInt8>) throws(NumPyArray.Failure) {
    rest = text
    var seen: Set<BytewiseText> = []
    try expect("{")
    while !take("}") {
      let key = try quoted()
      guard seen.insert(BytewiseText(key)).inserted else { throw malformed() }
      try expect(":")
      switch key {
      case "descr": type = try quoted()
      case "fortran_order":
        guard take("False") else {
          throw NumPyArray.Failure(
            description: "fortran_order must be False; save it with numpy.ascontiguousarray")
        }
      case "shape": shape = try tuple()
      default: throw malformed()
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    guard seen.count == 3 else { throw malformed() }
    let order = type.first ?? "?"
    guard order == "<" || order == ">" || order == "|" && elementSize == 1,
      Self.kinds.contains(String(type.dropFirst()))
    else {
      throw NumPyArray.Failure(
        description:
          "element type '\(type)', where floating point and integers to 8 bytes are read; convert it with astype('float32')"
      )
    }
  }

  private func malformed() -> NumPyArray.Failure {
    NumPyArray.Failure(
      description:
        "the .npy header is not numpy's {'descr', 'fortran_order', 'shape'}; save it with numpy.save")
  }

  private mutating func take(_ token: String) -> Bool {
    rest = rest.drop { $0 == 0x20 || $0 == 0x0a }
    guard rest.starts(with: token.utf8) else { return false }
    rest = rest.dropFirst(token.utf8.count)
    return true
  }

  private mutating func expect(_ token: String) throws(NumPyArray.Failure) {
    guard take(token) else { throw malformed() }
  }

  private mutating func quoted() throws(NumPyArray.Failure) -> String {
    try expect("'")
    guard let end = rest.firstIndex(of: UInt8(ascii: "'")) else { throw malformed() }
    defer { rest = rest[(end + 1)...] }
    return String(decoding: rest[..<end], as: UTF8.self)
  }

  private mutating func tuple() throws(NumPyArray.Failure) -> [Int] {
    try expect("(")
    var extents: [Int] = []
    while !take(")") {
      _ = take("")
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty, digits.count <= 12, extents.count < 8,
        let extent = Int(String(decoding: digits, as: UTF8.self))
      else { throw malformed() }
      extents.append(extent)
      rest = rest.dropFirst(digits.count)
      if !take(",") {
        try expect(")")
        break
      }
    }
    return extents
  }
}
