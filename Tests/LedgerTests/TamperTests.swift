import Glibc
import Testing
import Vocabulary

@testable import Ledger

/// Attacks on a written ledger: every change but a clean shortening is named by the audit, before and after a daemon
/// has gone on with it, and no start loses a record or a byte.
@Suite struct TamperTests {
  /// Two runs over a handful of segments, the second one killed. A checkpoint of the last one is left, or none.
  private func ledger(
    _ directory: TemporaryDirectory, checkpoint: Bool, segmentBytes: Int = 6000
  ) throws -> [Segment] {
    try write(12, in: directory, options: eager(segmentBytes: segmentBytes), seed: 31)
    var random = SeededGenerator(state: 32)
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(9000),
      options: eager(segmentBytes: segmentBytes))
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(9000))
    for number in 1...8 as ClosedRange<UInt64> {
      writer.append(decision(number, &random), at: stamp(9000 + Int64(number)))
      writer.append(.wake(modality: 1, decision: number), at: stamp(9000 + Int64(number)))
    }
    let segments = try Segment.list(in: directory.path)
    unlink(directory.path + "/" + Checkpoint.name)
    if checkpoint {
      let last = try #require(segments.last)
      let bytes = contents(of: last.path)
      let places = ends(of: bytes)
      try #require(places.count > 2)
      _ = try saved(bytes, of: last, upTo: places[places.count / 2 - 1], in: directory)
      let found = try Checkpoint.read(in: directory.path)?.find(in: last)
      try #require(found != nil)
    }
    return segments
  }

  /// A daemon's start and end.
  private func restart(_ directory: TemporaryDirectory) throws -> [LedgerNotice] {
    var writer = try LedgerWriter(
      directory: directory.path, identity: identity(), at: stamp(20_000), options: eager())
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(20_000))
    try writer.finish(at: stamp(20_000))
    var notices: [LedgerNotice] = []
    while let notice = writer.nextNotice() { notices.append(notice) }
    return notices
  }

  private func clear(_ directory: TemporaryDirectory) {
    for name in directory.names { unlink(directory.path + "/" + name) }
  }

  /// Everything under any name, for what must not be lost.
  private func everything(_ directory: TemporaryDirectory) -> [[UInt8]] {
    directory.names.filter { $0 != "lock" && $0 != Checkpoint.name }.map {
      contents(of: directory.path + "/" + $0)
    }
  }

  private func contains(_ haystack: [UInt8], _ needle: [UInt8]) -> Bool {
    guard let first = needle.first else { return true }
    var place = 0
    while let next = haystack[place...].firstIndex(of: first) {
      if haystack[next...].starts(with: needle) { return true }
      place = next + 1
    }
    return false
  }

  @Test(arguments: [false, true])
  func everyPrefixIsGoneOnWithAndNoWholeRecordIsLost(_ checkpoint: Bool) throws {
    let directory = TemporaryDirectory()
    try write(3, in: directory)
    let path = try firstSegment(directory)
    let whole = contents(of: path)
    // Of half the records; the shorter prefixes are shorter than it says.
    let place = try #require(ends(of: whole).dropFirst(2).first)
    let text = try contents(of: saved(whole, upTo: place, in: directory))
    for length in stride(from: 0, through: whole.count, by: checkpoint ? 7 : 1) {
      clear(directory)
      let prefix = Array(whole[..<length])
      replace(path, with: prefix)
      if checkpoint { replace(directory.path + "/" + Checkpoint.name, with: text) }
      let end = (prefix.lastIndex(of: 10) ?? -1) + 1
      let notices = try restart(directory)
      let expected: [LedgerNotice] =
        end == length
        ? []
        : [
          .cut(
            segment: path, bytes: length - end,
            digest: prefix[end...].withUnsafeBytes { SHA256.digest(of: $0) },
            kept: directory.names.first { $0.contains(".cut-") })
        ]
      try #require(notices == expected, "\(length) bytes")
      try #require(try audit(directory.path).findings == [], "\(length) bytes")
      try #require(contents(of: path).starts(with: prefix[..<end]), "\(length) bytes")
      if let kept = directory.names.first(where: { $0.contains(".cut-") }) {
        try #require(contents(of: directory.path + "/" + kept) == Array(prefix[end...]))
      }
    }
  }

  @Test(arguments: [false, true])
  func everyChangeIsNamedBeforeAndAfterAStartAndNothingIsLostByIt(_ checkpoint: Bool) throws {
    let directory = TemporaryDirectory()
    let segments = try ledger(directory, checkpoint: checkpoint)
    try #require(segments.count > 3)
    let text = checkpoint ? contents(of: directory.path + "/" + Checkpoint.name) : nil
    let originals = segments.map { contents(of: $0.path) }
    #expect(try audit(directory.path).passes)
    var random = SeededGenerator(state: 4711)
    for round in 0..<400 {
      clear(directory)
      for (segment, bytes) in zip(segments, originals) { replace(segment.path, with: bytes) }
      if let text { replace(directory.path + "/" + Checkpoint.name, with: text) }
      let place = Int.random(in: 0..<segments.count, using: &random)
      let attack = Attack(round: round)
      // What is done to the very last record shows only against an anchor.
      let records = lines(of: originals[place])
      let spared = place == segments.count - 1 ? 1 : 0
      guard let edited = attack.edit(records, sparing: spared, using: &random) else { continue }
      replace(segments[place].path, with: edited)
      let before = try audit(directory.path)
      try #require(!before.passes, "round \(round): \(attack) in segment \(place)")
      try #require(before.findings.allSatisfy { !$0.segment.isEmpty }, "round \(round)")
      let notices = try restart(directory)
      let after = try audit(directory.path)
      // A tail of garbage is set aside and said; everything else stays wrong.
      if after.passes {
        try #require(!notices.isEmpty && !after.gaps.isEmpty, "round \(round): \(attack) in segment \(place)")
      }
      // Whatever was there before the start is there after it.
      let kept = everything(directory)
      for line in edited.split(separator: 10, omittingEmptySubsequences: true) {
        try #require(kept.contains { contains($0, Array(line)) }, "round \(round): \(attack)")
      }
      // It is said once.
      let again = try restart(directory)
      try #require(again == [], "round \(round): \(attack), \(again)")
    }
  }

  @Test func aMissingSwappedOrDoubledSegmentIsNamed() throws {
    let directory = TemporaryDirectory()
    let segments = try ledger(directory, checkpoint: true)
    let originals = segments.map { contents(of: $0.path) }
    for place in 1..<segments.count - 1 {
      unlink(segments[place].path)
      #expect(!(try audit(directory.path).passes), "missing \(place)")
      replace(segments[place].path, with: originals[place + 1])
      #expect(!(try audit(directory.path).passes), "doubled \(place)")
      replace(segments[place + 1].path, with: originals[place])
      #expect(!(try audit(directory.path).passes), "swapped \(place)")
      replace(segments[place].path, with: originals[place])
      replace(segments[place + 1].path, with: originals[place + 1])
    }
    #expect(try audit(directory.path).passes)
  }
}

