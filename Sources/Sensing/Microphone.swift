import Glibc
import Linux
import Synchronization
import Vocabulary

/// A microphone: a thread that fills a ring while it is awake, and a device that is closed while it is asleep, or rests as its
/// `SleepMode` says.
final class Microphone: Sendable {
  /// Samples taken by one read: 170 ms at 48 kHz.
  private static let chunk = 8_192
  /// Reads after one poll: more than the longest buffer holds, and a bound for a device that never runs dry.
  private static let readsPerPoll = 8
  /// Wakes by an error without data after which the device is given up.
  private static let emptyErrorLimit = 16

  let link: DeviceLink
  let ring: Mutex<SoundRing>
  private let rate: Int
  private let calls: MicrophoneCalls

  init(_ link: DeviceLink, rate: Int, calls: MicrophoneCalls) {
    self.link = link
    self.rate = rate
    self.calls = calls
    ring = Mutex(SoundRing(rate: rate, history: link.configuration.history))
  }

  /// The thread's body: from wake to wake until the rig stops.
  func run() {
    let chunk = UnsafeMutableBufferPointer<Int16>.allocate(capacity: Self.chunk)
    defer { chunk.deallocate() }
    var stillness = Stillness(rate: rate, limit: link.configuration.stuckAfter)
    while var wake = link.awaitWake() {
      stillness.begin()
      do throws(SensingError) {
        try capture(&wake, chunk, &stillness)
      } catch {
        link.fail(wake, error)
      }
    }
  }

  /// Opens the device and takes its sound until it is to be closed, which it is on return.
  /// - Parameter wake: the wake that it works for, which another may have followed.
  private func capture(
    _ wake: inout Int, _ chunk: UnsafeMutableBufferPointer<Int16>, _ stillness: inout Stillness
  ) throws(SensingError) {
    let stream = try open(for: wake)
    guard link.opened(wake, patience: link.limits.patience) else { return }
    ring.withLock { $0.restart() }
    let descriptors = UnsafeMutableBufferPointer<pollfd>.allocate(capacity: stream.descriptorCount + 1)
    defer { descriptors.deallocate() }
    let own = UnsafeMutableBufferPointer(rebasing: descriptors[1...])
    var patience = Patience(link.limits.patience, from: Moment.current.steady)
    var emptyErrors = 0
    var lost = false
    while true {
      if !link.isWanted(wake) {
        switch link.restOrder() {
        case .close: return
        case .resume(let resumed):
          // Its stream has run on.
          wake = resumed
          if ring.withLock({ $0.count }) > 0 { report(wake, isAlive: !stillness.isDoubted) }
        case .wait where link.configuration.sleepMode == .warm:
          try stream.stop()
          guard let resumed = link.awaitResume() else { return }
          wake = resumed
          ring.withLock { $0.restart() }
          stillness.begin()
          lost = false
          try stream.start()
          patience = Patience(link.limits.patience, from: Moment.current.steady)
        case .wait: break
        }
      }
      let now = Moment.current
      if patience.isOver(at: now.steady) {
        let silence = patience.limit.count / 1_000_000
        throw SensingError(link.subject, .device(.wedged, detail: "no sound for \(silence) ms"))
      }
      descriptors[0] = readable(link.order.descriptor.number)
      stream.fill(own)
      let ready = try naming(link.subject) { () throws(LinuxError) in
        try pollUntil((now.boot + (patience.end - now.steady)).sinceBoot, descriptors)
      }
      let isOrdered = ready > 0 && descriptors[0].revents != 0
      if isOrdered { link.order.clear() }
      let hasError = ready > 0 && stream.hasError(in: own)
      let taken = try drain(stream, wake, chunk, &lost, &stillness)
      // Whoever held this thread up for so long is not to be taken for a silent device.
      if lost { patience.overran(at: Moment.current.steady) }
      if taken > 0 {
        patience.renew(at: Moment.current.steady)
        emptyErrors = 0
        link.livesOn()
        // It never runs dry (ALSA's null device, a file): a period's time for a period's sound.
        if taken >= Self.readsPerPoll * stream.samplesPerRead(into: chunk) {
          link.pause(MicrophoneStream.period)
        }
        continue
      }
      if hasError {
        emptyErrors += 1
        if emptyErrors > Self.emptyErrorLimit {
          throw SensingError(link.subject, .device(.ioError, detail: "errors and no sound"))
        }
      }
      if ready > (isOrdered ? 1 : 0) { link.pause(patience.pauseAfterNothing()) }
    }
  }

  /// A card that was plugged in a moment ago is given time to have its group.
  private func open(for wake: Int) throws(SensingError) -> MicrophoneStream {
    do throws(SensingError) {
      return try openAtOnce()
    } catch {
      let patience = NewNode.patience(
        after: error, of: NewNode.soundCards, age: link.limits.nodeAge)
      guard patience > .zero else { throw error }
      link.wait(patience, for: wake)
      return try openAtOnce()
    }
  }

  private func openAtOnce() throws(SensingError) -> MicrophoneStream {
    try MicrophoneStream.open(
      device: link.configuration.device, rate: rate, channel: link.configuration.channel,
      subject: link.subject, calls: calls)
  }

  /// Takes all that is there into the ring; returns how many samples.
  private func drain(
    _ stream: borrowing MicrophoneStream, _ wake: Int, _ chunk: UnsafeMutableBufferPointer<Int16>,
    _ lost: inout Bool, _ stillness: inout Stillness
  ) throws(SensingError) -> Int {
    var taken = 0
    let offset = bootTimeOffsetOfMonotonic()
    for _ in 0..<Self.readsPerPoll {
      switch try stream.read(into: chunk, clockOffset: offset) {
      case .nothing: return taken
      case .overrun:
        lost = true
        link.count { $0.overruns += 1 }
        return taken
      case .samples(let count, let end):
        let samples = UnsafeBufferPointer(rebasing: chunk[0..<count])
        stillness.observe(samples)
        if let fault = stillness.fault(link.subject) { throw fault }
        take(samples, endingAt: end, wake, afterLoss: lost, isAlive: !stillness.isDoubted)
        lost = false
        taken += count
        if count < stream.samplesPerRead(into: chunk) { return taken }
      }
    }
    return taken
  }

  private func take(
    _ samples: UnsafeBufferPointer<Int16>, endingAt end: Instant, _ wake: Int, afterLoss: Bool, isAlive: Bool
  ) {
    let (lost, clock) = ring.withLock { ring in
      (ring.append(samples, endingAt: end, afterLoss: afterLoss), ring.partsPerMillion)
    }
    link.count {
      $0.lostSamples += lost
      $0.clockPartsPerMillion = clock
    }
    report(wake, isAlive: isAlive)
  }

  /// Tells of what is in the ring.
  private func report(_ wake: Int, isAlive: Bool) {
    if !isAlive { return }
    let (start, covered) = ring.withLock { ($0.start, $0.covered) }
    link.report { core, now in
      // A period later than the first sample: its time is moved by the stamps that follow, and a window that is
      // asked for from here on is to find all its samples all the same.
      let awoke = core.becameAwake(wake, since: start + MicrophoneStream.period, now)
      return core.delivered(wake, upTo: covered, now) || awoke
    }
  }
}
