import Vocabulary

/// A device's state machine: what the pipeline wants, what the device's thread reports, what is to be told, and by when
/// the thread has to do what it was told. Pure.
///
/// Each wake has a number. A report that carries an older number comes from a device that was since told to sleep or
/// was given up, and is dropped. Each thread has a number as well: one that hangs in the driver is replaced at the next
/// try, and leaves when it comes back.
struct DeviceState: Sendable {
  private let subject: String
  private let limits: DeviceLimits
  private let wakeLimit: Nanoseconds
  private let sleepMode: SleepMode

  /// A failed sensor that is being tried again stays failed until it delivers.
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

  // The thread.
  /// The thread that the wakes are for.
  private(set) var thread = 0
  /// It has taken a wake, and has not come back for the next.
  private(set) var isAway = false
  /// It has come back from opening the device.
  private var isOpen = false
  /// The sensor sleeps and its device stays open.
  private var isResting = false
  /// The device is to be closed before it is used again.
  private var mustClose = false
  /// It did not come back in time: it hangs in the driver.
  private(set) var isStuck = false
  /// Threads that were replaced and still hang.
  private(set) var abandoned = 0

  // By when, on the monotonic clock: a woken device delivers, an awake one delivers again, a closed one's thread is back.
  private var wakeDue: Instant?
  private var dataDue: Instant?
  private var closeDue: Instant?
  private var patience: Nanoseconds

  /// Told in this order; a wake can bring one of each.
  private var tellsAwake = false
  private var tellsFailed = false
  private var awakeSince = Instant.zero
  private var request: Instant?
  /// It is to be told when the device is closed.
  private var tellsClosed = false
  /// Up to when there is data (sound: its end; frames: the newest one's time).
  private var delivered: Instant?

  init(
    subject: String = "sensor", wakeLimit: Nanoseconds = .seconds(6), limits: DeviceLimits = DeviceLimits(),
    sleepMode: SleepMode = .closed
  ) {
    self.subject = subject
    self.wakeLimit = wakeLimit
    self.limits = limits
    self.sleepMode = sleepMode
    patience = limits.patience
  }

  // MARK: The pipeline's side

  mutating func wake(_ now: Moment) {
    if isStopping || wanted != nil { return }
    var isRetry = false
    if case .failed = state {
      if now.boot < retry { return }
      if isStuck && abandoned >= limits.abandonedThreads { return }
      isRetry = true
    }
    wakes += 1
    counters.wakes += 1
    wanted = wakes
    wakeDue = now.steady + wakeLimit
    dataDue = nil
    isResting = false
    request = nil
    tellsClosed = false
    delivered = nil
    if isRetry { return }
    state = .waking(since: now.boot)
    tellsAwake = false
    tellsFailed = false
  }

  /// A thread is wanted in place of one that hangs.
  /// - Returns: the new thread's number; nil while the old one will do.
  mutating func replaceThread() -> Int? {
    guard wanted != nil, isStuck else { return nil }
    abandoned += 1
    thread += 1
    isStuck = false
    isAway = false
    isOpen = false
    mustClose = false
    closeDue = nil
    return thread
  }

  /// The thread that was to replace one that hangs could not be had; the next try asks for one again.
  mutating func lostThread() {
    isStuck = true
    abandoned -= 1
  }

  mutating func sleep(_ now: Moment) {
    if wanted == nil { return }
    var rests = sleepMode != .closed && isOpen && !mustClose
    if case .failed = state { rests = false }
    letGo(now, rests: rests)
    if case .failed = state { return }
    state = .asleep
    failure = nil
    tellsAwake = false
    tellsFailed = false
  }

  mutating func stop(_ now: Moment) {
    sleep(now)
    isStopping = true
  }

  mutating func ask(_ instant: Instant) {
    if wanted != nil { request = instant }
  }

  mutating func askClosed(_ now: Moment) {
    tellsClosed = true
    if isResting { letGo(now) }
  }

  /// Whether the device has been closed, where that was asked for.
  mutating func takeClosed() -> Bool {
    guard tellsClosed, wanted == nil, !isAway else { return false }
    tellsClosed = false
    return true
  }

  /// Whether somebody waits for the device to be closed.
  var isClosedAwaited: Bool { tellsClosed }

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

  // MARK: Supervision

  /// When `supervise` has something to do, on the monotonic clock, if the thread does nothing until then.
  var due: Instant? {
    if isStopping || isStuck { return nil }
    var soonest = wakeDue ?? dataDue
    if let closeDue { soonest = min(soonest ?? closeDue, closeDue) }
    return soonest
  }

  /// Fails the sensor when what is expected of it is overdue.
  /// - Returns: whether it was; its thread is then to be told.
  mutating func supervise(_ now: Moment) -> Bool {
    guard let due, due <= now.steady else { return false }
    if let closeDue, closeDue <= now.steady {
      // Where the pipeline let go while the device was being opened, that is what does not return.
      hang(isOpen ? .closeHung : .openHung, now)
    } else if let wakeDue, wakeDue <= now.steady {
      if isAway && !isOpen {
        hang(.openHung, now)
      } else {
        fail(overdue("nothing \(wakeLimit.count / 1_000_000) ms after it was opened"), now)
      }
    } else if let dataDue, dataDue <= now.steady {
      fail(overdue("its driver has held its thread for \((patience + patience).count / 1_000_000) ms"), now)
    }
    return true
  }

