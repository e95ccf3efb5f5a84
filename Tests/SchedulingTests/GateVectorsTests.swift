import Foundation
import Scheduling
import Testing
import Vocabulary

@Suite struct GateVectorsTests {
  private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../tools/tests/gate-vectors.jsonl").standardizedFileURL

  /// The Python tools walk these windows by the same rule: what they are held to is still what the gate says.
  @Test func theToolsAreHeldToThisGate() throws {
    let lines = try GateVectors.lines(rounds: 4_000)
    let text = lines.joined(separator: "\n") + "\n"
    if ProcessInfo.processInfo.environment["MMEXIT_GATE_VECTORS"] == "write" {
      try text.write(to: Self.file, atomically: true, encoding: .utf8)
    }
    let committed = try String(contentsOf: Self.file, encoding: .utf8)
    // Not the texts themselves: a failure would print them both.
    #expect(
      committed == text,
      "the gate has changed: make tools/tests/gate-vectors.jsonl anew, \(GateVectors.command)")
    for reason in Reason.allCases {
      #expect(lines.contains { $0.contains("\"\(reason.rawValue)\"") }, "no window ends with \(reason)")
    }
  }
}
