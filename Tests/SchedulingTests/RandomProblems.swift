import Scheduling

extension SeededRandom {
  /// A problem with hazards of 0 and 1, exits not worth their cost, different exit counts and, half the time, wakes
  /// and standby costs.
  mutating func problem(modalities: Int, exits: ClosedRange<Int> = 1...3, wakes: Bool? = nil)
    -> OrderingProblem
  {
    let lambda = [0, 0.5, 2, 5, 20][whole(0...4)]
    let wakes = wakes ?? chance(0.5)
    let list = (0..<modalities).map { index in
      ModalityStatistics(
        name: "m\(index)", wakeCost: wakes && chance(0.7) ? uniform(0...6) : 0,
        standbyCost: wakes && chance(0.5) ? uniform(0...8) : 0,
        exits: (0..<whole(exits)).map { _ in
          ExitStatistics(
            accuracy: share(), cost: chance(0.1) ? 0 : uniform(0...4), hazard: share())
        })
    }
    return OrderingProblem(
      lambda: lambda, modalities: list, fusion: FusionStatistics(accuracy: uniform(), cost: uniform(0...3)))
  }

  /// 0 and 1 now and then, otherwise anything between.
  private mutating func share() -> Double {
    let roll = uniform()
    return roll < 0.12 ? 0 : roll < 0.22 ? 1 : uniform()
  }
}

/// A modality with one exit, for hand-made problems.
func single(_ name: String, accuracy: Double, cost: Double, hazard: Double, wake: Double = 0)
  -> ModalityStatistics
{
  ModalityStatistics(
    name: name, wakeCost: wake, exits: [ExitStatistics(accuracy: accuracy, cost: cost, hazard: hazard)])
}

/// Equal up to rounding.
func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(1, abs(a), abs(b)) }
