import Foundation
import Testing

/// The built `mmexitd` in a folder of its own, on the shipped live configuration with a world laid under it, or on the
/// shipped recording.
final class DaemonProcess {
  enum Source {
    case live
    case replay(pace: String, loop: Bool)
  }

  let folder: String
  let world: World
  private let configuration: String
  private let source: Source
  private let changes: [String: String]
  private let sections: String
  private(set) var run: Run

  static let binaries = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().path
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// - Parameters:
  ///   - output: where the printed decisions go; nil for none.
  ///   - changes: lines `key = value` put in the place of the shipped ones, by key.
  ///   - sections: put at the end of the shipped ones.
  ///   - journal: a socket to which standard error is said to go, as systemd says it.
  ///   - prepare: called with the folder and its world before the start.
  init(
    _ source: Source, output: Pipe? = nil, changes: [String: String] = [:], sections: String = "",
    journal: String? = nil, prepare: (String, World) throws -> Void = { _, _ in }
  ) throws {
    folder = NSTemporaryDirectory() + "/mmexit-process-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    world = try World(in: folder)
    configuration = folder + "/mmexitd.conf"
    self.source = source
    self.changes = changes
    self.sections = sections
    let text = try Self.text(source, folder, changes) + sections
    try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
    try prepare(folder, world)
    run = Self.start(configuration, world, output, journal: journal)
  }

  /// Writes the configuration anew: as at the start but for these. Whoever reads it sees the old one or the new one.
  func change(_ more: [String: String]) throws {
    let text = try Self.text(source, folder, changes.merging(more) { $1 }) + sections
    try Data(text.utf8).write(to: URL(fileURLWithPath: configuration), options: .atomic)
  }

  static var shippedRecording: String { root + "/config/recordings/demo" }
  static var shippedDigits: String { root + "/config/models/digits.safetensors" }

