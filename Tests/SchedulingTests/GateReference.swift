import Scheduling
import Vocabulary

/// The gate's rules told a second time, as one straight program that runs a whole window.
struct GateReference {
  let policy: GatePolicy
  let figures: OrderingProblem?
  let window: WindowConditions
  let script: GateScript

  private enum State { case awake, asleep, coming, gone, damaged }

  func run() -> GateTrace {
    var run = Run(reference: self)
    run.go()
    return run.trace
  }

  private struct Run {
    let reference: GateReference
    var trace = GateTrace()
    var state: [State]
    var readings: [[Reading]]
    var settled: Set<Int> = []  // asked to a sure answer
    var sureLabels: [Int] = []
    var firstNone: (reading: Reading, threshold: Float)?
    var late = false
    var pending = false
    var refused = false
    var damage = false
    /// All that were asked are sure of `none`, and that is enough.
    var isSettled: Bool {
      let touched = those { !readings[$0].isEmpty }
      return firstNone != nil && sureLabels.allSatisfy { $0 == policy.noneClass }
        && touched.isSubset(of: settled)
        && !isLook
    }

    var policy: GatePolicy { reference.policy }
    var window: WindowConditions { reference.window }
    var script: GateScript { reference.script }
    var modalities: Range<Int> { script.exits.indices }
    var isLook: Bool { window.lookDue && policy.noneClass != nil }
    var live: Set<Int> { those { window.present.contains(index: $0) || window.wakeable.contains(index: $0) } }
    var finished: Set<Int> { those { readings[$0].count == script.exits[$0].count } }
    var everyoneLooked: Bool { live.isSubset(of: settled.union(finished)) }

    init(reference: GateReference) {
      self.reference = reference
      let window = reference.window
      readings = reference.script.exits.map { _ in [] }
      state = reference.script.exits.indices.map {
        if window.present.contains(index: $0) {
          return window.invalid.contains(index: $0) ? .damaged : .awake
        }
        return window.wakeable.contains(index: $0) ? .asleep : .gone
      }
    }

    func those(_ belongs: (Int) -> Bool) -> Set<Int> { Set(modalities.filter(belongs)) }

    mutating func go() {
      var lastInQueue: Set<Int> = []
      if policy.useActivity, !policy.always, policy.noneClass != nil {
        let awake = those { window.present.contains(index: $0) }
        let silent = awake.filter { window.inactive.contains(index: $0) && state[$0] == .awake }
        if silent == awake, !awake.isEmpty, !isLook { return endInactive(silent) }
        if awake.contains(where: { state[$0] == .awake && !silent.contains($0) }) { lastInQueue = silent }
      }
      let queue =
        policy.steps.filter { !lastInQueue.contains(modality($0)) }
        + policy.steps.filter { lastInQueue.contains(modality($0)) }
      for (place, step) in queue.enumerated() {
        if ask(step, ahead: Array(queue[place...]), quiet: lastInQueue) { return }
      }
      endOfQueue()
    }

