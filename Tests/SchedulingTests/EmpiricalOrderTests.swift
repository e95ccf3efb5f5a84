import Scheduling
import Testing

extension SeededRandom {
  /// Windows that are easy or hard for all modalities alike, some entropies NaN, some exits switched off.
  fileprivate mutating func recording(modalities n: Int, windows: Int) -> EmpiricalProblem {
    let wakes = chance(0.5)
    let modalities = (0..<n).map { index in
      EmpiricalModality(
        name: "m\(index)", wakeCost: wakes ? uniform(0...2) : 0, standbyCost: wakes ? uniform(0...3) : 0,
        exits: (0..<whole(1...3)).map { _ in
          EmpiricalExit(cost: uniform(0...2), threshold: chance(0.15) ? nil : uniform(0...0.9))
        })
    }
    let recorded = (0..<windows).map { _ in
      let difficulty = uniform()
      return RecordedWindow(
        readings: modalities.map { modality in
          modality.exits.map { _ in
            RecordedReading(
              entropy: chance(0.03) ? .nan : max(0, min(1, difficulty + uniform(-0.3...0.3))),
              correct: chance(1 - 0.8 * difficulty))
          }
        }, fusionCorrect: chance(1 - 0.5 * difficulty))
    }
    return EmpiricalProblem(
      lambda: [0, 1, 5, 20][whole(0...3)], modalities: modalities, fusionCost: uniform(0...2),
      windows: recorded)
  }
}

@Suite struct EmpiricalOrderTests {
  /// Mean over windows of lambda x correct - cost paid, window by window.
  private func value(of order: [Int], _ problem: EmpiricalProblem) -> Double {
    var sum = 0.0
    for window in problem.windows { sum += utility(of: window, order, problem) }
    return sum / Double(problem.windows.count)
  }

  private func utility(of window: RecordedWindow, _ order: [Int], _ problem: EmpiricalProblem) -> Double {
    var paid = 0.0
    for modality in order {
      let priced = problem.modalities[modality]
      paid += modality == order[0] ? priced.standbyCost : priced.wakeCost
      for (exit, reading) in zip(problem.modalities[modality].exits, window.readings[modality]) {
        paid += exit.cost
        if let threshold = exit.threshold, reading.entropy <= threshold {
          return (reading.correct ? problem.lambda : 0) - paid
        }
      }
    }
    return (window.fusionCorrect ? problem.lambda : 0) - paid - problem.fusionCost
  }

  @Test func isTheBestOfAllOrders() throws {
    var random = SeededRandom(seed: 9)
    for round in 0..<400 {
      let n = round % 40 == 0 ? 5 : random.whole(1...4)
      let problem = random.recording(modalities: n, windows: random.whole(1...140))
      let found = try plan(empirical: problem)
      let best = permutations(Array(0..<n)).map { value(of: $0, problem) }.max() ?? .nan
      #expect(isClose(found.value, best))
      #expect(isClose(found.value, value(of: found.order, problem)))
    }
  }

  @Test func takesTwelveModalities() throws {
    var random = SeededRandom(seed: 10)
    let problem = random.recording(modalities: 12, windows: 130)
    let found = try plan(empirical: problem)
    #expect(found.order.sorted() == Array(0..<12))
    // No swap of two modalities and no random order does better.
    for one in 0..<12 {
      for other in 0..<one {
        var order = found.order
        order.swapAt(one, other)
        #expect(value(of: order, problem) <= found.value + 1e-9)
      }
    }
    for _ in 0..<50 {
      #expect(value(of: (0..<12).shuffled(using: &random), problem) <= found.value + 1e-9)
    }
  }

  @Test func seesWhatIndependenceHides() throws {
    // Two sensors that answer the same windows: the second of them adds nothing, the third does.
    func reading(_ sure: Bool) -> [RecordedReading] {
      [RecordedReading(entropy: sure ? 0 : 1, correct: true)]
    }
    let windows = (0..<100).map {
      RecordedWindow(readings: [reading($0 < 60), reading($0 < 60), reading($0 >= 60)], fusionCorrect: false)
    }
    let problem = EmpiricalProblem(
      lambda: 10,
      modalities: ["a", "twin", "other"].map {
        EmpiricalModality(name: $0, exits: [EmpiricalExit(cost: 1, threshold: 0.5)])
      }, fusionCost: 0, windows: windows)
    let found = try plan(empirical: problem)
    #expect(found.order == [0, 2, 1])
    // 60 leave after a for 9, 40 after other for 8; nobody reaches twin, which would have cost 3.
    #expect(isClose(found.value, 8.6))
    #expect(found.steps.map(\.probability) == [0.6, 0.4, 0, 0])
    #expect(found.steps.map(\.utility) == [9, 8, -3, -3])
  }

  @Test func tiesGoInDeclaredOrder() throws {
    let same = (0..<4).map {
      EmpiricalModality(name: "m\($0)", exits: [EmpiricalExit(cost: 0.1, threshold: 0.5)])
    }
    let windows = (0..<70).map { number in
      RecordedWindow(
        readings: same.map { _ in [RecordedReading(entropy: Double(number % 3) / 2, correct: number % 2 == 0)]
        },
        fusionCorrect: true)
    }
    let problem = EmpiricalProblem(lambda: 3, modalities: same, fusionCost: 1, windows: windows)
    #expect(try plan(empirical: problem).order == [0, 1, 2, 3])
  }
}
