import Foundation
import Testing

/// What is told of a model with a gain head, here at the picture's second exit.
@Suite struct GainTests {
  /// The model goes into the daemon's folder.
  private static func daemon(
    gain: Double, limit: Double, first: String, loop: Bool = false
  ) throws -> DaemonProcess {
    let path = NSTemporaryDirectory() + "/mmexit-gain-\(UUID().uuidString.prefix(8)).safetensors"
    try GainModel.write(gain: gain, limit: limit, to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let daemon = try DaemonProcess(
      .replay(pace: "fast", loop: loop), changes: ["model": path, "max-skew": "500ms\nfirst = \(first)"])
    if loop { #expect(daemon.isUp()) } else { #expect(daemon.run.wait(60) == 0, "\(daemon.run.error)") }
    return daemon
  }

  /// A decision whose picture's second exit predicted, with its place among the exits asked.
  private static func predicted(_ daemon: DaemonProcess) throws -> (record: [String: Any], place: Int) {
    for record in daemon.records("decision") {
      let hops = record["hops"] as? [[String: Any]] ?? []
      if let place = hops.firstIndex(where: { $0["gain"] != nil }) { return (record, place) }
    }
    throw CocoaError(.keyValueValidation)
  }

  private static func story(_ daemon: DaemonProcess, _ record: [String: Any]) -> [String] {
    let run = daemon.ctl(["explain", daemon.ledgerFolder, "\(record["seq"] as? Int ?? 0)"])
    #expect(run.code == 0, "\(run.error)")
    return run.output.split(separator: "\n").map(String.init)
  }

  @Test func anAnswerThatWasNotWorthGoingOnFrom() throws {
    let daemon = try Self.daemon(gain: 0.1, limit: 0.2, first: "image")
    let (record, place) = try Self.predicted(daemon)
    let hops = try #require(record["hops"] as? [[String: Any]])
    #expect(place == hops.count - 1 && record["reason"] as? String == "sure")
    let lines = Self.story(daemon, record)
    let exit = try #require(lines.first { $0.contains("image/2: ") })
    #expect(exit.hasSuffix(", going on would gain 0.1000 (not worth it, at or below 0.2000)"), "\(exit)")
    #expect(
      lines.contains(
        "why       going on was predicted to gain 0.1000, which is not worth its cost at or below 0.2000, so nothing further was asked"
      ), "\(lines)")
    #expect(lines.contains("else      a threshold below 0.5500 at image/2 would have asked on"), "\(lines)")
  }

  @Test func oneThatWasWorthIt() throws {
    let daemon = try Self.daemon(gain: 0.3, limit: 0.2, first: "image")
    let (record, place) = try Self.predicted(daemon)
    let hops = try #require(record["hops"] as? [[String: Any]])
    #expect(place < hops.count - 1)
    let lines = Self.story(daemon, record)
    let exit = try #require(lines.first { $0.contains("image/2: ") })
    #expect(exit.hasSuffix(", going on would gain 0.3000 (worth it, above 0.2000)"), "\(exit)")
    let label = hops[place]["label"] as? String ?? ""
    #expect(
      lines.contains(
        "else      a threshold of 0.6500 at image/2 (it is 0.6000) would have ended it there with '\(label)'"
      ), "\(lines)")
  }

  @Test func fusionAnswersWhereItAloneIsLeft() throws {
    let daemon = try Self.daemon(gain: 0.1, limit: 0.2, first: "audio")
    let (record, place) = try Self.predicted(daemon)
    let hops = try #require(record["hops"] as? [[String: Any]])
    #expect(place == hops.count - 2 && hops.last?["fusion"] != nil && record["reason"] as? String == "fused")
    let lines = Self.story(daemon, record)
    let exit = try #require(lines.first { $0.contains("image/2: ") })
    #expect(
      exit.hasSuffix(" (not worth it, at or below 0.2000; fusion was asked all the same)"), "\(exit)")
    #expect(lines.contains("why       all that could be had was asked and fused"), "\(lines)")
  }

  /// No threshold would have kept the answer from fusion there.
  @Test func whatIsLeftToFusionAnywayIsNotTold() throws {
    let daemon = try Self.daemon(gain: 0.3, limit: 0.2, first: "audio")
    let (record, place) = try Self.predicted(daemon)
    let hops = try #require(record["hops"] as? [[String: Any]])
    #expect(place == hops.count - 2 && hops.last?["fusion"] != nil)
    let lines = Self.story(daemon, record)
    #expect(!lines.contains { $0.hasPrefix("else") && $0.contains("at image/2") }, "\(lines)")
  }

  @Test func theStatusTellsTheMean() throws {
    let daemon = try Self.daemon(gain: 0.1, limit: 0.2, first: "image", loop: true)
    #expect(holds(within: 60) { daemon.windows > 60 })
    let run = daemon.tell("status")
    #expect(run.code == 0, "\(run.error)")
    let line = try #require(run.output.split(separator: "\n").first { $0.hasPrefix("image: going on") })
    let told =
      /image: going on was predicted to gain 0\.1000 on the mean of (\d+) exits asked; (\d+) windows ended there, as it was not worth its cost/
    let numbers = try #require(line.wholeMatch(of: told))
    // Whatever is asked there is answered there.
    #expect(Int(numbers.1)! > 0 && numbers.1 == numbers.2, "\(line)")
    #expect(!run.output.contains("audio: going on"), "\(run.output)")
    let stop = try #require(daemon.stop())
    #expect(stop.code == 0)
  }
}