    /// One step of the queue; true if the window has ended there.
    mutating func ask(_ step: ExitID, ahead: [ExitID], quiet: Set<Int>) -> Bool {
      let m = modality(step)
      if settled.contains(m) || state[m] == .coming { return false }
      if state[m] != .awake && isSettled {
        state[m] = .coming
        return false
      }
      if state[m] == .damaged { damage = true }
      if state[m] == .gone || state[m] == .damaged {
        trace.missing.insert(ModalitySet(index: m))
        return false
      }
      if state[m] == .asleep {
        if late || damage && !isLook { return false }
        if givesUp(ahead) { return true }
        trace.actions.append(.wake(modality: m, deadline: window.now + policy.wakeDeadlines[m]))
        if script.wakes[m] != .refused { trace.woken.insert(ModalitySet(index: m)) }
        state[m] =
          script.wakes[m] == .delivered
          ? .awake : [.pending, .refused].contains(script.wakes[m]) ? .coming : .gone
        if state[m] == .coming {
          if script.wakes[m] == .pending { pending = true } else { refused = true }
          return false
        }
        if script.wakes[m] == .deadlineMissed { late = true }
        if state[m] == .gone {
          trace.missing.insert(ModalitySet(index: m))
          return false
        }
      }
      if givesUp(ahead) { return true }
      let reading = advance(m)
      let stands = standsBesideNone(reading)
      let limit =
        stands
        ? policy.thresholds.thresholdBesideNone(at: step)
        : policy.thresholds.threshold(at: step, label: reading.label)
      guard !policy.always, let threshold = limit, said(reading) <= threshold,
        !(policy.thresholds.yieldsToFusion(at: step) && isOnlyFusionLeft)
      else { return false }
      settled.insert(m)
      if reading.label != policy.noneClass && (firstNone == nil || stands) {
        if reading.label != policy.overridingClass && isOverridden {
          fuse(insteadOf: (reading, threshold))
        } else {
          end(reading, threshold, .sure, sure: true)
        }
        return true
      }
      firstNone = firstNone ?? (reading, threshold)
      sureLabels.append(reading.label)
      return false
    }

    /// Nobody has contradicted the first `none`, and the exit is sure enough to do so alone.
    func standsBesideNone(_ reading: Reading) -> Bool {
      guard let none = policy.noneClass, reading.label != none,
        let limit = policy.thresholds.thresholdBesideNone(at: reading.exit)
      else { return false }
      return Set(sureLabels) == [none] && said(reading) <= limit
    }

    /// Two sensors or more have run to their ends, and there is no other that could be asked or woken.
    var isOnlyFusionLeft: Bool {
      let untouched = those { readings[$0].isEmpty }
      let askable = untouched.filter {
        state[$0] == .awake || state[$0] == .asleep && !late && !(damage && !isLook)
      }
      return finished.count > 1 && finished.union(untouched).count == modalities.count && askable.isEmpty
    }

    /// Asks the first exits of sensors that are awake and unheard, until one says the class that overrides.
    var isOverridden: Bool {
      mutating get {
        guard policy.overridingClass != nil else { return false }
        for case .encoder(let m, 1) in policy.steps where state[m] == .awake && readings[m].isEmpty {
          guard let limit = policy.thresholds.overrideThreshold(of: m) else { continue }
          if advance(m).overriding! >= limit { return true }
        }
        return false
      }
    }

    mutating func advance(_ m: Int) -> Reading {
      trace.actions.append(.advance(modality: m))
      trace.asked.insert(ModalitySet(index: m))
      let reading = script.exits[m][readings[m].count]
      readings[m].append(reading)
      order.append(reading)
      return reading
    }

    /// Every reading in the order it came.
    var order: [Reading] = []

    mutating func endOfQueue() {
      let touched = those { !readings[$0].isEmpty }
      if touched.isEmpty { return endWithBest(live.isEmpty ? .noData : limit ?? .sure) }
      if let firstNone, sureLabels.allSatisfy({ $0 == policy.noneClass }), touched.isSubset(of: settled) {
        return end(
          firstNone.reading, firstNone.threshold, isLook && !everyoneLooked ? limit ?? .sure : .sure,
          sure: true)
      }
      if givesUp([]) { return }
      fuse(insteadOf: nil)
    }

    mutating func fuse(insteadOf sure: (reading: Reading, threshold: Float)?) {
      let touched = those { !readings[$0].isEmpty }
      for step in policy.steps where touched.contains(modality(step)) {
        if case .encoder(let m, let exit) = step, exit == readings[m].count + 1 { _ = advance(m) }
      }
      trace.actions.append(.fuse)
      if script.skewTooLarge {
        guard let sure else { return endWithBest(.skewAboveLimit) }
        return end(sure.reading, sure.threshold, .skewAboveLimit, sure: false)
      }
      let threshold = policy.thresholds.threshold(at: .fusion, label: script.fusion.label)
      let isSure = threshold == nil ? !script.fusion.entropy.isNaN : script.fusion.entropy <= threshold!
      end(script.fusion, threshold, limit ?? (isSure ? .fused : .fusedUnsure), sure: isSure)
    }

