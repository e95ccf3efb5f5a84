import Foundation
import Testing

/// What is told of a class that overrides: the shipped digits, a camera that stays open, and thresholds that are always
/// met, or never.
@Suite struct OverrideTests {
  private static func daemon(_ threshold: Double) throws -> DaemonProcess {
    try GainModel.replayed {
      $0["overriding_class"] = "7"
    } exits: { exit, isPicture, number in
      if isPicture && number == 1 { exit["override_threshold"] = threshold }
    }
  }

  /// A decision about whose sure answer the picture was asked, its question and story.
  private static func asked(
    _ daemon: DaemonProcess
  ) throws -> (record: [String: Any], hop: [String: Any], override: [String: Any], story: [String]) {
    for record in daemon.records("decision") {
      for hop in record["hops"] as? [[String: Any]] ?? [] {
        guard let override = hop["override"] as? [String: Any] else { continue }
        let run = daemon.ctl(["explain", daemon.ledgerFolder, "\(record["seq"] as? Int ?? 0)"])
        #expect(run.code == 0, "\(run.error)")
        return (record, hop, override, run.output.split(separator: "\n").map(String.init))
      }
    }
    throw CocoaError(.keyValueValidation)
  }

  private static func figure(_ value: Any?) throws -> String {
    String(format: "%.4f", try #require(value as? Double))
  }

  @Test func anAnswerThatStands() throws {
    let daemon = try Self.daemon(1)
    let (record, hop, override, story) = try Self.asked(daemon)
    let hops = try #require(record["hops"] as? [[String: Any]])
    #expect(
      record["reason"] as? String == "sure" && (record["used"] as? [String])?.sorted() == ["audio", "image"])
    #expect(hop["modality"] as? String == "image" && hop["exit"] as? Int == 1 && hop["threshold"] == nil)
    #expect(override["label"] as? String == "7")
    let (said, label) = (try Self.figure(override["probability"]), record["label"] as? String ?? "")
    let exit = try #require(record["exit"] as? [String: Any])["exit"] as? Int ?? 0
    #expect(
      story.contains(
        "why       audio/\(exit) was sure of '\(label)'; image was asked whether it says '7' (\(said) < 1.0000), so the answer stands"
      ), "\(story)")
    #expect(
      story.contains {
        $0.contains(" image/1: ") && $0.hasSuffix(", asked for '7' alone: \(said) (below 1.0000)")
      }, "\(story)")
    #expect(
      story.contains(
        "else      an override_threshold of image/1 of \(said) or less in the model would have had everything fused"
      ), "\(story)")
    let sure = try #require(hops.dropLast().last)
    let limit = try Self.figure(sure["entropy"])
    #expect(
      story.contains("else      a threshold below \(limit) at audio/\(exit) would have asked on"), "\(story)")
    #expect(daemon.ctl(["audit", daemon.ledgerFolder]).code == 0)
  }

  @Test func anAnswerThatIsOverridden() throws {
    let daemon = try Self.daemon(0)
    let (record, _, override, story) = try Self.asked(daemon)
    #expect(["fused", "fusedUnsure"].contains(record["reason"] as? String))
    #expect((record["hops"] as? [[String: Any]])?.last?["fusion"] as? Bool == true)
    let said = try Self.figure(override["probability"])
    #expect(
      story.contains {
        $0.hasPrefix("why       audio/")
          && $0.contains(
            "image was asked whether it says '7' (\(said) >= 0.0000), so everything asked was fused")
      }, "\(story)")
    #expect(!story.contains { $0.contains("would have ended it there") }, "\(story)")
  }
}
