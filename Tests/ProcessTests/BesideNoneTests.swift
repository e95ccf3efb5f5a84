import Foundation
import Testing

/// What is told of a sure command beside a sure `none`: the shipped digits, one of which means nothing here, and thresholds
/// that are always met.
@Suite struct BesideNoneTests {
  private static func daemon(_ threshold: Double) throws -> DaemonProcess {
    try GainModel.replayed {
      $0["none"] = "7"
    } exits: { exit, isPicture, number in
      guard number == 1 else { return }
      exit["threshold"] = 1
      if isPicture { exit["threshold_beside_none"] = threshold }
    }
  }

  /// A decision of which sound was sure of nothing and the picture of something; the picture's hop, and the story.
  private static func asked(
    _ daemon: DaemonProcess
  ) throws -> (record: [String: Any], hop: [String: Any], story: [String]) {
    for record in daemon.records("decision") {
      for hop in record["hops"] as? [[String: Any]] ?? [] where hop["threshold_beside_none"] != nil {
        let run = daemon.ctl(["explain", daemon.ledgerFolder, "\(record["seq"] as? Int ?? 0)"])
        #expect(run.code == 0, "\(run.error)")
        return (record, hop, run.output.split(separator: "\n").map(String.init))
      }
    }
    throw CocoaError(.keyValueValidation)
  }

  private static func figure(_ value: Any?) throws -> String {
    String(format: "%.4f", try #require(value as? Double))
  }

  @Test func aCommandThatStands() throws {
    let daemon = try Self.daemon(1)
    let (record, hop, story) = try Self.asked(daemon)
    #expect(record["reason"] as? String == "sure" && record["provisional"] as? Bool == false)
    #expect(hop["modality"] as? String == "image" && hop["exit"] as? Int == 1)
    let (said, label) = (try Self.figure(hop["entropy"]), record["label"] as? String ?? "")
    #expect(
      story.contains(
        "why       another sensor was sure of nothing, and image/1 was sure enough of '\(label)' to stand beside that (\(said) <= 1.0000)"
      ), "\(story)")
    #expect(
      story.contains(
        "else      a threshold_beside_none of image/1 below \(said) in the model would have had everything fused"
      ), "\(story)")
    #expect(daemon.ctl(["audit", daemon.ledgerFolder]).code == 0)
  }

  @Test func aCommandThatDoesNot() throws {
    let daemon = try Self.daemon(0)
    let (record, hop, story) = try Self.asked(daemon)
    #expect(["fused", "fusedUnsure"].contains(record["reason"] as? String))
    let said = try Self.figure(hop["entropy"])
    #expect(
      story.contains {
        $0.hasPrefix("why       another sensor was sure of nothing, and image/1 was sure of '")
          && $0.contains(
            "', but not enough to stand beside that (\(said) > 0.0000), so everything asked was fused")
      }, "\(story)")
    #expect(
      story.contains(
        "else      a threshold_beside_none of image/1 of \(said) or more in the model would have let it answer"
      ), "\(story)")
    #expect(
      story.contains {
        $0.hasSuffix(
          "(sure, at or below 1.0000, but beside another sensor's sure none not enough, above 0.0000)")
      }, "\(story)")
    #expect(!story.contains { $0.contains("would have ended it there") }, "\(story)")
  }

  @Test func aGainThatIsEnoughButNotBesideANone() throws {
    let daemon = try GainModel.replayed {
      $0["none"] = "7"
    } exits: { exit, isPicture, number in
      if isPicture && number == 1 { exit["threshold"] = nil } else { exit["threshold"] = 1 }
      if isPicture && number == 2 { exit["threshold_beside_none"] = 0 }
    }
    let (_, hop, story) = try Self.asked(daemon)
    let gain = String(format: "%.4f", try #require(hop["gain"] as? Double))
    #expect(
      story.contains {
        $0.hasSuffix(
          ", going on would gain \(gain) (not worth it, at or below 1.0000, "
            + "but beside another sensor's sure none not enough, above -1.0000)")
      }, "\(story)")
  }
}
