import Energy
import Glibc
import Testing
import Vocabulary

@testable import Ledger
@testable import Wire

/// A ledger with every type of record that comes in masses, counted records among them; two runs.
func writeMixed(
  _ count: Int, in directory: TemporaryDirectory, options: LedgerOptions = eager(), seed: UInt64 = 5
) throws {
  var random = SeededGenerator(state: seed)
  var number: UInt64 = 0
  for run in 0..<2 {
    var writer = try LedgerWriter(
      directory: directory.path, identity: CoalescingTests.identity(), at: stamp(0), options: options,
      coalesces: true)
    writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(Int64(number) * 250))
    for _ in 0..<count {
      number += 1
      let now = stamp(Int64(number) * 250)
      switch Int.random(in: 0..<12, using: &random) {
      case 0: writer.append(decision(number, &random), at: now)
      case 1:
        writer.append(.wake(modality: 1, decision: number), at: now)
        writer.append(.state(modality: 1, from: "waking", to: "awake", reason: "asked \"for\""), at: now)
        writer.append(.sleep(modality: 1, awake: .seconds(2)), at: now)
      case 2:
        var window = decision(number, &random)
        window.energy.append(EnergyPosting(account: .audit, modality: 1, energy: Nanojoules(42)))
        window.answer.exit = .fusion
        writer.append(window, at: now)
        writer.append(.audit(AuditedWindowTests.audited(window, cost: 42)), at: now)
      case 3:
        let source = MeterSource(name: "hwmon:ina226@hwmon1/5V", scope: .board)
        let reading = MeterReading(
          source: source, start: now.boot, end: now.boot + .seconds(60), energy: Nanojoules(123_456_789),
          accounts: Nanojoules(Int64(number)))
        writer.append(.meter(reading), at: now)
      case 4:
        let event = StreamEvent(label: 1, start: .zero, certainty: 0.9, modalities: [], decision: number)
        writer.append(.event(event), at: now)
        var end = event
        end.end = now.boot
        writer.append(.event(end), at: now)
      default:
        let shape = Int.random(in: 0..<3, using: &random)
        writer.append(CoalescingTests.steady(number, shape: shape, &random), at: now)
      }
      writer.keep(at: stamp(Int64(number) * 60_000))
    }
    let closing = stamp(Int64(number) * 250 + 1)
    if run == 0 {
      try writer.finish(at: closing)
    } else {
      #expect(writer.end(reason: "end", at: closing) == nil)
    }
  }
}

/// The lines of a segment, compressed or not.
func lines(of segment: Segment) throws -> [[UInt8]] {
  var reader = try LineReader(segment)
  var found: [[UInt8]] = []
  while let line = try reader.nextLine() { found.append(Array(line.bytes)) }
  return found
}

/// Puts a segment's bytes in the place of those that it has, compressed where it was.
func replace(_ segment: Segment, with bytes: [UInt8]) throws {
  guard segment.isCompressed else { return replace(segment.path, with: bytes) }
  let gzip = try #require(GzipStream(.compressing))
  let room = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 4096, alignment: 1)
  defer { room.deallocate() }
  let step = bytes.withUnsafeBytes { gzip.step($0, into: room, isLast: true) }
  try #require(step.step == .ended)
  replace(segment.path, with: Array(room[..<step.given]))
}

/// Each line with `prev` anew, as somebody does who rewrites the whole chain.
/// - Parameter previous: what stands before the first; the digest of the last is left in it.
func chainedAnew(_ lines: [[UInt8]], behind previous: inout Digest) -> [[UInt8]] {
  lines.map { line in
    var line = line
    if line.count > 66, line.suffix(2) == Array("\"}".utf8) {
      line = line.dropLast(66) + Array((previous.hexString + "\"}").utf8)
    }
    previous = line.withUnsafeBytes { SHA256.digest(of: $0) }
    return line
  }
}