  private func overdue(_ detail: String) -> SensingError {
    SensingError(subject, .device(.wedged, detail: detail))
  }

  private mutating func hang(_ fault: SensorFault, _ now: Moment) {
    fail(SensingError(subject, .device(fault, detail: "")), now)
    isStuck = true
    closeDue = nil
    retry = max(retry, now.boot + limits.hungBackoff)
  }

  // MARK: The device thread's side

  /// What a thread that is back does next.
  enum Order: Equatable {
    case wait
    case open(Int)
    case leave
  }

  /// Thread `number` is back (or has begun) and has no device open.
  mutating func nextOrder(for number: Int, _ now: Moment) -> Order {
    if number != thread {
      abandoned -= 1
      return .leave
    }
    if isStuck { retry = min(retry, now.boot + limits.firstBackoff) }
    isStuck = false
    isAway = false
    isOpen = false
    isResting = false
    mustClose = false
    closeDue = nil
    if isStopping { return .leave }
    guard let wanted else { return .wait }
    isAway = true
    return .open(wanted)
  }

  /// Thread `number` has the device open.
  /// - Parameter patience: how long this device may be silent.
  mutating func opened(_ wake: Int, by number: Int, patience: Nanoseconds) {
    guard number == thread else { return }
    isOpen = true
    if wake == wanted { self.patience = patience }
  }

  /// What a thread does with an open device whose wake is over.
  enum Rest: Equatable {
    case wait
    /// It is wanted again.
    case resume(Int)
    case close
  }

  /// Thread `number` has its device open, and its wake is over.
  mutating func restOrder(for number: Int) -> Rest {
    if number != thread || isStopping || mustClose || sleepMode == .closed { return .close }
    guard let wanted else { return .wait }
    closeDue = nil
    return .resume(wanted)
  }

  /// Thread `number` has stopped the stream of a sleeping sensor, and keeps the device.
  mutating func rested(_ number: Int) {
    if number == thread && !mustClose { closeDue = nil }
  }

  /// The stream of a sleeping sensor runs on: what it gives is dropped.
  mutating func livesOn(_ number: Int, _ now: Moment) {
    if number == thread && isResting { dataDue = now.steady + patience + patience }
  }

  /// The rest return whether the pipeline has something to be told.

  mutating func becameAwake(_ wake: Int, since instant: Instant, _ now: Moment) -> Bool {
    guard wake == wanted, !state.isAwake else { return false }
    state = .awake(since: instant)
    failure = nil
    awakeSince = instant
    tellsAwake = true
    tellsFailed = false
    wakeDue = nil
    dataDue = now.steady + patience + patience
    return true
  }

  mutating func delivered(_ wake: Int, upTo instant: Instant, _ now: Moment) -> Bool {
    guard wake == wanted else { return false }
    delivered = instant
    if state.isAwake { dataDue = now.steady + patience + patience }
    return request.map { instant >= $0 } ?? false
  }

  /// - Parameter number: the thread's; its device may fail while it rests.
  mutating func failed(_ wake: Int, _ error: SensingError, _ now: Moment, by number: Int? = nil) -> Bool {
    guard wake == wanted || isResting && number == thread else { return false }
    return fail(error, now)
  }

  // MARK: Both

  /// Enters a fault; told only where it is another than the sensor has already.
  @discardableResult private mutating func fail(_ error: SensingError, _ now: Moment) -> Bool {
    // A device that worked for long starts anew; one that wakes and fails in turns waits longer each time.
    if case .awake(let since) = state, now.boot - since > limits.longestBackoff { faultsInARow = 0 }
    var backoff = limits.firstBackoff
    for _ in 0..<faultsInARow { backoff = min(backoff + backoff, limits.longestBackoff) }
    faultsInARow = min(faultsInARow + 1, 16)
    retry = now.boot + backoff
    counters.faults += 1
    letGo(now)
    var fault = SensorFault.ioError
    if case .device(let named, _) = error.kind { fault = named }
    if case .failed(fault, _) = state { return false }
    state = .failed(fault, since: now.boot)
    failure = error
    tellsFailed = true
    return true
  }

  /// The device is to be closed: from here on its thread has so long to be back.
  /// - Parameter rests: it stays open instead; a stream that is to be stopped has as long to be so, and one that runs on has to
  ///   go on giving.
  private mutating func letGo(_ now: Moment, rests: Bool = false) {
    wanted = nil
    isResting = rests
    if !rests { mustClose = true }
    request = nil
    delivered = nil
    // A thread that is still opening gets what is left of its time for that.
    let begin = isOpen ? now.steady : max(now.steady, wakeDue ?? now.steady)
    if isAway && closeDue == nil && !(rests && sleepMode == .hot) { closeDue = begin + limits.close }
    wakeDue = nil
    dataDue = rests && sleepMode == .hot ? now.steady + patience + patience : nil
  }
}
