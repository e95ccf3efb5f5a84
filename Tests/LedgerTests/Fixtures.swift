import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger
@testable import Wire

/// A directory of its own for a test, removed with everything in it.
final class TemporaryDirectory {
  let path: String

  init() {
    var template = Array("/tmp/mmexit-ledger-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress, let made = mkdtemp(base) else {
        fatalError("no directory for a test in /tmp")
      }
      return String(cString: made)
    }
  }

  deinit {
    for name in names { unlink(path + "/" + name) }
    rmdir(path)
  }

  var names: [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { found.append(name) }
    }
    return found.sorted()
  }
}

func contents(of path: String) -> [UInt8] {
  let file = open(path, O_RDONLY)
  defer { close(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while case let count = read(file, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
  return bytes
}

func replace(_ path: String, with bytes: [UInt8]) {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  var done = 0
  while done < bytes.count {
    done += bytes[done...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }
  close(file)
}

func lines(of bytes: [UInt8]) -> [[UInt8]] {
  bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true).map(Array.init)
}

/// The only segment of a small ledger.
func firstSegment(_ directory: TemporaryDirectory) throws -> String {
  try Segment.list(in: directory.path)[0].path
}

func records(_ directory: TemporaryDirectory) throws -> [JSONObject] {
  try Segment.list(in: directory.path).flatMap { segment in
    try lines(of: contents(of: segment.path)).map { try JSONPlace(JSONValue.parse($0)).object() }
  }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

let names = Names(
  classes: ["none", "stop", "go"], modalities: ["audio", "image"], energySource: "model:raspberry-pi-4")

func identity(bootID: String = "replay") -> LedgerIdentity {
  LedgerIdentity(
    bootID: bootID, model: SHA256.digest(of: UnsafeRawBufferPointer(start: nil, count: 0)),
    configuration: .zero,
    names: names)
}

func stamp(_ milliseconds: Int64) -> LedgerStamp {
  LedgerStamp(boot: Instant(sinceBoot: milliseconds * 1_000_000))
}

/// Options that write every record at once, so that a test sees the file grow.
func eager(segmentBytes: Int = 8 << 20) -> LedgerOptions {
  var options = LedgerOptions()
  options.flushInterval = .zero
  options.synchronizes = false
  options.segmentBytes = segmentBytes
  return options
}

/// A decision with random matter; its number and window follow from `number`.
func decision(_ number: UInt64, _ random: inout SeededGenerator) -> Decision {
  let start = Int64(number) * 250_000_000
  var decision = Decision(
    number: number, start: Instant(sinceBoot: start), end: Instant(sinceBoot: start + 250_000_000))
  decision.decided = decision.end + Nanoseconds(Int64.random(in: 0...9_000_000, using: &random))
  for exit in 1...Int.random(in: 1...2, using: &random) {
    let reading = Reading(
      exit: .encoder(modality: 0, exit: exit), entropy: Float.random(in: 0...1, using: &random), label: 1,
      certainty: Float.random(in: 0...1, using: &random), macs: 100_000, parameters: 5_000)
    decision.trace.append(Decision.AskedExit(reading: reading, threshold: 0.25))
    decision.macs += reading.macs
    decision.answer = Answer(
      label: 1, exit: reading.exit, entropy: reading.entropy, certainty: reading.certainty, threshold: 0.25,
      reason: .sure)
    decision.energy.append(
      EnergyPosting(
        account: .segment, modality: 0, exit: exit,
        energy: Nanojoules(Int64.random(in: 1...1 << 40, using: &random))))
  }
  decision.energy.append(
    EnergyPosting(
      account: .sensing, modality: 0, energy: Nanojoules(Int64.random(in: 1...1 << 40, using: &random))))
  decision.used = ModalitySet(index: 0)
  decision.alwaysOn = Nanojoules(3_000_000)
  return decision
}

/// A small ledger: start, decisions, stop.
func write(
  _ count: Int, in directory: TemporaryDirectory, options: LedgerOptions = eager(), seed: UInt64 = 7
) throws {
  var random = SeededGenerator(state: seed)
  var writer = try LedgerWriter(
    directory: directory.path, identity: identity(), at: stamp(0), options: options)
  writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(0))
  for number in 1...max(count, 1) where number <= count {
    writer.append(decision(UInt64(number), &random), at: stamp(Int64(number) * 250))
  }
  writer.append(.stop(reason: "end of the recording"), at: stamp(Int64(count) * 250))
  try writer.finish(at: stamp(Int64(count) * 250))
}

/// Places behind each newline.
func ends(of bytes: [UInt8]) -> [Int] {
  bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
}

/// A checkpoint of a segment (the first one), of which those are the bytes, up to behind a record; saved beside it.
/// - Returns: its path.
func saved(
  _ bytes: [UInt8], of segment: Segment? = nil, upTo place: Int, in directory: TemporaryDirectory
) throws -> String {
  let first = segment?.firstSequence ?? 1
  let records = lines(of: Array(bytes[..<place]))
  let last = records.last ?? []
  let checkpoint = Checkpoint(
    segment: Segment.name(first), bytes: place, lines: records.count,
    head: LedgerHead(
      sequence: first + UInt64(records.count) - 1, digest: last.withUnsafeBytes { SHA256.digest(of: $0) }),
    prefix: bytes[..<place].withUnsafeBytes { SHA256.digest(of: $0) })
  try checkpoint.save(in: directory.path, .file)
  return directory.path + "/" + Checkpoint.name
}

/// The lines with a newline behind each.
func text(_ lines: some Sequence<[UInt8]>) -> [UInt8] {
  lines.flatMap { line in line + [UInt8(ascii: "\n")] }
}

/// Runs `body` with this thread's access to files that of nobody: root may write anywhere.
func asNobody(_ body: () -> Void) throws {
  typealias Call = @convention(c) (UInt32) -> Int32
  let symbol = try #require(dlsym(nil, "setfsuid"))
  let setfsuid = unsafeBitCast(symbol, to: Call.self)
  _ = setfsuid(65534)
  body()
  _ = setfsuid(geteuid())
}
