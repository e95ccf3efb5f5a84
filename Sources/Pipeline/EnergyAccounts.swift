import Energy
import Engine
import Vocabulary

/// Collects what a window costs while it is being answered, one posting for each account, modality and exit, and
/// posts it to the decision: compute by its MACs and bytes, sensors by the time they spent in each state.
package struct EnergyAccounts: Sendable {
  private typealias Work = (macs: Int64, parameters: Int64)

  package let model: EnergyModel
  /// What plain late fusion runs: of each modality its segments without their exits, and fusion.
  private let segments: [Work]
  private let fusion: Work
  /// By modality: its spectrogram; nil for other features.
  private let spectrograms: [Features.Spectrogram?]
  /// By modality: the end of the last window that always-on sensing counted its features up to; nil where it has none.
  private var featuresCounted: [Instant?]
  /// What metering and recording take; nil where that is not known, as in a replay.
  private var recording: RecordingTime?
  private var postings = Bounded<64, EnergyPosting>(filler: EnergyPosting(account: .idle, energy: .zero))

  /// - Parameter recordingTime: how long the threads that meter and record have been on a core so far; nil where it is not
  ///   to be posted.
  package init(
    _ energy: EnergyModel, network: Model, recordingTime: (@Sendable () -> Nanoseconds)? = nil
  ) {
    model = energy
    recording = recordingTime.map { RecordingTime($0) }
    segments = network.modalities.map { modality in
      modality.segments.reduce(into: (macs: 0, parameters: 0)) {
        $0.macs += $1.macs - $1.exitMacs
        $0.parameters += $1.parameters - $1.exitParameters
      }
    }
    fusion = (network.fusion.macs, network.fusion.parameters)
    spectrograms = network.modalities.map {
      if case .spectrogram(let spectrogram) = $0.features { spectrogram } else { nil }
    }
    featuresCounted = spectrograms.map { _ in nil }
  }

  /// Goes on with what the former generation's accounts have posted already.
  mutating func adopt(recordingOf former: EnergyAccounts) { recording = former.recording }

  mutating func begin() { postings.removeAll() }

  mutating func charge(segment reading: Reading) { add(model.compute(reading)) }
  mutating func charge(featuresOf modality: Int, _ work: SpectrogramWork?) {
    add(model.features(modality, work))
  }

  /// What an audit runs beside the gate: a posting for each modality, and one for fusion.
  mutating func charge(auditOf modality: Int?, macs: Int64, parameters: Int64) {
    charge(auditOf: modality, model.compute(macs: macs, parameters: parameters))
  }
  mutating func charge(auditedFeaturesOf modality: Int, _ work: SpectrogramWork?) {
    charge(auditOf: modality, model.featureEnergy(modality, work))
  }
  private mutating func charge(auditOf modality: Int?, _ energy: Nanojoules) {
    if energy != .zero { add(EnergyPosting(account: .audit, modality: modality, energy: energy)) }
  }

  /// Closes the window's account at `now`: the sensors' time since the last decision belongs to this one.
  /// - Parameters:
  ///   - forAudit: sensors that are awake for an audit alone. Their time is posted when it is over, as the audit's.
  ///   - isAudited: this window is that audit's.
  mutating func post(
    to decision: inout Decision, sensors: inout [SensorAccount], at now: Instant,
    forAudit: ModalitySet = [], isAudited: Bool = false
  ) {
    let comparison = add(
      &sensors, at: now, windowEnd: decision.end, forAudit: forAudit, isAudited: isAudited)
    decision.energy = postings
    decision.alwaysOn = comparison.sensing + comparison.computing
  }

  /// Closes the run's account at `now`: the sensors' time since the last decision belongs to no window.
  mutating func close(sensors: inout [SensorAccount], at now: Instant) -> ClosingEnergy {
    begin()
    var closing = ClosingEnergy()
    closing.alwaysOn = add(&sensors, at: now, windowEnd: now, isLast: true).sensing
    closing.energy = postings
    return closing
  }

  /// Posts the sensors' time since the last posting.
  /// - Returns: what keeping every sensor awake and running everything would have cost in that time. While a sensor
  ///   cannot be had, nothing is posted for it, and nothing is counted for it here. While it may not be used (another program
  ///   has it, or the daemon is paused) always-on sensing would not have it either: what it then draws is on both sides. So is
  ///   what recording takes.
  private mutating func add(
    _ sensors: inout [SensorAccount], at now: Instant, windowEnd end: Instant, forAudit: ModalitySet = [],
    isAudited: Bool = false, isLast: Bool = false
  ) -> (sensing: Nanojoules, computing: Nanojoules) {
    var sensing = Nanojoules.zero
    var features = Nanojoules.zero
    var work: Work = (0, 0)
    var isAnyObtainable = false
    for sensor in model.modalities.indices {
      let isForAudit = forAudit.contains(index: sensor)
      let time = isForAudit && !isAudited ? SensorAccount.Share() : sensors[sensor].post(at: now)
      let sensed = model.sensing(sensor, for: time.states.awake)
      let waking = model.waking(sensor, for: time.states.waking)
      if isForAudit {
        charge(auditOf: sensor, (sensed?.energy ?? .zero) + (waking?.energy ?? .zero))
      } else {
        add(sensed)
        add(waking)
      }
      add(model.idle(sensor, for: time.closed, resting: time.states.asleep - time.closed))
      sensing += model.idle(sensor, for: time.withheld)?.energy ?? .zero
      var isFailed = false
      if case .failed = sensors[sensor].state { isFailed = true }
      if time.obtainable == .zero && (isFailed || time.withheld > .zero) {
        featuresCounted[sensor] = nil
        continue
      }
      isAnyObtainable = true
      sensing += model.sensing(sensor, for: time.obtainable)?.energy ?? .zero
      features += model.featureEnergy(sensor, alwaysOnWork(sensor, upTo: end))
      work.macs += segments[sensor].macs
      work.parameters += segments[sensor].parameters
    }
    if let time = recording?.due(at: now, isLast: isLast), let posting = model.recording(for: time) {
      add(posting)
      sensing += posting.energy
    }
    if isAnyObtainable {
      work.macs += fusion.macs
      work.parameters += fusion.parameters
    }
    return (sensing, features + model.compute(macs: work.macs, parameters: work.parameters))
  }

  /// The frames that always-on sensing computes for the window that ends at `end`: those by hops since the window before,
  /// at most a whole window's. Nil where the features are no spectrogram.
  private mutating func alwaysOnWork(_ modality: Int, upTo end: Instant) -> SpectrogramWork? {
    guard let spectrogram = spectrograms[modality] else { return nil }
    func hops(_ instant: Instant) -> Int64 {
      Int64(
        Int128(instant.sinceBoot) * Int128(spectrogram.sampleRate) / (Int128(spectrogram.hop) * 1_000_000_000)
      )
    }
    let frames = spectrogram.frames
    var computed = frames
    if let before = featuresCounted[modality] {
      computed = Int(max(0, min(Int64(frames), hops(end) - hops(before))))
    }
    featuresCounted[modality] = end
    return SpectrogramWork(computed: computed, frames: frames)
  }

  /// A window that is realigned runs its exits again; their energy is one posting.
  private mutating func add(_ posting: EnergyPosting?) {
    guard let posting else { return }
    for i in postings.indices
    where postings[i].account == posting.account && postings[i].modality == posting.modality
      && postings[i].exit == posting.exit
    {
      postings[i].energy += posting.energy
      return
    }
    postings.append(posting)
  }
}
