import Foundation
import Testing

/// `mmexitctl watch --events`, for whoever acts on events.
@Suite struct EventWatchTests {
  /// As `EventLine` prints it: whether it begins or ends, its class, and the decisions behind it.
  private struct Told: Equatable {
    var begins: Bool
    var label: String
    var first: Int
    var last: Int
  }

  private func told(_ line: Substring) -> Told? {
    let words = line.split(separator: " ")
    guard words.count == 6, words[0].hasSuffix("s"), let number = words.last, number.hasPrefix("#") else {
      return nil
    }
    let numbers = number.dropFirst().split(separator: "-").compactMap { Int($0) }
    guard let first = numbers.first, ["begins", "ends"].contains(words[2]) else { return nil }
    return Told(
      begins: words[2] == "begins", label: String(words[1]), first: first, last: numbers.last ?? first)
  }

  private func told(_ record: [String: Any]) -> Told? {
    guard let label = record["label"] as? String, let decisions = record["decisions"] as? [Int],
      decisions.count == 2
    else { return nil }
    return Told(
      begins: record["end_ns"] == nil || record["end_ns"] is NSNull, label: label, first: decisions[0],
      last: decisions[1])
  }

  /// The shipped digits, for which a 0 means "nothing": only where there is such a class are there events.
  private static func modelWithNone() throws -> Data {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: DaemonProcess.shippedDigits))
    let length = bytes.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let place = try #require(bytes.range(of: Data(#"\"none\":null"#.utf8)))
    let with = Data(#"\"none\":\"0\""#.utf8)
    // The header's length stays a multiple of 8; spaces end it.
    let padding = Data(repeating: UInt8(ascii: " "), count: 8 - (with.count - place.count))
    bytes.insert(contentsOf: padding, at: 8 + length)
    bytes.replaceSubrange(place, with: with)
    withUnsafeBytes(of: UInt64(length + 8).littleEndian) { bytes.replaceSubrange(0..<8, with: $0) }
    return bytes
  }

  @Test func eachBeginAndEndIsToldOnceAsTheLedgerHasIt() throws {
    let model = NSTemporaryDirectory() + "/mmexit-none-\(UUID().uuidString.prefix(8)).safetensors"
    try Self.modelWithNone().write(to: URL(fileURLWithPath: model))
    defer { unlink(model) }
    let daemon = try DaemonProcess(.replay(pace: "fast", loop: true), changes: ["model": model])
    #expect(daemon.isUp())
    let watcher = Run(
      DaemonProcess.binaries + "/mmexitctl", ["watch", "--socket", daemon.folder + "/socket", "--events"])
    defer { watcher.kill() }
    #expect(holds(within: 60) { watcher.output.split(separator: "\n").count >= 6 }, "\(watcher.error)")
    _ = daemon.stop()
    _ = watcher.wait(5)
    let lines = watcher.output.split(separator: "\n")
    let seen = lines.compactMap { told($0) }
    #expect(seen.count == lines.count, "\(lines)")
    // In this pace one may be dropped on the way, which is told; none is told twice or in another order.
    var recorded = daemon.records("event").compactMap { told($0) }[...]
    for event in seen {
      let place = try #require(recorded.firstIndex(of: event), "\(event) is not in the ledger, or not there")
      recorded = recorded[(place + 1)...]
    }
    #expect(seen.contains { $0.begins } && seen.contains { !$0.begins })
  }
}
