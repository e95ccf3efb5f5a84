import Configuration
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

  private func played(_ seed: Int, _ base: Configuration, _ files: GenerationFiles) throws -> Simulation {
    let simulation = try Simulation(seed: seed, base: base, files: files)
    try simulation.play()
    return simulation
  }

  @Test(arguments: 0..<(count + batch - 1) / batch) func whatMustHoldHolds(batch: Int) throws {
    let base = try Scene(seconds: 1).configuration
    let files = try GenerationFiles()
    let begin = Self.first + batch * Self.batch
    var (done, refused) = (0, 0)
    for seed in begin..<min(begin + Self.batch, Self.first + Self.count) {
      // An assertion of the pipeline ends the process: then the last line names the seed.
      if Self.number("MMEXIT_SIMULATE_TELL") != nil { print("seed \(seed)") }
      let simulation = try played(seed, base, files)
      #expect(
        simulation.faults.isEmpty, "seed \(seed): \(simulation.faults.prefix(3).joined(separator: "; "))")
      done += simulation.reloadsDone
      refused += simulation.reloadsRefused
    }
    // What is checked does happen.
    if Self.count >= Self.batch * (batch + 1) {
      #expect(done > 10 && refused > 3, "\(done) reloads, \(refused) refused")
    }
  }

  /// Where windows are many, audits often and the order follows them.
  @Test func ordersChangeInSomeWorlds() throws {
    let base = try Scene(seconds: 1).configuration
    let files = try GenerationFiles()
    let seeds = try (0..<400).filter { try SimulatedWorld(seed: $0, base: base).isLong }
    #expect(try seeds.prefix(12).contains { try played($0, base, files).reorders > 0 })
  }

  @Test func theSameSeedIsTheSameWorld() throws {
    let base = try Scene(seconds: 1).configuration
    let files = try GenerationFiles()
    for seed in 0..<20 {
      #expect(try played(seed, base, files).trace == played(seed, base, files).trace)
    }
  }
}
