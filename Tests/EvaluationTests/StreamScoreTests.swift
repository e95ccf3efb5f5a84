import JSON
import Testing
import Vocabulary

@testable import Evaluation

private func event(_ start: Double, _ end: Double, _ label: String) -> StreamScore.Event {
  StreamScore.Event(start: start, end: end, label: label, certainty: 0.9)
}

private func command(
  _ start: Double, _ end: Double, _ label: String, seen: Bool = false, sensors: String? = nil
) -> StreamTruth.Command {
  StreamTruth.Command(
    start: start, end: end, label: label, sensors: sensors ?? (seen ? "image" : "audio"), isSeen: seen)
}

@Suite struct StreamScoreTests {
  @Test func whatCountsAsWhat() {
    let truth = StreamTruth([
      command(10, 11, "go"), command(20, 21, "stop"), command(30, 31, "up"),
      command(40, 43, "on", seen: true),
      command(50, 51, "off"),
    ])
    let score = StreamScore(
      [
        event(10.5, 11, "go"), event(11.5, 12, "go"),  // heard, and once more
        event(20.6, 20.8, "go"), event(21, 21.5, "stop"),  // another one first
        event(32.01, 33, "up"),  // too late for a voice
        event(44.4, 45, "on"),  // in time for a hand
        event(49, 51, "off"),  // given out before it began: no delay
      ], truth, seconds: 1800)
    #expect(score.heard == 4 && score.missed == 1 && score.wrongFirst == 1 && score.repeats == 2)
    #expect(score.falseEvents == 1 && score.falsePerHour == 2)
    #expect(score.outcomes.map(\.command) == truth.commands)
    #expect(score.outcomes.map(\.first) == ["go", "go", nil, "on", "off"])
    #expect(score.outcomes.map(\.delay) == [0.5, 1, nil, 44.4 - 40, 0])
    #expect(score.delays == [0, 0.5, 1, 44.4 - 40])
    #expect(score.delay(0.5) == 0.5 && score.delay(0.9) == 44.4 - 40 && score.delay(0.01) == 0)
  }

  @Test func edgesBelong() {
    let truth = StreamTruth([command(10, 11, "go")])
    #expect(StreamScore([event(12, 12, "go")], truth, seconds: 60).heard == 1)
    #expect(StreamScore([event(8, 10, "go")], truth, seconds: 60).heard == 1)
    #expect(StreamScore([event(8, 9.99, "go")], truth, seconds: 60).falseEvents == 1)
  }

  @Test func nothingAtAll() throws {
    let score = StreamScore([], StreamTruth([]), seconds: 0)
    #expect(score.falsePerHour == 0 && score.delay(0.5) == nil)
    let json = JSONPlace(score.json(energySaved: 0.5, avoidableSaved: nil))
    #expect(try json.member("energy_saved").real() == 0.5)
    #expect(try json.optional("delay_p50_s") == nil && json.optional("avoidable_saved") == nil)
    #expect(try json.member("heard").integer() == 0 && json.member("events").elements().isEmpty)
  }

  /// The members that scripts read.
  @Test func members() throws {
    let score = StreamScore(
      [event(1, 2, "go"), event(9, 9, "up")], StreamTruth([command(0.5, 1.5, "go")]), seconds: 3600)
    let json = JSONPlace(score.json(energySaved: 0.25, avoidableSaved: 0.5))
    let first = try json.member("events").elements()[0]
    #expect(try first.member("start_s").real() == 1 && first.member("end_s").real() == 2)
    #expect(try first.member("label").string() == "go" && first.member("certainty").real() == 0.9)
    let outcome = try json.member("outcomes").elements()[0]
    #expect(try outcome.member("label").string() == "go" && outcome.member("sensors").string() == "audio")
    #expect(try outcome.member("heard").bool() && outcome.member("delay_s").real() == 0.5)
    #expect(try outcome.member("first").string() == "go" && outcome.member("end_s").real() == 1.5)
    for (name, value) in [
      ("heard", 1.0), ("missed", 0), ("wrong_first", 0), ("repeats", 0), ("false_per_hour", 1),
      ("delay_p50_s", 0.5), ("delay_p90_s", 0.5), ("energy_saved", 0.25), ("avoidable_saved", 0.5),
    ] {
      #expect(try json.member(name).real() == value, "\(name)")
    }
  }
}

@Suite struct StreamTruthTests {
  private func truth(_ text: String) throws(EvaluationError) -> StreamTruth {
    try StreamTruth(
      Array(text.utf8), file: "truth.csv", classes: ["go", "stop"],
      pictures: { ["audio": false, "image": true][$0] })
  }

  @Test func rows() throws {
    let read = try truth(
      "start_s,end_s,label,sensors\n5.5,7,stop,audio+image\n1,2,go,audio\n9,12,go,image\n")
    #expect(
      read.commands == [
        command(1, 2, "go"), command(5.5, 7, "stop", seen: true, sensors: "audio+image"),
        command(9, 12, "go", seen: true),
      ])
    #expect(try truth("start_s,end_s,label,sensors\n").commands.isEmpty)
  }

  @Test(arguments: [
    "start,end,label\n1,2,go\n", "start_s,end_s,label,sensors\n2,1,go,audio\n",
    "start_s,end_s,label,sensors\n-1,1,go,audio\n", "start_s,end_s,label,sensors\n0,inf,go,audio\n",
    "start_s,end_s,label,sensors\n0,nan,go,audio\n", "start_s,end_s,label,sensors\n0,1,none,audio\n",
    "start_s,end_s,label,sensors\n0,1,go,smell\n", "start_s,end_s,label,sensors\n0,1,go,\n",
    "start_s,end_s,label,sensors\n0,1,go,audio+\n",
  ])
  func refused(_ text: String) {
    let error = #expect(throws: EvaluationError.self) { _ = try truth(text) }
    #expect(error?.line != nil && error?.exitCode == .dataError)
  }
}