/// Ways to change a segment's records.
private enum Attack: Int, CaseIterable {
  case flip, cutInside, cutLine, swap, duplicate, drop, forgeSum, forgeNumber, garbage, zeros, joinLines,
    emptyLine

  init(round: Int) { self = Self.allCases[round % Self.allCases.count] }

  /// The segment's bytes afterwards; nil where this segment has no room for the attack.
  /// - Parameter sparing: how many records at the end are left alone.
  func edit(_ records: [[UInt8]], sparing: Int, using random: inout SeededGenerator) -> [UInt8]? {
    var records = records
    let open = records.count - sparing
    guard open > 1 else { return nil }
    let place = Int.random(in: 0..<open - (self == .swap ? 1 : 0), using: &random)
    switch self {
    case .flip:
      let byte = Int.random(in: 0..<records[place].count, using: &random)
      records[place][byte] ^= UInt8.random(in: 1...255, using: &random)
    case .cutInside:
      let from = Int.random(in: 0..<records[place].count, using: &random)
      records[place].removeSubrange(from..<Int.random(in: from + 1...records[place].count, using: &random))
    case .cutLine: records[place].removeAll()
    case .swap: records.swapAt(place, place + 1)
    case .duplicate: records.insert(records[place], at: place)
    case .drop: records.remove(at: place)
    case .forgeSum:
      guard let end = range(of: "total_nanojoules\":", in: records[place]) else { return nil }
      records[place].insert(UInt8(ascii: "1"), at: end)
    case .forgeNumber:
      guard let end = range(of: "\"seq\":", in: records[place]) else { return nil }
      records[place].insert(contentsOf: Array("922337203685477".utf8), at: end)
    case .garbage:
      records.insert((0..<300).map { _ in UInt8.random(in: 11...255, using: &random) }, at: place)
    case .zeros: records.insert([UInt8](repeating: 0, count: 4096), at: place)
    case .joinLines:
      guard place + 1 < open else { return nil }
      records[place] += records.remove(at: place + 1)
    case .emptyLine: records.insert([], at: place)
    }
    return text(records)
  }

  private func range(of text: String, in record: [UInt8]) -> Int? {
    let pattern = Array(text.utf8)
    return record.indices.first { record[$0...].starts(with: pattern) }.map { $0 + pattern.count }
  }
}
