import Vocabulary

/// A device's state machine: what the pipeline wants, what the device's thread reports, what is to be told. Pure.
///
/// Each wake has a number. A report that carries an older number comes from a device that was since told to sleep,
/// and is dropped.
struct DeviceState: Sendable {
  /// Waiting times between a fault and the next try.
  static let firstBackoff = Nanoseconds.seconds(1)
  static let longestBackoff = Nanoseconds.seconds(60)

  private(set) var state = SensorState.asleep
  private(set) var failure: SensingError?
  var counters = SensorCounters()
  /// The number of the wake that is wanted; nil while the device is to be closed.
  private(set) var wanted: Int?
  private var wakes = 0
  /// No more wakes: the daemon ends.
  private(set) var isStopping = false
  private var faultsInARow = 0
  private var retry = Instant.zero
  /// Told in this order; a wake can bring one of each.
  private var tellsAwake = false
  private var tellsFailed = false
  private var awakeSince = Instant.zero
  private var request: Instant?
  /// Up to when there is data (sound: its end; frames: the newest one's time).
  private var delivered: Instant?

  // MARK: The pipeline's side

  mutating func wake(now: Instant) {
    switch state {
    case .waking, .awake: return
    case .failed where now < retry: return
    case .asleep, .failed: break
    }
    if isStopping { return }
    wakes += 1
    counters.wakes += 1
    wanted = wakes
    state = .waking(since: now)
    forget()
  }

  mutating func sleep() {
    wanted = nil
    request = nil
    if case .failed = state { return }
    state = .asleep
    forget()
  }

  mutating func stop() {
    sleep()
    isStopping = true
  }

  mutating func ask(_ instant: Instant) {
    if wanted != nil { request = instant }
  }

  mutating func takeStateChange() -> SensorState? {
    if tellsAwake {
      tellsAwake = false
      return .awake(since: awakeSince)
    }
    if tellsFailed {
      tellsFailed = false
      return state
    }
    return nil
  }

  /// Up to when there is data, if that answers the request.
  mutating func takeDelivery() -> Instant? {
    guard let request, let delivered, delivered >= request else { return nil }
    self.request = nil
    return delivered
  }

  // MARK: The device thread's side; each returns whether the pipeline has something to be told

  mutating func becameAwake(_ wake: Int, since instant: Instant) -> Bool {
    guard wake == wanted, case .waking = state else { return false }
    state = .awake(since: instant)
    awakeSince = instant
    tellsAwake = true
    return true
  }

  mutating func delivered(_ wake: Int, upTo instant: Instant) -> Bool {
    guard wake == wanted else { return false }
    delivered = instant
    return request.map { instant >= $0 } ?? false
  }

  mutating func failed(_ wake: Int, _ error: SensingError, now: Instant) -> Bool {
    guard wake == wanted else { return false }
    // A device that worked for long starts anew; one that wakes and fails in turns waits longer each time.
    if case .awake(let since) = state, now - since > Self.longestBackoff { faultsInARow = 0 }
    var backoff = Self.firstBackoff
    for _ in 0..<faultsInARow { backoff = min(backoff + backoff, Self.longestBackoff) }
    faultsInARow = min(faultsInARow + 1, 16)
    retry = now + backoff
    var fault = SensorFault.ioError
    if case .device(let named, _) = error.kind { fault = named }
    state = .failed(fault, since: now)
    failure = error
    counters.faults += 1
    wanted = nil
    request = nil
    delivered = nil
    tellsFailed = true
    return true
  }

  private mutating func forget() {
    failure = nil
    request = nil
    delivered = nil
    tellsAwake = false
    tellsFailed = false
  }
}
