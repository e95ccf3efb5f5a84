import Foundation
import Testing
import Vocabulary

@testable import Energy

/// A tree of files as sysfs has them, in a folder of its own, changed while it is read.
final class SystemTree {
  let root: String

  init(_ files: [String: String]) throws {
    root = NSTemporaryDirectory() + "/mmexit-sysfs-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    for (path, value) in files { try set(path, value) }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  /// - Parameter value: nil takes the file away.
  func set(_ path: String, _ value: String?) throws {
    let whole = root + "/" + path
    guard let value else { return try FileManager.default.removeItem(atPath: whole) }
    try FileManager.default.createDirectory(
      atPath: (whole as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    // As the kernel does: in place, with a newline.
    try Data((value.isEmpty ? "" : value + "\n").utf8).write(to: URL(fileURLWithPath: whole))
  }

  var files: SystemFiles { SystemFiles(root: root) }
}

/// A machine, what happens to its files, and what its meters say.
struct MeterCase: CustomTestStringConvertible, Sendable {
  struct Step: Sendable {
    var seconds: Int64
    var suspended: Int64 = 0
    var changes: [String: String?] = [:]
    var outcomes: [MeterOutcome]
  }
  let name: String
  var testDescription: String { name }
  let tree: [String: String]
  let sources: [String]
  var first: [MeterOutcome]?
  var steps: [Step] = []

  init(
    _ name: String, _ tree: [String: String], _ sources: [String], first: [MeterOutcome]? = nil,
    _ steps: [Step] = []
  ) {
    self.name = name
    self.tree = tree
    self.sources = sources
    self.first = first
    self.steps = steps
  }
}

func joules(_ number: Int64) -> MeterOutcome { .measured(Nanojoules(number * 1_000_000_000)) }
func nanojoules(_ number: Int64) -> MeterOutcome { .measured(Nanojoules(number)) }

/// - Parameter changes: made before the read; nil takes a file away.
func step(
  _ seconds: Int64, _ changes: [String: String?], suspended: Int64 = 0, _ outcomes: MeterOutcome...
) -> MeterCase.Step {
  MeterCase.Step(seconds: seconds, suspended: suspended, changes: changes, outcomes: outcomes)
}

func step(_ seconds: Int64, suspended: Int64 = 0, _ outcomes: MeterOutcome...) -> MeterCase.Step {
  MeterCase.Step(seconds: seconds, suspended: suspended, outcomes: outcomes)
}

/// Files below one folder.
func below(_ folder: String, _ files: [String: String]) -> [String: String] {
  Dictionary(uniqueKeysWithValues: files.map { (folder + "/" + $0, $1) })
}

/// A descriptor as a service manager hands it over; nil where there is none.
func openReading(_ path: String) -> Int32? {
  let number = open(path, O_RDONLY | O_CLOEXEC)
  return number < 0 ? nil : number
}
func closeReading(_ number: Int32) { close(number) }