  /// Resident memory.
  var residentKiB: Int {
    let text = (try? String(contentsOfFile: "/proc/\(run.identifier)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
  }

  /// What it has open, and its threads.
  var descriptors: Int { entries("fd") }
  var threads: Int { entries("task") }

  private func entries(_ folder: String) -> Int {
    let path = "/proc/\(run.identifier)/\(folder)"
    return (try? FileManager.default.contentsOfDirectory(atPath: path))?.count ?? -1
  }

  deinit {
    run.kill()
    _ = run.wait(2)
    try? FileManager.default.removeItem(atPath: folder)
  }

  private static func start(
    _ configuration: String, _ world: World, _ output: Pipe?, journal: String? = nil
  ) -> Run {
    var environment = ["LD_PRELOAD": world.library, "MMEXIT_WORLD": world.path]
    let arguments = ["--config", configuration] + (output == nil ? [] : ["--print-decisions"])
    guard let journal else {
      return Run(binaries + "/mmexitd", arguments, environment: environment, output: output)
    }
    environment["MMEXIT_JOURNAL_SOCKET"] = journal
    // Which stream is the journal's is known when it is there.
    let script = #"JOURNAL_STREAM=$(LD_PRELOAD= stat -L -c %d:%i /dev/fd/2) exec "$@""#
    return Run(
      "/bin/sh", ["-c", script, "sh", binaries + "/mmexitd"] + arguments, environment: environment,
      output: output)
  }

  private static func text(
    _ source: Source, _ folder: String, _ changes: [String: String]
  ) throws -> String {
    var values = changes.merging([
      "socket": folder + "/socket", "directory": folder + "/ledger",
    ]) { mine, _ in mine }
    let shipped: String
    switch source {
    case .live:
      shipped = "live.conf"
      values["model"] = values["model"] ?? root + "/config/models/robot-command.safetensors"
      values["device"] = values["device"] ?? "/dev/null"
    case .replay(let pace, let loop):
      shipped = "demo.conf"
      values["model"] = values["model"] ?? root + "/config/models/digits.safetensors"
      values["recording"] = values["recording"] ?? root + "/config/recordings/demo"
      values["pace"] = pace
      values["loop"] = loop ? "yes" : "no"
    }
    let text = try String(contentsOfFile: root + "/config/" + shipped, encoding: .utf8)
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard let sign = line.range(of: " = "), let value = values[String(line[..<sign.lowerBound])] else {
        return String(line)
      }
      return line[..<sign.upperBound] + value
    }.joined(separator: "\n")
  }

  /// A second daemon on the same configuration.
  func second() -> Run { Self.start(configuration, world, nil) }

  /// Starts again on the same folder, after an end.
  func startAgain() { run = Self.start(configuration, world, nil) }

  // MARK: Asking

  func ctl(_ arguments: [String], seconds: Double = 10) -> (code: Int32?, output: String, error: String) {
    let ctl = Run(Self.binaries + "/mmexitctl", arguments)
    let code = ctl.wait(seconds)
    return (code, ctl.output, ctl.error)
  }

  /// A command of `mmexitctl` to this daemon.
  func tell(_ arguments: String...) -> (code: Int32?, output: String, error: String) {
    ctl([arguments[0], "--socket", folder + "/socket"] + arguments.dropFirst(), seconds: 20)
  }

  /// The reply to `GetStatus`; nil where there is none within 5 s.
  func status() -> [String: Any]? {
    let answer = ctl(["status", "--socket", folder + "/socket", "--json"], seconds: 5)
    guard answer.code == 0 else { return nil }
    return (try? JSONSerialization.jsonObject(with: Data(answer.output.utf8))) as? [String: Any]
  }

  var windows: Int { status()?["windows"] as? Int ?? -1 }

  func sensor(_ name: String) -> [String: Any] {
    let sensors = status()?["sensors"] as? [[String: Any]] ?? []
    return sensors.first { $0["name"] as? String == name } ?? [:]
  }

  func state(of sensor: String) -> String { self.sensor(sensor)["state"] as? String ?? "?" }

  /// Waits until it answers; false where it does not within 10 s.
  func isUp() -> Bool { holds(within: 60) { windows >= 0 } }

  /// `mmexitctl watch --json` for a while.
  func watch(seconds: Double) -> [(arrival: Date, decision: [String: Any])] {
    let pipe = Pipe()
    let ctl = Run(
      Self.binaries + "/mmexitctl", ["watch", "--socket", folder + "/socket", "--json"], output: pipe)
    let end = Date() + seconds
    var seen: [(Date, [String: Any])] = []
    var rest = Data()
    let file = pipe.fileHandleForReading.fileDescriptor
    while Date() < end {
      var entry = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 50) > 0 else { continue }
      let data = pipe.fileHandleForReading.availableData
      if data.isEmpty { break }
      rest.append(data)
      while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
        let line = rest[rest.startIndex..<newline]
        if let decision = (try? JSONSerialization.jsonObject(with: line)) as? [String: Any] {
          seen.append((Date(), decision))
        }
        rest = rest[(newline + 1)...]
      }
    }
    ctl.kill()
    return seen
  }

  /// CPU time so far in ticks of 10 ms, of the threads whose name begins so.
  func ticks(ofThread prefix: String) -> Int {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(run.identifier)/task")) ?? []
    return tasks.reduce(0) { sum, task in
      guard
        let text = try? String(contentsOfFile: "/proc/\(run.identifier)/task/\(task)/stat", encoding: .utf8),
        let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
        text[text.index(after: open)..<close].hasPrefix(prefix)
      else { return sum }
      let fields = text[close...].split(separator: " ").dropFirst()
      return sum + (Int(fields[fields.startIndex + 11]) ?? 0) + (Int(fields[fields.startIndex + 12]) ?? 0)
    }
  }

  // MARK: Ending

  /// Sends the signal; the seconds it took, and the exit code. Nil where it had to be killed.
  func stop(_ signal: Int32 = SIGTERM, within seconds: Double = 15) -> (seconds: Double, code: Int32)? {
    let begin = Date()
    run.send(signal)
    guard let code = run.wait(seconds) else {
      run.kill()
      _ = run.wait(2)
      return nil
    }
    return (Date().timeIntervalSince(begin), code)
  }

  // MARK: The ledger

  var ledgerFolder: String { folder + "/ledger" }

  var segments: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: ledgerFolder)) ?? [])
      .filter { $0.hasPrefix("ledger-") && $0.hasSuffix(".jsonl") }.sorted()
  }

  /// All records, oldest first; a line that is none is one of type `torn`.
  func ledger() -> [[String: Any]] {
    segments.flatMap { name -> [[String: Any]] in
      let text = (try? String(contentsOfFile: ledgerFolder + "/" + name, encoding: .utf8)) ?? ""
      return text.split(separator: "\n").map {
        (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any] ?? ["type": "torn"]
      }
    }
  }

  func records(_ type: String) -> [[String: Any]] { ledger().filter { $0["type"] as? String == type } }

  /// Whether `mmexitctl audit` finds nothing wrong.
  func audit(anchor: String? = nil) -> (code: Int32?, output: String, error: String) {
    ctl(["audit", ledgerFolder] + (anchor.map { ["--anchor", $0] } ?? []), seconds: 30)
  }

  /// The ledger's head as the journal was told at the end; nil where more or less was told than that.
  var onlyHead: String? {
    let lines = run.error.split(separator: "\n")
    guard lines.count == 1, lines[0].hasPrefix("mmexitd: ledger head ") else { return nil }
    return lines[0].split(separator: " ").last.map(String.init)
  }

  /// Stops it, and looks at the end of its ledger.
  func endsInOrder() {
    guard let stop = stop() else {
      Issue.record("it had to be killed")
      return
    }
    #expect(stop.code == 0 && stop.seconds < 5, "\(stop)")
    #expect(ledger().last?["type"] as? String == "stop")
    let audit = audit()
    #expect(audit.code == 0, "\(audit)")
  }
}
