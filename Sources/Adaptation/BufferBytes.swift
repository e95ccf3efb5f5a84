import Vocabulary

/// Why the bytes of a buffer are not taken. The daemon sets such a file aside and begins with an empty buffer.
package enum BufferFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// It does not begin as a buffer does.
  case notABuffer
  /// It ends before what it announces, or goes on behind it.
  case wrongLength(bytes: Int, expected: Int)
  /// The digest at its end is another than that of its bytes.
  case wrongDigest
  /// It was made with another model.
  case otherModel
  /// A record holds what no audit can hold; counted from 1.
  case impossibleRecord(Int)

  package var description: String {
    switch self {
    case .notABuffer: "it is no validation buffer of this version"
    case .wrongLength(let bytes, let expected): "it has \(bytes) bytes and announces \(expected)"
    case .wrongDigest: "its digest is not that of its bytes; it was damaged or only half written"
    case .otherModel: "it was recorded with another model"
    case .impossibleRecord(let number): "record \(number) holds what no audit can hold"
    }
  }
}

/// The form on disk, little-endian: 8 bytes of name and version, 8 each of the model's fingerprint, its classes and
/// exits, the time of saving and the number of records; the records; FNV-1a (64 bits) of all before it. That digest
/// finds damage, not intent: whoever may write the file may as well write its digest.
extension ValidationBuffer {
  private static let name: [UInt8] = Array("MMXAUD01".utf8)
  private static let headerBytes = 40
  private var recordBytes: Int { 34 + 10 * (layout.count + 1) }

  /// - Parameters:
  ///   - model: a fingerprint of the model, such as 64 bits of its SHA-256.
  ///   - classCount: number of the model's classes.
  ///   - now: the time of saving, on the records' clock.
  package func bytes(model: UInt64, classCount: Int, savedAt now: Instant) -> [UInt8] {
    var bytes = Self.name
    bytes.reserveCapacity(Self.headerBytes + count * recordBytes + 8)
    bytes.append(integer: model)
    bytes.append(integer: UInt32(classCount))
    bytes.append(integer: UInt32(layout.count))
    bytes.append(integer: now.sinceBoot)
    bytes.append(integer: UInt64(count))
    for index in indices {
      let record = self[index]
      bytes.append(integer: record.decision)
      bytes.append(integer: record.end.sinceBoot)
      bytes.append(integer: record.cost.count)
      bytes.append(integer: record.inactive.rawValue)
      bytes.append(integer: record.available(layout).rawValue)
      bytes.append(integer: record.clientLabel ?? -1)
      for row in 0..<layout.count { bytes.append(outcome: record.exits[row]) }
      bytes.append(outcome: record.fusion)
    }
    bytes.append(integer: fnv1a(bytes[...]))
    return bytes
  }

  /// Puts back what `bytes` made, as far as it fits; the newest stay.
  /// - Parameter now: the time of restoring. The clock of another boot may be another, so ages are kept, not times: what was
  ///   a minute old when it was saved is a minute old now, and `away` later where the time between is known.
  package mutating func restore(
    _ bytes: [UInt8], model: UInt64, classCount: Int, at now: Instant, away: Nanoseconds = .zero
  ) throws(BufferFault) {
    guard bytes.count >= Self.headerBytes + 8, bytes.starts(with: Self.name) else { throw .notABuffer }
    guard fnv1a(bytes.dropLast(8)) == bytes.integer(at: bytes.count - 8) as UInt64 else { throw .wrongDigest }
    guard bytes.integer(at: 8) == model, bytes.integer(at: 16) == UInt32(classCount),
      bytes.integer(at: 20) == UInt32(layout.count)
    else { throw .otherModel }
    let saved = bytes.integer(at: 24) as Int64
    let records = bytes.integer(at: 32) as UInt64
    guard records <= UInt64(Self.maximumCapacity) else { throw .notABuffer }
    let expected = Self.headerBytes + Int(records) * recordBytes + 8
    guard bytes.count == expected else { throw .wrongLength(bytes: bytes.count, expected: expected) }
    keepNewest(0)
    for number in 0..<Int(records) {
      guard
        var record = decode(bytes, at: Self.headerBytes + number * recordBytes, classCount: classCount),
        record.end.sinceBoot <= saved
      else {
        keepNewest(0)
        throw .impossibleRecord(number + 1)
      }
      let age = saved.subtractingReportingOverflow(record.end.sinceBoot)
      guard !age.overflow, age.partialValue < .max / 4 else {
        keepNewest(0)
        throw .impossibleRecord(number + 1)
      }
      // Decisions are numbered anew in each run: a label for one of this run must not meet one of another.
      record.decision = 0
      record.end = now - Nanoseconds(age.partialValue) - away
      append(record)
    }
    expire(at: now)
  }

  /// nil where the bytes hold what no audit can hold.
  private func decode(_ bytes: [UInt8], at start: Int, classCount: Int) -> AuditRecord? {
    var record = AuditRecord(
      decision: bytes.integer(at: start), end: Instant(sinceBoot: bytes.integer(at: start + 8)),
      cost: Nanojoules(bytes.integer(at: start + 16)))
    record.inactive = ModalitySet(rawValue: bytes.integer(at: start + 24))
    let available = ModalitySet(rawValue: bytes.integer(at: start + 28))
    let label = bytes.integer(at: start + 32) as Int16
    guard record.cost >= .zero, (-1..<classCount).contains(Int(label)) else { return nil }
    record.clientLabel = label < 0 ? nil : label
    for row in 0...layout.count {
      let place = start + 34 + 10 * row
      let outcome = ExitOutcome(
        entropy: Float(bitPattern: bytes.integer(at: place)),
        certainty: Float(bitPattern: bytes.integer(at: place + 4)), label: bytes.integer(at: place + 8))
      guard (-1..<classCount).contains(Int(outcome.label)),
        outcome.entropy.isNaN || (0...1.000_001).contains(outcome.entropy),
        outcome.certainty.isNaN || (0...1.000_001).contains(outcome.certainty)
      else { return nil }
      if row == layout.count { record.setFusion(outcome) } else { record.set(outcome, row: row) }
    }
    guard record.inactive.isSubset(of: .all(layout.modalityCount)), record.available(layout) == available
    else { return nil }
    return record
  }
}

/// Fowler, Noll and Vo's hash of 64 bits, variant 1a. Each step is a bijection of the state, so that no change of one
/// byte goes unnoticed.
private func fnv1a(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  return hash
}

extension [UInt8] {
  fileprivate mutating func append(integer value: some FixedWidthInteger) {
    for index in 0..<value.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }

  fileprivate mutating func append(outcome: ExitOutcome) {
    append(integer: outcome.entropy.bitPattern)
    append(integer: outcome.certainty.bitPattern)
    append(integer: outcome.label)
  }

  fileprivate func integer<T: FixedWidthInteger>(at start: Int) -> T {
    var value: T = 0
    for index in 0..<T.bitWidth / 8 { value |= T(truncatingIfNeeded: self[start + index]) << T(8 * index) }
    return value
  }
}
