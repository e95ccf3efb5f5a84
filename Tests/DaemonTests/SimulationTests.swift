import Glibc
import ScriptedScenes
import Testing

@testable import Daemon

/// Made-up worlds by their seeds. `tools/simulate` plays any of them.
@Suite struct SimulationTests {
  private static func number(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }
  private static let first = number("MMEXIT_SIMULATE_FROM") ?? 0
  private static let count = number("MMEXIT_SIMULATE_SEEDS") ?? 2_000
  private static let batch = 100

  @Test(arguments: 0..<(count + batch - 1) / batch) func whatMustHoldHolds(batch: Int) throws {
    let base = try Scene(seconds: 1).configuration
    let begin = Self.first + batch * Self.batch
    for seed in begin..<min(begin + Self.batch, Self.first + Self.count) {
      // An assertion of the pipeline ends the process: then the last line names the seed.
      if Self.number("MMEXIT_SIMULATE_TELL") != nil { print("seed \(seed)") }
      let faults = try Simulation(seed: seed, base: base).run()
      #expect(faults.isEmpty, "seed \(seed): \(faults.prefix(3).joined(separator: "; "))")
    }
  }

  @Test func theSameSeedIsTheSameWorld() throws {
    let base = try Scene(seconds: 1).configuration
    for seed in 0..<20 {
      #expect(try Simulation(seed: seed, base: base).trace() == Simulation(seed: seed, base: base).trace())
    }
  }
}
