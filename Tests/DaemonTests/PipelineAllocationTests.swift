import CAllocationCounter
import Ledger
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Startup

/// The pipeline, and what records its decisions, counted as one.
@Suite struct PipelineAllocationTests {
  @Test(
    .enabled(if: mmx_counts_allocations() == 1, "a sanitizer owns the allocator"), arguments: [false, true])
  func aWindowTakesNothingFromTheHeap(activityCheck: Bool) throws {
    let says = [
      // A camera that wakes for each window, one that never does, and one that wakes for looks.
      ScriptedModel(fusion: .sure(1)), ScriptedModel(audio: [.sure(1), .unsure]),
      ScriptedModel(audio: [.sure(0), .unsure], image: [.sure(0), .unsure], fusion: .sure(0)),
    ]
    // Orders that were gone over to.
    var orders = 0
    for scripted in says {
      // A picture that turns black is left out where activity is checked.
      let scene = try Scene(seconds: 20, blackFrom: 8)
      scene.configuration.gate.activityCheck = activityCheck
      scene.configuration.gate.wakesPerMinute = 600
      scene.configuration.adaptation.audits = true
      scene.configuration.adaptation.reorder = true
      scene.configuration.adaptation.probability = 0.3
      scene.configuration.adaptation.energyShare = 1
      var audits = 0
      // The window behind the second audit: the first few may still fill caches, of audits too.
      var warm: Int?
      // A planner has a thread of its own; here it works on this one, and what it takes is not the pipeline's.
      let link = try OrderLink(waits: false)
      let model = try scripted.model()
      var planner = OrderPlanner(
        PlannerSetup(
          scene.configuration, model, try PolicyPlan(scene.configuration, model), fingerprint: 0))
      var planning: UInt64 = 0
      var options = LedgerOptions()
      options.flushInterval = .zero
      let bench = try RecordingBench(scripted.model(), options: options)
      var counts: [UInt64] = []
      counts.reserveCapacity(1000)
      // Recorder and writer on the pipeline's thread, whose allocations are counted.
      let pipeline = try scene.pipeline(scripted, orders: link) {
        let before = mmx_allocations()
        while let message = link.take() { planner.handle(message, link) }
        planning += mmx_allocations() - before
        bench.events.put(.decision(copy $0))
        bench.turn(at: $0.decided)
        counts.append(mmx_allocations() - planning)
      } note: {
        if case .audit = $0 {
          audits += 1
          if audits == 2 { warm = max(8, counts.count + 1) }
        }
        // Its line in the journal takes from the heap, on the recorder's thread.
        if case .reorder = $0 {
          orders += 1
          return
        }
        bench.events.put(.note($0))
      }
      try pipeline.run()
      #expect(audits > 6)
      #expect(counts.count > 20)
      // From then on the count stands still.
      #expect(try counts.last == counts[#require(warm)], "\(counts)")
    }
    #expect((orders > 0) == activityCheck)
  }
}
