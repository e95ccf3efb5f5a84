import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Ledger

/// Starts on a torn ledger that end at any of their steps: every cut is told by a gap record, once, and nothing is lost.
@Suite struct TornStartTests {
  /// A disk that ends the process, so to speak, at the call with that number: that one and all later ones do nothing.
  /// A write ends in the middle.
  private final class Killer: @unchecked Sendable {
    // Unchecked: one test's own thread.
    var left: Int
    var calls: [String] = []
    init(after calls: Int) { left = calls }

    var isDead: Bool { left < 0 }

    func reach(_ call: String, _ path: String = "") throws(LinuxError) {
      left -= 1
      guard left >= 0 else { throw LinuxError(call, path, errno: EIO) }
      calls.append("\(call) \(path.lastPathComponent)")
    }

    var options: LedgerOptions {
      var options = eager()
      let file = RecoveryCalls.file
      options.recovery = RecoveryCalls(
        write: { (number, bytes, path) throws(LinuxError) in
          do throws(LinuxError) {
            try self.reach("write", path)
          } catch {
            if self.left == -1 {
              try file.write(number, UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]), path)
            }
            throw error
          }
          try file.write(number, bytes, path)
        },
        synchronize: { (number, path) throws(LinuxError) in
          try self.reach("fsync", path)
          try file.synchronize(number, path)
        },
        truncate: { (number, size, path) throws(LinuxError) in
          try self.reach("ftruncate", path)
          try file.truncate(number, size, path)
        },
        rename: { (path, new) throws(LinuxError) in
          try self.reach("rename", path)
          try file.rename(path, new)
        },
        remove: { (path) throws(LinuxError) in
          try self.reach("unlink", path)
          try file.remove(path)
        })
      options.output = LedgerOutput(
        write: { number, bytes in
          do throws(LinuxError) {
            try self.reach("append")
          } catch {
            // The one it dies in.
            return self.left == -1 ? Glibc.write(number, bytes.baseAddress, bytes.count / 2) : -Int(EIO)
          }
          return Glibc.write(number, bytes.baseAddress, bytes.count)
        },
        synchronize: { _ in
          do throws(LinuxError) { try self.reach("fdatasync") } catch { return -EIO }
          return 0
        })
      return options
    }
  }

  /// A daemon's start that is ended after so many calls; nil for one that ends in order.
  private func start(_ directory: TemporaryDirectory, killedAfter calls: Int?) throws -> Killer {
    let killer = Killer(after: calls ?? .max)
    do {
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(9), options: killer.options)
      writer.append(.start(version: "0.1", model: "digits", order: [0, 1]), at: stamp(9))
      if calls == nil { try writer.finish(at: stamp(9)) }
    } catch {
      if calls == nil { throw error }
    }
    return killer
  }

  /// Digests that the ledger's gap records tell of.
  private func told(_ directory: TemporaryDirectory) throws -> [String] {
    try records(directory).compactMap { record in
      guard record["cause"] == "tornTail", case .string(let digest)? = record["cut_sha256"] else {
        return nil
      }
      return digest
    }
  }

  @Test func theCopyIsOnTheDiskBeforeTheCutAndTheGapBeforeTheLastName() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    let tail = Array("{\"schema\":1,\"ty".utf8)
    replace(path, with: contents(of: path) + tail)
    let segment = Segment.name(1)
    let folder = directory.path.lastPathComponent
    let untold = "\(segment).untold-5-15-\(sha256Hex(of: tail))"
    let calls = try start(directory, killedAfter: nil).calls
    #expect(
      calls.prefix(9) == [
        "write \(untold)", "fsync \(untold)", "fsync \(folder)", "ftruncate \(segment)", "fsync \(segment)",
        "append ", "fdatasync ", "rename \(untold)", "fsync \(folder)",
      ])
  }

  @Test func aStartThatEndsAtAnyStepIsToldOfByTheNext() throws {
    for whole in [false, true] {
      for calls in 0..<14 {
        let directory = TemporaryDirectory()
        try write(2, in: directory)
        let path = whole ? directory.path + "/" + Segment.name(5) : try firstSegment(directory)
        let before = whole ? [] : contents(of: path)
        let tail = Array("{\"schema\":1,\"type\":\"wake\",\"se".utf8)
        replace(path, with: before + tail)
        _ = try start(directory, killedAfter: calls)
        _ = try start(directory, killedAfter: nil)
        let digest = sha256Hex(of: tail)
        #expect(try told(directory).filter { $0 == digest }.count == 1, "killed after \(calls) calls")
        #expect(contents(of: path + ".cut-" + digest.prefix(32)) == tail)
        #expect(!directory.names.contains { $0.contains(".untold-") })
        #expect(try audit(directory.path).findings == [])
        _ = try start(directory, killedAfter: nil)
        #expect(try told(directory).filter { $0 == digest }.count == 1)
      }
    }
  }

  @Test func twoHundredTornStartsTellOfEveryCutAndLoseNoRecord() throws {
    let directory = TemporaryDirectory()
    var random = SeededGenerator(state: 200)
    try write(3, in: directory)
    var torn: [String: Int] = [:]
    for _ in 0..<200 {
      let path = try Segment.list(in: directory.path).last?.path ?? ""
      let whole = contents(of: path)
      let line = lines(of: whole).last ?? []
      let tail: [UInt8] =
        switch Int.random(in: 0..<3, using: &random) {
        case 0: Array(line.prefix(Int.random(in: 1...line.count, using: &random)))
        // The same bytes again and again: each time they are told of anew.
        case 1: [UInt8](repeating: 0, count: 4096)
        default: Array("half \u{e9}\n{\"schema\":1,".utf8)
        }
      replace(path, with: whole + tail)
      torn[sha256Hex(of: tail), default: 0] += 1
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        _ = try start(directory, killedAfter: Int.random(in: 0...12, using: &random))
        // Whole records stay whatever happens.
        try #require(contents(of: path).starts(with: whole))
      }
      _ = try start(directory, killedAfter: nil)
      try #require(contents(of: path).starts(with: whole))
    }
    let report = try audit(directory.path)
    #expect(report.findings == [])
    var counts: [String: Int] = [:]
    for digest in try told(directory) { counts[digest, default: 0] += 1 }
    for (digest, count) in torn { #expect(counts[digest] == count) }
    #expect(!directory.names.contains { $0.contains(".untold-") })
  }

  @Test func aCutWithoutRoomForItsCopyIsToldAfterAKillToo() throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = try firstSegment(directory)
    replace(path, with: contents(of: path) + Array("{\"sch".utf8))
    var options = eager()
    options.recovery.write = { (_, _, path) throws(LinuxError) in
      throw LinuxError("write", path, errno: ENOSPC)
    }
    options.output.write = { _, _ in -Int(ENOSPC) }
    do {
      let writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(9), options: options)
      _ = writer.pending
    }
    #expect(try told(directory) == [])
    _ = try start(directory, killedAfter: nil)
    let gap = try #require(try records(directory).first { $0["cause"] == "tornTail" })
    #expect(gap["cut_sha256"] == .string(sha256Hex(of: Array("{\"sch".utf8))))
    #expect(gap["cut_bytes"] == 5)
    #expect(gap["kept"] == nil)
    #expect(directory.names == [Checkpoint.name, Segment.name(1), "lock"])
  }

  @Test func namesThatOnlyResembleOneAreLeftAlone() throws {
    let directory = TemporaryDirectory()
    try write(1, in: directory)
    let odd = [
      "\(Segment.name(1)).untold-1-1-x", "\(Segment.name(1)).untold-", "x.untold-1-1-\(sha256Hex(of: []))",
      "\(Segment.name(1)).untold-99999999999999999999-1-\(sha256Hex(of: []))",
      "\(Segment.name(1)).untold-1--1-\(sha256Hex(of: []))",
      "\(Segment.name(1)).untold-01-1-\(sha256Hex(of: []))",
    ]
    for name in odd { replace(directory.path + "/" + name, with: [65]) }
    _ = try start(directory, killedAfter: nil)
    #expect(try told(directory) == [])
    for name in odd { #expect(contents(of: directory.path + "/" + name) == [65]) }
  }
}
