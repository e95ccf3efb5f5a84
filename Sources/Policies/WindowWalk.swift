import Engine
import Scheduling
import Vocabulary

/// What a window's walk asks of the world: the data there is, wakes, and the clock. A live pipeline wakes sensors; where
/// windows come from files, what is not there cannot be had.
package protocol WalkEnvironment {
  /// The time that a wake's deadline counts from.
  var now: Instant { get }

  /// Gathers what there is for the window that ends at `end`. Its data stays as it is until the next call.
  /// - Parameter isDoubted: a network was unsure of this window already, so stillness may not answer it any more.
  mutating func gather(endingAt end: Instant, isDoubted: Bool) -> WindowConditions

  /// Computes the features of data that was gathered and gives them to the engine, before the modality's first segment.
  mutating func setInput(_ modality: Int, of engine: inout Engine)

  /// A part of the network has run; the engine has its reading's probabilities still.
  /// - Parameter modalities: whose part, or whom the fusion is of.
  mutating func didRun(_ reading: Reading, _ engine: borrowing Engine, of modalities: ModalitySet)

  /// Wakes a sensor for the window that ends at `end` and waits for its data, at most until `deadline`.
  /// - Parameter hasReading: a sensor that is awake has been asked, so the window can be answered without waiting.
  mutating func wake(
    _ modality: Int, for end: Instant, until deadline: Instant, hasReading: Bool
  ) -> WakeResult

  /// The window is about to be realigned: what was read of it as it was stays true of that.
  mutating func willRealign(from end: Instant)

  /// Waits until the sensors that are awake have their data up to `end`, a later end of the window at hand.
  mutating func awaitData(upTo end: Instant)

  /// Whether the data of these modalities lies near enough together to be one pair.
  func canFuse(_ modalities: ModalitySet) -> Bool
}

/// What became of a wake, and of the window by it.
package enum WakeResult: Equatable, Sendable {
  case outcome(WakeOutcome)
  /// The sensor delivered, too late for the window as it is: it would have to end then.
  case deliveredLater(Instant)
}

/// One window on its way from exit to exit: a value. `run` is the one driver over `Action`; the daemon's pipeline, the
/// evaluator and audits all use it.
package struct WindowWalk: Sendable {
  /// The window's end: later than at first where it was realigned with a sensor that was woken for it.
  package private(set) var end: Instant
  package private(set) var gate: Gate
  /// Every exit asked, in the order asked, over all realignments.
  package private(set) var trace: Bounded<48, Decision.AskedExit>
  package private(set) var macs: Int64 = 0
  /// Once for each sensor at most: two that are slower than the skew could each make the other late for ever.
  package private(set) var realignments = 0
  /// It has to be a full check, however often it is realigned.
  package private(set) var isFullCheckDue = false
  /// Modalities whose features the engine has.
  private var inputs: ModalitySet = []

  package init(_ policy: GatePolicy, endingAt end: Instant = .zero) {
    self.end = end
    gate = Gate(policy)
    let nothing = Reading(exit: .fusion, entropy: 1, label: 0, certainty: 0, macs: 0, parameters: 0)
    trace = Bounded(filler: Decision.AskedExit(reading: nothing, threshold: nil))
  }

  /// Walks the window to its answer. Takes nothing from the heap but what `environment` does.
  package mutating func run(
    _ engine: inout Engine, in environment: inout some WalkEnvironment
  ) -> Answer {
    var action = begin(&engine, in: &environment, isDoubted: false)
    while true {
      switch action {
      case .advance(let modality):
        let set = ModalitySet(index: modality)
        // Its gain heads may look at the features of others that are awake.
        give(
          set.union(engine.looked(from: modality).intersection(gate.intact)), to: &engine, in: &environment)
        let reading = engine.advance(modality)
        action = enter(reading, engine, of: set, in: &environment)
      case .fuse:
        guard environment.canFuse(gate.fusing) else {
          action = gate.fusionRefused()
          continue
        }
        let fusing = gate.fusing
        let reading = engine.fuse(fusing)
        action = enter(reading, engine, of: fusing, in: &environment)
      case .wake(let modality, let deadline):
        action = wake(modality, until: deadline, &engine, in: &environment)
      case .conclude(let answer), .concludeUnsure(let answer):
        return answer
      }
    }
  }

  /// Sets the inputs of modalities that the engine has not got yet.
  private mutating func give(
    _ wanted: ModalitySet, to engine: inout Engine, in environment: inout some WalkEnvironment
  ) {
    guard !inputs.isSuperset(of: wanted) else { return }
    for modality in engine.model.modalities.indices {
      let set = ModalitySet(index: modality)
      guard wanted.contains(set), inputs.isDisjoint(with: set) else { continue }
      environment.setInput(modality, of: &engine)
      inputs.insert(set)
    }
  }

  private mutating func begin(
    _ engine: inout Engine, in environment: inout some WalkEnvironment, isDoubted: Bool
  ) -> Action {
    engine.beginWindow()
    inputs = []
    var conditions = environment.gather(endingAt: end, isDoubted: isDoubted)
    isFullCheckDue = isFullCheckDue || conditions.lookDue
    conditions.lookDue = isFullCheckDue
    return gate.begin(conditions)
  }

  private mutating func enter(
    _ reading: Reading, _ engine: borrowing Engine, of modalities: ModalitySet,
    in environment: inout some WalkEnvironment
  ) -> Action {
    let threshold = gate.policy.thresholds.threshold(at: reading.exit, label: reading.label)
    let override = gate.overrideThreshold
    trace.append(
      Decision.AskedExit(
        reading: reading, threshold: override == nil ? threshold : nil, overrideThreshold: override,
        thresholdBesideNone: gate.thresholdBesideNone(for: reading)))
    macs += reading.macs
    environment.didRun(reading, engine, of: modalities)
    return gate.next(after: reading, at: environment.now)
  }

  /// Where the sensor's data lies later than the window by more than may be, the window is realigned to end there: a
  /// new one, which the gate begins afresh with both present.
  private mutating func wake(
    _ modality: Int, until deadline: Instant, _ engine: inout Engine,
    in environment: inout some WalkEnvironment
  ) -> Action {
    // Who wants everybody's answer waits for it.
    let hasReading = !gate.asked.isEmpty && !gate.policy.always
    switch environment.wake(modality, for: end, until: deadline, hasReading: hasReading) {
    case .outcome(let outcome): return gate.next(after: outcome, of: modality, at: environment.now)
    case .deliveredLater(let instant):
      guard realignments < gate.policy.modalityCount else {
        return gate.next(after: .deadlineMissed, of: modality, at: environment.now)
      }
      realignments += 1
      if !gate.asked.isEmpty { environment.willRealign(from: end) }
      end = instant
      environment.awaitData(upTo: instant)
      return begin(&engine, in: &environment, isDoubted: true)
    }
  }
}
