import Glibc
import Testing
import Vocabulary

@testable import Ledger

/// Random edits of a whole ledger whose full segments are compressed: each is found, that of somebody who makes every
/// digest and every sum anew by the anchor alone.
@Suite struct RandomEditTests {
  private enum Edit: CaseIterable {
    case flip, cut, swap, duplicate, drop, forgedSum, rewritten, packedFlip, packedCut, segmentGone
  }

  /// 300 edits; MMEXIT_EDITS has another number, e.g. 10,000 (some minutes), MMEXIT_SEED begins with others.
  @Test func everyEditIsFound() throws {
    let count = getenv("MMEXIT_EDITS").flatMap { Int(String(cString: $0)) } ?? 300
    let directory = TemporaryDirectory()
    var options = eager(segmentBytes: 6000)
    options.compresses = true
    try writeMixed(20, in: directory, options: options)
    let segments = try Segment.list(in: directory.path)
    try #require(segments.count > 3 && segments.filter(\.isCompressed).count > 2)
    let files = segments.map { contents(of: $0.path) }
    let original = try segments.map { try lines(of: $0) }
    let head = try #require(try audit(directory.path).head)
    #expect(try audit(directory.path, anchors: [head]).passes)
    let seed = getenv("MMEXIT_SEED").flatMap { UInt64(String(cString: $0)) } ?? 21
    var random = SeededGenerator(state: seed)
    var byAnchorAlone = 0
    for round in 0..<count {
      let edit = Edit.allCases[round % Edit.allCases.count]
      let place = Int.random(in: 0..<segments.count, using: &random)
      guard try make(edit, at: place, segments, files, original, &random) else { continue }
      let report = try audit(directory.path, anchors: [head])
      try #require(!report.passes, "round \(round): \(edit) in \(segments[place].name)")
      if edit == .rewritten {
        let alone = try audit(directory.path)
        try #require(alone.passes, "round \(round): \(alone.findings.prefix(3))")
        byAnchorAlone += 1
      }
      for (segment, bytes) in zip(segments, files) { replace(segment.path, with: bytes) }
    }
    #expect(byAnchorAlone > count / 20)
    #expect(try audit(directory.path, anchors: [head]).passes)
  }

  /// - Returns: false where nothing was changed.
  private func make(
    _ edit: Edit, at place: Int, _ segments: [Segment], _ files: [[UInt8]], _ original: [[[UInt8]]],
    _ random: inout SeededGenerator
  ) throws -> Bool {
    var records = original[place]
    let line = Int.random(in: 0..<records.count, using: &random)
    switch edit {
    case .flip:
      let byte = Int.random(in: 0..<records[line].count, using: &random)
      records[line][byte] ^= UInt8.random(in: 1...255, using: &random)
    case .cut:
      let from = Int.random(in: 0..<records[line].count, using: &random)
      records[line].removeSubrange(
        from..<min(records[line].count, from + Int.random(in: 1...200, using: &random)))
    case .swap:
      guard records.count > 1 else { return false }
      records.swapAt(line, (line + 1) % records.count)
    case .duplicate: records.insert(records[line], at: line)
    case .drop: records.remove(at: line)
    case .forgedSum, .rewritten: return try rewrite(edit, segments, original, &random)
    case .packedFlip:
      var bytes = files[place]
      // Of a compressed file's head, time, system and kind of compression say nothing of the records.
      let first = segments[place].isCompressed ? 10 : 0
      bytes[Int.random(in: first..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      replace(segments[place].path, with: bytes)
      return true
    case .packedCut:
      replace(
        segments[place].path,
        with: Array(files[place].dropLast(Int.random(in: 1...files[place].count, using: &random))))
      return true
    case .segmentGone:
      // Without its oldest segments a ledger is whole: they may have been dropped.
      guard place > 0 else { return false }
      unlink(segments[place].path)
      return true
    }
    try replace(segments[place], with: text(records))
    return true
  }

  /// A decision's total that is no sum, or an answer that was another one; every digest behind it is made anew.
  private func rewrite(
    _ edit: Edit, _ segments: [Segment], _ original: [[[UInt8]]], _ random: inout SeededGenerator
  ) throws -> Bool {
    let mark = edit == .forgedSum ? #""total_nanojoules":"# : #""clock_synced":"#
    var places: [(Int, Int)] = []
    for (segment, records) in original.enumerated() {
      for (line, record) in records.enumerated() {
        let text = String(decoding: record, as: UTF8.self)
        if text.contains(#""type":"decision""#) && text.contains(mark) { places.append((segment, line)) }
      }
    }
    let (segment, line) = try #require(places.randomElement(using: &random))
    var edited = original
    let text = String(decoding: original[segment][line], as: UTF8.self)
    let forged = edit == .forgedSum ? mark + "1" : #""clock_synced":true,"was":"#
    edited[segment][line] = Array(text.replacing(mark, with: forged).utf8)
    var previous = Digest.zero
    for (index, records) in edited.enumerated() {
      try replace(segments[index], with: LedgerTests.text(chainedAnew(records, behind: &previous)))
    }
    return true
  }
}
