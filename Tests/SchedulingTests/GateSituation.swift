import Scheduling
import Vocabulary

/// A random gate, window and world.
struct GateSituation {
  var policy: GatePolicy
  var figures: OrderingProblem?
  var window: WindowConditions
  var script: GateScript
  private var exits: [[ExitThresholds]]
  private let fusionThresholds: ExitThresholds

  init(_ random: inout SeededRandom) throws {
    let n = random.whole(1...4)
    let classes = random.whole(2...4)
    let problem = random.problem(modalities: n)
    let plan = try plan(problem, by: [.paper, .exact, .interleaved][random.whole(0...2)])
    exits = problem.modalities.map { $0.exits.map { _ in random.thresholds(classes) } }
    fusionThresholds = random.thresholds(classes)
    let thresholds = ThresholdTable(classCount: classes, exits: exits, fusion: fusionThresholds)
    // Not the generator's round figures: at exact ties between going on and stopping, rounding would decide.
    figures = random.chance(0.4) ? random.unround(problem) : nil
    policy = GatePolicy(
      steps: random.chance(0.8) ? plan.walk : plan.walk(startingWith: random.whole(0...n - 1)),
      thresholds: thresholds, noneClass: random.chance(0.7) ? random.whole(0...classes - 1) : nil,
      continuation: try figures.map { try ContinuationValue($0) }, useActivity: random.chance(0.5),
      activityCertainty: 0.75, always: random.chance(0.1),
      wakeDeadlines: (0..<n).map { .milliseconds(Int64($0) + 1) })
    let present = random.subset(n, 0.6)
    window = WindowConditions(
      now: Instant(sinceBoot: Int64(random.whole(0...1000))), present: present,
      wakeable: random.subset(n, 0.6).subtracting(present),
      invalid: random.chance(0.2) ? random.subset(n, 0.5) : [],
      inactive: random.chance(0.5) ? random.subset(n, 0.7) : [], lookDue: random.chance(0.3))
    var script = GateScript(
      exits: problem.modalities.enumerated().map { m, modality in
        modality.exits.indices.map { random.reading(.encoder(modality: m, exit: $0 + 1), classes) }
      }, fusion: random.reading(.fusion, classes),
      wakes: (0..<n).map { _ in
        random.chance(0.6) ? .delivered : [.pending, .deadlineMissed, .failed, .refused][random.whole(0...3)]
      }, skewTooLarge: random.chance(0.15))
    // Entropies that lie exactly on their threshold, and exits with a gain head, whose entropy then counts for nothing.
    for m in script.exits.indices {
      for e in script.exits[m].indices {
        if random.chance(0.05) { script.exits[m][e].entropy = thresholds.limit(of: script.exits[m][e]) }
        if random.chance(0.2) { script.exits[m][e].gain = Float(random.uniform(-1...1)) }
      }
    }
    if random.chance(0.05) { script.fusion.entropy = thresholds.limit(of: script.fusion) }
    self.script = script
  }

  /// The same with a class that overrides what other sensors say.
  func overridden(_ random: inout SeededRandom) -> GateSituation {
    var result = self
    let classes = policy.thresholds.classCount
    let others = (0..<classes).filter { $0 != policy.noneClass }
    let limits = exits.map { modality in
      modality.enumerated().map { number, exit in
        var exit = exit
        if number == 0 && random.chance(0.8) { exit.override = Float(random.uniform()) }
        return exit
      }
    }
    result.exits = limits
    result.policy = result.policy(overriding: others[random.whole(0...others.count - 1)])
    for m in script.exits.indices {
      for e in script.exits[m].indices {
        let onLimit = random.chance(0.1) ? limits[m][0].override : nil
        result.script.exits[m][e].overriding =
          onLimit ?? (random.chance(0.03) ? .nan : Float(random.uniform()))
      }
    }
    result.script.fusion.overriding = Float(random.uniform())
    return result
  }

  /// The same with exits that may conclude with a command beside another sensor's sure `none`.
  func besideNone(_ random: inout SeededRandom) -> GateSituation {
    var result = self
    for m in exits.indices {
      for e in exits[m].indices where random.chance(0.8) {
        let said = said(script.exits[m][e])
        result.exits[m][e].besideNone = random.chance(0.1) && !said.isNaN ? said : Float(random.uniform())
      }
    }
    result.policy = result.policy(overriding: policy.overridingClass)
    return result
  }

  var withoutBesideNone: GateSituation {
    var result = self
    for m in exits.indices {
      for e in exits[m].indices { result.exits[m][e].besideNone = nil }
    }
    result.policy = result.policy(overriding: policy.overridingClass)
    return result
  }

  /// The same policy with the thresholds as they are.
  private func policy(overriding: Int?) -> GatePolicy {
    GatePolicy(
      steps: policy.steps,
      thresholds: ThresholdTable(
        classCount: policy.thresholds.classCount, exits: exits, fusion: fusionThresholds),
      noneClass: policy.noneClass, overridingClass: overriding, continuation: policy.continuation,
      useActivity: policy.useActivity, activityCertainty: policy.activityCertainty, always: policy.always,
      wakeDeadlines: policy.wakeDeadlines)
  }
}

extension ThresholdTable {
  /// The threshold that the reading is held against; its own entropy where there is none.
  fileprivate func limit(of reading: Reading) -> Float {
    threshold(at: reading.exit, label: reading.label) ?? reading.entropy
  }
}

extension SeededRandom {
  fileprivate mutating func subset(_ count: Int, _ probability: Double) -> ModalitySet {
    (0..<count).reduce(into: []) { if chance(probability) { $0.insert(ModalitySet(index: $1)) } }
  }

  fileprivate mutating func thresholds(_ classes: Int) -> ExitThresholds {
    ExitThresholds(
      chance(0.2) ? nil : Float(uniform(0...0.7)),
      classThresholds: chance(0.3) ? [whole(0...classes - 1): Float(uniform())] : [:],
      yieldsToFusion: chance(0.3))
  }

  fileprivate mutating func reading(_ exit: ExitID, _ classes: Int) -> Reading {
    Reading(
      exit: exit, entropy: chance(0.03) ? .nan : Float(uniform()), label: whole(0...classes - 1),
      certainty: Float(uniform()), macs: 1, parameters: 1)
  }

  fileprivate mutating func unround(_ problem: OrderingProblem) -> OrderingProblem {
    var result = problem
    result.lambda = uniform(1...30)
    for m in result.modalities.indices {
      for e in result.modalities[m].exits.indices {
        result.modalities[m].exits[e].hazard = uniform(0.01...0.99)
        result.modalities[m].exits[e].cost += uniform(0.001...0.1)
      }
    }
    return result
  }
}
