import JSON
import Scheduling
import Testing

@testable import Evaluation

@Suite struct PlanFileTests {
  private let exits = #"[{"accuracy": 0.9, "cost": 1, "hazard": 0.5}]"#

  private func file(_ text: String) throws -> PlanFile { try PlanFile(Array(text.utf8), file: "s.json") }

  @Test func valueIsTheExpectedUtility() throws {
    let f = try file(
      #"{"lambda": 10, "modalities": [{"name": "a", "exits": \#(exits)}], "fusion": {"accuracy": 0.8, "cost": 2}}"#
    )
    let plan = try f.plan(by: .exact)
    // 0.5 (10 x 0.9 - 1) + 0.5 (10 x 0.8 - 3)
    #expect(abs(plan.value - 6.5) < 1e-12)
    let text = plan.json(names: ["a"]).text
    #expect(
      text.hasPrefix(
        #"{"order":["a"],"value":6.5,"exits":[{"modality":"a","exit":1,"probability":0.5,"utility":8.0}"#),
      "\(text)")
  }

  @Test func empiricalIsTheMeanOverWindows() throws {
    let f = try file(
      """
      {"lambda": 4, "modalities": [{"name": "a", "exits": [{"cost": 1, "threshold": 0.5}]},
       {"name": "b", "exits": [{"cost": 2, "threshold": null}]}], "fusion": {"cost": 1},
       "windows": [{"exits": {"a": [{"entropy": 0.5, "correct": true}], "b": [{"entropy": 0, "correct": true}]}, "fusion": {"correct": 0}},
                   {"exits": {"a": [{"entropy": 0.6, "correct": true}], "b": [{"entropy": null, "correct": false}]}, "fusion": {"correct": 1}}]}
      """)
    let plan = try f.plan(by: .empirical)
    #expect(plan.order == [0, 1])
    // One leaves at a, right, having paid 1; the other is right at fusion, having paid 4.
    #expect(abs(plan.value - ((4 - 1) + (4 - 4)) / 2) < 1e-12)
  }

  @Test(arguments: [OrderingMethod.exact, .empirical])
  func theFirstSensorPaysStandbyAndTheOthersAWake(by method: OrderingMethod) throws {
    func plan(_ prices: String) throws -> ExitPlan {
      let exit = #"[{"accuracy": 1, "cost": 1, "hazard": 1, "threshold": 0.5}]"#
      let said = #"[{"entropy": 0, "correct": true}]"#
      return try file(
        """
        {"lambda": 10, "modalities": [{"name": "a"\(prices), "exits": \(exit)}, {"name": "b", "exits": \(exit)}],
         "fusion": {"accuracy": 1, "cost": 1}, "windows": [{"exits": {"a": \(said), "b": \(said)}, "fusion": {"correct": true}}]}
        """
      ).plan(by: method)
    }
    // Without it nothing is other than before: a comes first and is worth 10 - 1.
    #expect(try plan("").order == [0, 1] && plan("").value == 9)
    #expect(try plan(#", "standby": 0"#) == plan(""))
    #expect(try plan(#", "standby": 2"#).order == [1, 0])
    // A sensor that is dear to keep awake and dearer to wake; b answers everything, so that nobody wakes a.
    #expect(try plan(#", "standby": 2, "wake": 4"#).order == [1, 0])
    #expect(try plan(#", "standby": 2, "wake": 4"#).value == 9)
  }

  @Test func anEntropyOutsideItsRangeIsRefusedByPlace() throws {
    let f = try file(
      """
      {"lambda": 4, "modalities": [{"name": "a", "exits": [{"cost": 1}]}], "fusion": {"cost": 1},
       "windows": [{"exits": {"a": [{"entropy": 1.5, "correct": true}]}, "fusion": {"correct": 0}}]}
      """)
    let error = #expect(throws: EvaluationError.self) { try f.plan(by: .empirical) }
    #expect(error?.description.contains("windows[0].exits.a[0].entropy: a normalized entropy") == true)
  }

  @Test(arguments: [
    ("{", "s.json"), ("[]", "expected an object"),
    (#"{"lambda": 1, "modalities": [{"name": "a", "exits": [{"acuracy": 1}]}], "fusion": {}}"#, "acuracy"),
    (
      #"{"lambda": 1, "modalities": [{"name": "a", "exits": [{"accuracy": 1, "cost": 1}]}], "fusion": {"accuracy": 1, "cost": 1}}"#,
      "hazard"
    ),
    (
      #"{"lambda": 1, "modalities": [{"name": "a", "exits": [{"accuracy": 1, "cost": 1, "hazard": 2}]}], "fusion": {"accuracy": 1, "cost": 1}}"#,
      "0...1"
    ),
    (
      #"{"lambda": 1, "modalities": [{"name": "fusion", "exits": []}], "fusion": {"accuracy": 1, "cost": 1}}"#,
      "modalities[0].name: 'fusion'"
    ),
    (
      #"{"lambda": 1, "modalities": [{"name": "", "exits": []}], "fusion": {"accuracy": 1, "cost": 1}}"#,
      "modalities[0].name"
    ),
    (
      #"{"lambda": 1, "modalities": [{"name": "a", "exits": [{"accuracy": 1, "cost": -1, "hazard": 1}]}], "fusion": {"accuracy": 1, "cost": 1}}"#,
      "modality \"a\", exit 1: cost is -1.0"
    ),
    (
      #"{"lambda": 1, "modalities": [{"name": "a", "exits": [{"accuracy": 1, "cost": 1e999, "hazard": 1}]}], "fusion": {"accuracy": 1, "cost": 1}}"#,
      "line 1, column"
    ),
    (#"{"lambda": 1, "modalities": [], "fusion": {"accuracy": 1, "cost": 1}}"#, "modality"),
  ])
  func faultsSayWhatAndWhere(text: String, part: String) {
    do {
      _ = try file(text).plan(by: .exact)
      Issue.record("accepted")
    } catch let error as EvaluationError {
      #expect(error.description.contains(part), "\(error)")
      #expect(error.description.hasPrefix("s.json"))
    } catch {
      Issue.record("\(error)")
    }
  }
}
