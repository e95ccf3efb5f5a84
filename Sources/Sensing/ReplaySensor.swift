import Vocabulary

/// One virtual sensor: the state machine of a device, with its data from a track.
struct ReplaySensor {
  let configuration: SensorConfiguration
  let track: ReplayTrack
  /// When its track is over while the recording goes on; nil when it is not.
  private var end: Instant?
  private(set) var state = SensorState.asleep
  private(set) var failure: SensingError?
  private(set) var counters = SensorCounters()
  /// While waking: when it will be awake; nil if the recording ends before.
  private var ready: Instant?
  /// The first sample or frame of the stream, which begins with the wake.
  private var first = 0
  /// Streams so far; one that runs on through a sleep is one.
  private var streams: UInt64 = 0
  /// It sleeps, and its device is open.
  private var isResting = false
  /// Since when the stream has delivered; nil before its first data.
  private var delivering: Instant?
  /// What was asked for and not yet told.
  private var request: Instant?
  /// Its closing is to be told.
  private(set) var tellsClosed = false
  /// A fault met by a read, to be told as the next event.
  private var fault: SensingError?
  /// Of a device whose clock is off: what its stamps say of it, and how many periods' were read. Others are exact.
  private(set) var clock: SampleClock?
  private var periods: Int64 = 0
  /// Pictures that could not be read.
  private var damaged: Set<String> = []

  init(configuration: SensorConfiguration, track: ReplayTrack) {
    self.configuration = configuration
    self.track = track
  }

  var subject: String { "sensor \(configuration.name)" }

  /// Of its track, played once.
  var duration: Nanoseconds {
    switch track {
    case .absent: .zero
    case .sound(let track): track.duration
    case .image(let track): track.duration
    }
  }

  /// Puts the sensor in a recording that ends at `duration`, or begins again there.
  mutating func place(in duration: Nanoseconds, loops: Bool) {
    end = !loops && self.duration < duration ? .zero + self.duration : nil
    switch track {
    case .absent: break
    case .sound(let track): track.loop = loops ? duration : nil
    case .image(let track): track.loop = loops ? duration : nil
    }
  }

  mutating func wake(now: Instant) {
    guard state == .asleep else { return }
    counters.wakes += 1
    state = .waking(since: now)
    tellsClosed = false
    let rested = isResting
    isResting = false
    if rested && configuration.sleepMode == .hot {
      ready = now
      return
    }
    streams += 1
    delivering = nil
    let delivers = now + (rested ? configuration.warmLatency : configuration.wakeLatency)
    switch track {
    case .absent:
      fault = SensingError(subject, .notRecorded)
    case .sound(let track):
      // The first whole sample after the latency.
      first = track.rate.samples(in: delivers - .zero)
      if .zero + track.rate.duration(of: first) < delivers { first += 1 }
      clock = nil
      if track.rate.partsPerMillion != 0 {
        var started = SampleClock(rate: track.rate.perSecond)
        started.set(first, at: .zero + track.rate.duration(of: first))
        clock = started
        periods = (delivers - .zero).count / MicrophoneStream.period.count
      }
      ready = delivers
    case .image(let track):
      let settled = track.firstFrame(notBefore: delivers).map { $0 + configuration.settlingFrames }
      first = settled ?? 0
      ready = settled.flatMap { track.holds($0) ? track.time(ofFrame: $0) : nil }
    }
    if let at = ready, let end, at >= end { ready = nil }
  }

  mutating func sleep() {
    if case .failed = state { return }
    if state.isAwake { isResting = configuration.sleepMode != .closed }
    state = .asleep
    ready = nil
    request = nil
    fault = nil
  }

  mutating func askClosed() {
    tellsClosed = true
    isResting = false
  }
  mutating func tellClosed() { tellsClosed = false }

  mutating func ask(_ instant: Instant) {
    if case .failed = state { return }
    if state != .asleep { request = instant }
  }

  /// Counts a picture that cannot be read; true for the first time that this one is met.
  mutating func countDamaged(_ error: SensingError) -> Bool {
    guard damaged.insert(error.subject).inserted else { return false }
    counters.framesCorrupt += 1
    return true
  }

  mutating func recordFault(_ error: SensingError) { fault = error }

  // MARK: What comes next, and when (never before `now`)

  func nextFault(now: Instant) -> Instant? {
    if fault != nil { return now }
    guard let overdue, ready.map({ $0 > overdue }) ?? true, end.map({ $0 > overdue }) ?? true else {
      return nil
    }
    return max(overdue, now)
  }

