import Glibc
import Vocabulary

/// Sums by name. Names are told apart byte by byte; of what a hostile ledger says only so much is kept.
struct NameTable {
  private struct Name {
    let hash: UInt64
    let bytes: [UInt8]
    var sum: Int64
  }

  /// A power of 2, beyond twice `AuditTotals.maximumNames`.
  private static let places = 2048
  private var names: [Name] = []
  /// Of each hash's place, or the next that is free: which name, from 1; 0 where there is none.
  private var index = [Int16](repeating: 0, count: places)

  /// By name.
  var sums: [BytewiseText: Int64] {
    var sums: [BytewiseText: Int64] = [:]
    for name in names { sums[BytewiseText(String(decoding: name.bytes, as: UTF8.self))] = name.sum }
    return sums
  }

  /// Adds to what stands under the name; the sums stay at the end of the scale and do not trap.
  /// - Returns: false where the name is one too many, or too long, and nothing was added.
  mutating func add(_ amount: Int64, _ name: String) -> Bool {
    var name = name
    return name.withUTF8 { bytes in
      let hash = Self.hash(UnsafeRawBufferPointer(bytes))
      if let known = find(UnsafeRawBufferPointer(bytes), hash) {
        add(amount, at: known)
        return true
      }
      guard names.count < AuditTotals.maximumNames, bytes.count <= AuditTotals.maximumNameBytes else {
        return false
      }
      names.append(Name(hash: hash, bytes: Array(bytes), sum: amount))
      var place = Self.place(hash)
      while index[place] != 0 { place = (place &+ 1) & (Self.places &- 1) }
      index[place] = Int16(names.count)
      return true
    }
  }

  mutating func add(_ amount: Int64, at known: Int) { names[known].sum.clampedAdd(amount) }

  /// Where the name stands; nil while nothing was added to it.
  func find(_ name: UnsafeRawBufferPointer, _ hash: UInt64) -> Int? {
    var place = Self.place(hash)
    while index[place] != 0 {
      let known = Int(index[place]) &- 1
      if names[known].hash == hash, names[known].bytes.count == name.count,
        names[known].bytes.withUnsafeBytes({ bytes in
          name.count == 0 || memcmp(bytes.baseAddress!, name.baseAddress!, name.count) == 0
        })
      {
        return known
      }
      place = (place &+ 1) & (Self.places &- 1)
    }
    return nil
  }

  private static func place(_ hash: UInt64) -> Int { Int(hash >> 53) }

  /// As `PlainScanner.hash`.
  static func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
    var first: UInt64 = 0
    var last: UInt64 = 0
    if name.count >= 8 {
      first = UInt64(littleEndian: name.loadUnaligned(as: UInt64.self))
      last = UInt64(littleEndian: name.loadUnaligned(fromByteOffset: name.count - 8, as: UInt64.self))
    } else {
      for (index, byte) in name.enumerated() { first |= UInt64(byte) << UInt64(8 * index) }
    }
    return plainHash(first, last, name.count)
  }
}
