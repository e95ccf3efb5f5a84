import Vocabulary

/// Walks one window at a time from exit to exit and says after each what to do next. A pure state machine: what the
/// sensors, the engine and the clock have to say is passed in, and one `Action` comes out. It touches no heap.
///
/// Rules, first that applies:
/// 1. *Nothing happens.* Every present sensor's activity check says so: `none`, reason `inactive`, exit 0, always
///    provisional (a check is no look). Not while a look is due. If only some sensors are quiet, something is going on,
///    and the quiet ones are asked last.
/// 2. *The walk.* Exits in plan order; modalities that cannot be had are passed over; a sleeping one is woken at its first
///    exit. The first exit with entropy <= its threshold for the class it names concludes (`sure`), if that is not `none`.
///    An exit with a gain head (`Reading.doubt`) does not where fusion is nearly free (`Model.isFusionNearlyFree`), two
///    modalities or more have run to their ends and no other can be had: fusion then answers, for next to nothing.
/// 3. *A sure `none`* says nothing about what only another sensor could see, so it concludes nothing: it is held, and settles
///    its own sensor alone. From then on a single exit concludes only with a command whose entropy is at or below the exit's
///    threshold beside a `none`, where it has one, and while no sure answer has contradicted the `none`. Every sensor that is
///    awake is asked to a sure answer or to its end, its cost being its MACs; one that sleeps is woken only if a look is due or
///    a sensor that was asked is not sure. If all that were asked are sure of `none`, that is the answer, provisional while a live sensor has not looked;
///    else everything asked runs to its end and is fused: no sensor's `none` overrules another's lean.
/// 4. *A class that overrides.* Before an exit concludes with a class that is neither `none` nor the overriding one, every other
///    modality that is awake with whole data and not asked yet is asked for its first exit, where that has an override threshold:
///    in plan order, quiet ones too, and nobody is woken. The first that gives the overriding class a probability at or above
///    its threshold ends that: everything asked runs to its end and is fused. Where none does, the sure answer concludes.
/// 5. *Giving up.* After the first reading, but neither on a look nor once a `none` is held: `ContinuationGain`, before every
///    further step.
/// 6. *The end.* What was asked runs to its end and is fused, one modality alone as well.
///
/// A wake that will not be over before the next window is due is not waited for (`pending`): the sensors that are awake answer,
/// and what they lean to is kept as evidence (`EvidenceFilter`) until the woken one has its own windows.
///
/// What limited the answer goes before `fused`, `fusedUnsure`: lost samples, a missed wake, a pending one, a missing modality,
/// a wake that was not worth its cost (`refused`): the sensors that are awake answer.
/// An entropy at or below fusion's threshold is still a conclusion then, except with lost samples: once the walk
/// has passed over an invalid modality, every conclusion is unsure (`windowInvalid`), and nobody is woken but for a look.
/// After a missed deadline the window is late already, so nobody else is woken.
///
/// Where a wake makes the window be realigned, it is a new window: `begin` again, both present.
package struct Gate: Sendable {
  enum Phase: Equatable, Sendable {
    case idle
    /// Asking the exits in plan order; the exit asked is out if `asking` holds one.
    case walking
    /// A sure answer is there: asking others' first exits whether they override it.
    case checking
    /// Running half-run encoders to their ends for fusion.
    case finishing
    case fusing
    case concluded
  }

  package let policy: GatePolicy
  var phase = Phase.idle
  var window = WindowConditions(present: [])
  /// The exit that is being run; nil between steps.
  var asking: ExitID?
  /// The modality whose wake is under way.
  var waking: Int?
  /// Exits run so far, by modality.
  var done = InlineArray<32, UInt8>(repeating: 0)
  var cursor = 0
  /// Quiet sensors among active ones, asked in a second pass, and whether that has begun.
  var quiet: ModalitySet = []
  var secondPass = false
  /// Tried in vain (wake missed, failed, refused or pending), or not needed when its turn came.
  var lost: ModalitySet = []
  /// Asked to a sure answer.
  var sure: ModalitySet = []
  /// Asked to a sure answer or to their end.
  var looked: ModalitySet = []
  var missedDeadline = false
  /// A wake is under way that this window does not wait for.
  var isWakePending = false
  var isWakeRefused = false
  var passedInvalid = false
  /// The first sure `none`, and whether a sure answer since was another.
  var held: Answer?
  var disagreement = false
  var best: Reading?
  /// The sure answer that others are asked about whether they override it, or that was overridden.
  var contested: Answer?

  /// Modalities whose exits have been asked: their data took part.
  package internal(set) var asked: ModalitySet = []
  /// Sensors woken for this window, delivered or not; refused wakes are not among them.
  package internal(set) var woken: ModalitySet = []
  /// Modalities the walk wanted and could not have.
  package internal(set) var missing: ModalitySet = []
  /// Modalities that were asked for because the others had not settled the window; not those asked for being awake.
  package internal(set) var wanted: ModalitySet = []
  /// The conclusion is `none`, and fewer than all live sensors looked: it may be overturned.
  package internal(set) var provisional = false
  /// Modalities that were asked for nothing but the class that overrides, and did not say it.
  package internal(set) var unopposing: ModalitySet = []

  package init(_ policy: GatePolicy) { self.policy = policy }

  /// Sensors present or wakeable when the window began; one that then failed stays among them.
  package var live: ModalitySet {
    window.present.union(window.wakeable).intersection(.all(policy.modalityCount))
  }
  /// Sensors that are awake with whole data for this window.
  package var intact: ModalitySet {
    window.present.subtracting(window.invalid).intersection(.all(policy.modalityCount))
  }
  /// Every live sensor was asked to a sure answer or its end: time since the last look starts anew.
  package var allLooked: Bool { looked.isSuperset(of: live) }
  /// This window was the look that was due, and it was completed.
  package var look: Bool { lookDue && allLooked }
  /// What `.fuse` is to fuse: the modalities that have run to their end.
  package var fusing: ModalitySet {
    var set: ModalitySet = []
    for modality in 0..<policy.modalityCount where isComplete(modality) {
      set.insert(ModalitySet(index: modality))
    }
    return set
  }

  /// Starts a window, whatever became of the one before.
  package mutating func begin(_ conditions: WindowConditions) -> Action {
    self = Gate(policy)
    window = conditions
    window.invalid.formIntersection(window.present)
    phase = .walking
    if let answer = inactivity() { return conclude(answer, sure: true) }
    return proceed(at: conditions.now)
  }

  /// Goes on after an exit has spoken.
  /// - Parameters:
  ///   - reading: of the exit that the last action asked for.
  ///   - now: the time a wake's deadline would count from; nil takes the window's.
  package mutating func next(after reading: Reading, at now: Instant? = nil) -> Action {
    precondition(reading.exit == asking, "a reading of an exit that was not asked")
    asking = nil
    guard case .encoder(let modality, _) = reading.exit else { return concludeFusion(reading) }
    note(reading, of: modality)
    if phase == .checking { return check(reading, of: modality) }
    if phase == .walking && !policy.always, let answer = judge(reading, of: modality) {
      return concludeUnlessOverridden(answer)
    }
    return proceed(at: now ?? window.now)
  }

  /// Goes on after a wake.
  package mutating func next(
    after outcome: WakeOutcome, of modality: Int, at now: Instant? = nil
  ) -> Action {
    precondition(waking == modality, "a wake that was not asked for")
    waking = nil
    let set = ModalitySet(index: modality)
    if outcome != .refused { woken.insert(set) }
    if outcome == .delivered {
      window.present.insert(set)
    } else {
      lost.insert(set)
      switch outcome {
      case .pending: isWakePending = true
      case .refused: isWakeRefused = true
      default: missing.insert(set)
      }
      if outcome == .deadlineMissed { missedDeadline = true }
    }
    return proceed(at: now ?? window.now)
  }

  /// The pair lies further apart than allowed: answers with the best exit's answer instead of `.fuse`, or with the sure one
  /// that was overridden.
  package mutating func fusionRefused() -> Action {
    precondition(phase == .fusing, "fusion was not asked for")
    asking = nil
    guard var answer = contested else { return concludeBest(.skewAboveLimit) }
    answer.reason = .skewAboveLimit
    return conclude(answer, sure: false)
  }
}