  /// While waking: when it has taken longer than a device may.
  private var overdue: Instant? {
    if case .waking(let since) = state { since + configuration.wakeLimit } else { nil }
  }

  func nextAwake(now: Instant) -> Instant? {
    guard case .waking = state else { return nil }
    return ready.map { max($0, now) }
  }

  func nextSound(now: Instant) -> Instant? {
    guard case .sound = track, state.isAwake, let request else { return nil }
    if let end, request > end { return nil }
    return max(request, now)
  }

  func nextFrame(now: Instant) -> Instant? {
    guard case .image(let track) = track, state.isAwake, let request else { return nil }
    let newest = track.newestFrame(by: now)
    if newest >= first && track.time(ofFrame: newest) >= request { return now }
    guard let frame = track.firstFrame(notBefore: request), track.holds(max(frame, first)) else { return nil }
    return max(now, track.time(ofFrame: max(frame, first)))
  }

  func nextEnd(now: Instant) -> Instant? {
    switch state {
    case .asleep where isResting && configuration.sleepMode == .hot: end.map { max($0, now) }
    case .asleep, .failed: nil
    case .waking, .awake: fault == nil ? end.map { max($0, now) } : nil
    }
  }

  mutating func becomeAwake(at instant: Instant) {
    if let delivering {
      state = .awake(since: delivering)
      return
    }
    delivering = instant
    state = .awake(since: instant)
    if case .image = track { counters.framesSettling += configuration.settlingFrames }
  }

  mutating func fail(at instant: Instant) {
    let isOverdue = overdue.map { instant >= $0 } ?? false
    let error = fault ?? SensingError(subject, .device(isOverdue ? .wedged : .ended, detail: ""))
    var reason = SensorFault.ioError
    switch error.kind {
    case .device(let named, _): reason = named
    case .notRecorded: reason = .absent
    default: break
    }
    fault = nil
    request = nil
    isResting = false
    failure = error
    counters.faults += 1
    state = .failed(reason, since: instant)
  }

  /// The request is answered: the end of the newest sample at `now`.
  mutating func answerSound(now: Instant) -> Instant {
    request = nil
    guard case .sound(let track) = track else { return now }
    return .zero + track.rate.duration(of: track.rate.samples(in: now - .zero))
  }

  /// The request is answered: the newest frame's time.
  mutating func answerFrame(now: Instant) -> Instant {
    request = nil
    guard case .image(let track) = track else { return now }
    return track.time(ofFrame: track.newestFrame(by: now))
  }

  // MARK: Data

  /// Follows the device's clock by the stamps of the periods that have ended, as the daemon does with a device of its own.
  mutating func readStamps(of track: SoundTrack, now: Instant) {
    guard var clock else { return }
    while periods < (now - .zero).count / MicrophoneStream.period.count {
      periods += 1
      let count = track.rate.samples(in: Nanoseconds(periods * MicrophoneStream.period.count))
      if count > first { clock.learn(count, at: .zero + track.rate.duration(of: count)) }
    }
    self.clock = clock
  }

  /// How many samples had been captured by `instant`.
  func number(at instant: Instant, of track: SoundTrack) -> Int {
    clock?.number(at: instant) ?? track.rate.samples(in: instant - .zero)
  }

  /// When so many samples had been captured.
  func end(of number: Int, of track: SoundTrack) -> Instant {
    clock?.time(of: number) ?? .zero + track.rate.duration(of: number)
  }

  /// Samples that can be had at `now`, by their numbers.
  func audible(_ rate: SampleRate, now: Instant) -> Range<Int> {
    guard state.isAwake else { return 0..<0 }
    let newest = rate.samples(in: now - .zero)
    let oldest = max(first, newest - rate.samples(in: configuration.history))
    return oldest..<max(oldest, newest)
  }

  /// The number after the last sample of so many that begin a whole number of hops after the first since the wake; `last`,
  /// or up to a hop earlier.
  func onGrid(_ last: Int, length: Int, _ hop: Int) -> Int {
    first + length + floorDivide(last - length - first, hop) * hop
  }

  /// Where sound lies that begins with that sample.
  func position(ofSample number: Int) -> SoundPosition {
    SoundPosition(stream: streams, first: number)
  }

  /// The newest settled frame at `now`, and the first since the wake; nil when there is none.
  func visible(_ track: ImageTrack, now: Instant) -> (newest: Int, first: Int)? {
    guard state.isAwake else { return nil }
    let newest = track.newestFrame(by: now)
    return newest >= first ? (newest, first) : nil
  }
}
