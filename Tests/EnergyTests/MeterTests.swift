import Testing
import Vocabulary

@testable import Energy

@Suite struct MeterTests {
  private func meters(_ tree: SystemTree) -> [any Meter] {
    Powercap.meters(tree.files) + HardwareMonitors.meters(tree.files) + PowerSupplies.meters(tree.files)
  }

  @Test(arguments: powercapCases + monitorCases + batteryCases) func aMachine(_ machine: MeterCase) throws {
    let tree = try SystemTree(machine.tree)
    var meters = meters(tree)
    #expect(meters.map { "\($0.source.name) \($0.source.scope.rawValue)" } == machine.sources)
    var now = MeterInstant(boot: .zero + .seconds(1000), running: .seconds(900))
    func outcomes() -> [MeterOutcome] {
      meters.indices.map { meters[$0].read(at: now) }
    }
    #expect(outcomes() == machine.first ?? meters.map { _ in .begun })
    for step in machine.steps {
      for (path, value) in step.changes { try tree.set(path, value) }
      now.boot = now.boot + .seconds(step.seconds + step.suspended)
      now.running = now.running + .seconds(step.seconds)
      #expect(outcomes() == step.outcomes)
    }
  }

  @Test func thereAreThirtyMachinesAndMore() {
    let all = powercapCases + monitorCases + batteryCases
    #expect(all.count >= 30 && Set(all.map(\.name)).count == all.count)
  }

  /// Whatever a counter's history: the sum of what is measured is what it counted, to the last microjoule.
  @Test func overManyWrapsTheSumIsWhatWasCounted() throws {
    var generator = SystemRandomNumberGenerator()
    let range: Int64 = 65_532_610_987
    let path = "class/powercap/intel-rapl:0/energy_uj"
    var value = Int64.random(in: 0...range, using: &generator)
    let tree = try SystemTree([
      path: "\(value)", "class/powercap/intel-rapl:0/name": "package-0",
      "class/powercap/intel-rapl:0/max_energy_range_uj": "\(range)",
    ])
    var meter = try #require(meters(tree).first)
    var now = MeterInstant(boot: .zero, running: .zero)
    #expect(meter.read(at: now) == .begun)
    var (counted, measured, wraps): (Int64, Int64, Int) = (0, 0, 0)
    for _ in 0..<300 {
      let spent = Int64.random(in: 0...20_000_000_000, using: &generator)
      if value + spent > range { wraps += 1 }
      value = (value + spent) % (range + 1)
      counted += spent
      try tree.set(path, "\(value)")
      now.boot = now.boot + .seconds(60)
      now.running = now.running + .seconds(60)
      guard case .measured(let energy) = meter.read(at: now) else {
        Issue.record("it was not measured")
        return
      }
      measured += energy.count
    }
    #expect(measured == counted * 1000 && wraps > 5)
  }

  /// A counter that only root may open, by a descriptor that root handed over.
  @Test func aCounterThatWasHandedOver() throws {
    let folder = "class/powercap/intel-rapl:0"
    let tree = try SystemTree([
      folder + "/energy_uj": "1000000", folder + "/name": "package-0",
      folder + "/max_energy_range_uj": "65532610987",
    ])
    let descriptor = try #require(openReading(tree.root + "/" + folder + "/energy_uj"))
    defer { closeReading(descriptor) }
    let other = try #require(openReading(tree.root + "/" + folder + "/name"))
    defer { closeReading(other) }
    let found = Powercap.meters(
      tree.files, handedOver: [other, descriptor], isReadable: { !$0.hasSuffix("energy_uj") })
    var meter = try #require(found.first)
    #expect(
      Powercap.meters(tree.files, handedOver: [other], isReadable: { !$0.hasSuffix("energy_uj") }).isEmpty)
    #expect(meter.read(at: MeterInstant(boot: .zero, running: .zero)) == .begun)
    try tree.set(folder + "/energy_uj", "3000000")
    #expect(meter.read(at: MeterInstant(boot: .zero + .seconds(1), running: .seconds(1))) == joules(2))
  }
}