    var limit: Reason? {
      damage
        ? .windowInvalid
        : late
          ? .wakeDeadlineMissed
          : pending
            ? .wakePending : trace.missing.isEmpty ? (refused ? .gainBelowCost : nil) : .modalityMissing
    }

    mutating func endWithBest(_ reason: Reason) {
      let best = order.reduce(nil as Reading?) { best, next in
        guard let best else { return next }
        return next.certainty > best.certainty ? next : best
      }
      guard let best else {
        trace.actions.append(
          .concludeUnsure(
            Answer(label: nil, exit: nil, entropy: 1, certainty: 0, threshold: nil, reason: reason)))
        return summarize()
      }
      end(best, policy.thresholds.threshold(at: best.exit, label: best.label), reason, sure: false)
    }

    mutating func end(_ reading: Reading, _ threshold: Float?, _ reason: Reason, sure: Bool) {
      let answer = Answer(
        label: reading.label, exit: reading.exit, entropy: reading.entropy.isNaN ? 1 : reading.entropy,
        certainty: reading.certainty,
        threshold: threshold, reason: damage && reason != .skewAboveLimit ? .windowInvalid : reason)
      trace.actions.append(sure && !damage ? .conclude(answer) : .concludeUnsure(answer))
      trace.provisional = reading.label == policy.noneClass && !everyoneLooked
      summarize()
    }

    mutating func endInactive(_ silent: Set<Int>) {
      let first = policy.steps.first { silent.contains(modality($0)) }.map(modality) ?? -1
      trace.actions.append(
        .conclude(
          Answer(
            label: policy.noneClass, exit: .encoder(modality: first, exit: 0), entropy: 0,
            certainty: policy.activityCertainty, threshold: nil, reason: .inactive)))
      trace.provisional = true
      summarize()
    }

    mutating func summarize() {
      trace.allLooked = everyoneLooked
      trace.look = isLook && everyoneLooked
    }

    /// Ends the window if no way of going on gains more than it costs.
    mutating func givesUp(_ ahead: [ExitID]) -> Bool {
      guard let figures = reference.figures, !policy.always, !isLook, firstNone == nil, !order.isEmpty
      else { return false }
      let certainty = order.map { Double($0.certainty) }.max() ?? 0
      let now = figures.lambda * certainty
      var chances: [(p: Double, a: Double, c: Double)] = []
      for case .encoder(let m, let exit) in ahead where !settled.contains(m) {
        guard state[m] == .awake || state[m] == .asleep && !late && !damage else { continue }
        let figure = figures.modalities[m].exits[exit - 1]
        let off = (0..<policy.thresholds.classCount).allSatisfy {
          policy.thresholds.threshold(at: .encoder(modality: m, exit: exit), label: $0) == nil
        }
        let wake = state[m] == .asleep && exit == 1 ? figures.modalities[m].wakeCost : 0
        chances.append((off ? 0 : figure.hazard, figure.accuracy, figure.cost + wake))
      }
      chances.append((1, figures.fusion.accuracy, figures.fusion.cost))
      func worth(_ k: Int, stoppingBefore stop: Int) -> Double {
        if k == stop { return now }
        let (p, a, c) = chances[k]
        return -c + p * figures.lambda * a + (1 - p) * worth(k + 1, stoppingBefore: stop)
      }
      if (1...chances.count).contains(where: { worth(0, stoppingBefore: $0) > now + 1e-12 }) { return false }
      endWithBest(damage ? .windowInvalid : late ? .wakeDeadlineMissed : .gainBelowCost)
      return true
    }

    private func modality(_ step: ExitID) -> Int {
      if case .encoder(let modality, _) = step { modality } else { -1 }
    }
  }
}

/// What a threshold is held against, told a second time.
func said(_ reading: Reading) -> Float {
  guard let gain = reading.gain else { return reading.entropy }
  return 0.5 + gain / 2
}
