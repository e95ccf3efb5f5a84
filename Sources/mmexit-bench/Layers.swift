import Engine
import JSON

/// Every kernel call of the model by itself, on inputs that a window has left.
struct LayerTimes {
  let layers: [(layer: EngineLayer, part: Part)]
  /// Milliards of multiply-accumulates a second that this set of instructions can do here.
  let peak: Double

  init(_ model: Model, rounds: Int, set: InstructionSet) {
    var engine = Engine(model)
    let calls = engine.layers()
    var parts = calls.map { Part(name: $0.name, macs: $0.macs) }
    for index in parts.indices { parts[index].times.reserveCapacity(rounds) }
    let warmUp = rounds / 10 + 1
    for round in 0..<rounds + warmUp {
      for index in calls.indices {
        let before = now()
        engine.run(calls[index])
        let after = now()
        if round >= warmUp { parts[index].times.append(after - before) }
      }
    }
    layers = Array(zip(calls, parts)).map { (layer: $0.0, part: $0.1) }
    peak = peakSpeed(set, clock: now)
  }

  func table(_ set: InstructionSet) -> [[String]] {
    var rows = [["layer", "", "", "median us", "p99 us", "best us", "GMAC/s", "of peak"]]
    for (layer, part) in layers {
      rows.append([
        layer.name, layer.operation, layer.shape, decimal(Double(part.quantile(0.5)) / 1000),
        decimal(Double(part.quantile(0.99)) / 1000), decimal(Double(part.best) / 1000),
        part.speed.map(decimal) ?? "-", part.bestSpeed.map { decimal(100 * $0 / peak) + " %" } ?? "-",
      ])
    }
    return rows
  }

  var json: JSONValue {
    .array(
      layers.map { layer, part in
        [
          "name": .string(layer.name), "op": .string(layer.operation), "shape": .string(layer.shape),
          "macs": .integer(layer.macs), "median_ns": .integer(part.quantile(0.5)),
          "p99_ns": .integer(part.quantile(0.99)), "best_ns": .integer(part.best),
          "gmac_per_s": part.speed.map { .real($0) } ?? .null,
          "share_of_peak": part.bestSpeed.map { .real($0 / peak) } ?? .null,
        ]
      })
  }
}
