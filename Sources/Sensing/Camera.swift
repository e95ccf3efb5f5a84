import Glibc
import Linux
import Vocabulary

/// A camera: a thread that keeps the newest settled frame in a slot while awake, and a device that is closed while asleep, or
/// rests as its `SleepMode` says.
final class Camera: Sendable {
  /// Damaged frames in a row after which the device is given up.
  private static let corruptLimit = 30

  let link: DeviceLink
  let slot: FrameSlot
  private let wish: CameraChoice.Wish
  private let calls: CameraCalls

  init(_ link: DeviceLink, _ wish: CameraChoice.Wish, calls: CameraCalls) {
    self.link = link
    self.calls = calls
    self.wish = wish
    slot = FrameSlot(channels: wish.channels)
  }

  /// The thread's body: from wake to wake until the rig stops.
  func run() {
    // Kept from wake to wake: a process costs less asleep than to start.
    var decoder: PictureDecoder?
    while var wake = link.awaitWake() {
      do throws(SensingError) {
        try capture(&wake, &decoder)
      } catch {
        link.fail(wake, error)
      }
    }
  }

  /// What a stream has brought since it began.
  private struct Progress {
    var settled = 0
    var sequence: UInt32?
    var corruptInARow = 0
    var patience: Patience
    /// When the frame in the slot was captured.
    var newest: Instant?

    init(_ limit: Nanoseconds) { patience = Patience(limit, from: Moment.current.steady) }
  }

  /// Opens the device and takes its frames until it is to be closed, which it is on return.
  /// - Parameter wake: the wake that it works for, which another may have followed.
  private func capture(_ wake: inout Int, _ decoder: inout PictureDecoder?) throws(SensingError) {
    let path = try CameraPath.find(link.configuration.device, subject: link.subject, calls)
    var stream = try open(path, for: wake)
    try prepare(&decoder, for: stream)
    let limit = max(link.limits.patience, stream.interval + stream.interval)
    guard link.opened(wake, patience: limit) else { return }
    var progress = Progress(limit)
    while true {
      while link.isWanted(wake) {
        guard let frame = try next(of: stream, &progress) else { continue }
        if !settle(&progress) {
          try publish(frame, of: stream, wake, &progress, &decoder)
        }
        try stream.queue(frame.index)
      }
      switch link.configuration.sleepMode {
      case .closed: return
      case .warm:
        if case .close = link.restOrder() { return }
        try stream.stopStreaming()
        guard let resumed = link.awaitResume() else { return }
        wake = resumed
        try stream.startStreaming()
        progress = Progress(limit)
      case .hot: if try !runOn(stream, &wake, &progress, &decoder) { return }
      }
    }
  }

  /// Lets the stream of a sleeping sensor run on: the newest frame stays with us, as it is, and the others go back.
  /// - Returns: false when the device is to be closed. Else the wake that has come has that frame.
  private func runOn(
    _ stream: borrowing CameraStream, _ wake: inout Int, _ progress: inout Progress,
    _ decoder: inout PictureDecoder?
  ) throws(SensingError) -> Bool {
    var held: CameraStream.Frame?
    while true {
      switch link.restOrder() {
      case .close: return false
      case .wait: break
      case .resume(let resumed):
        wake = resumed
        if let held {
          try publish(held, of: stream, wake, &progress, &decoder)
          try stream.queue(held.index)
        } else if let newest = progress.newest {
          report(newest, wake)
        }
        return true
      }
      guard let frame = try next(of: stream, &progress) else { continue }
      link.livesOn()
      var old: CameraStream.Frame? = frame
      if !settle(&progress) {
        progress.corruptInARow = 0
        swap(&old, &held)
      }
      if let old { try stream.queue(old.index) }
    }
  }

  /// A node that was made a moment ago is given time to have its group.
  private func open(_ path: String, for wake: Int) throws(SensingError) -> CameraStream {
    do throws(SensingError) {
      return try openAtOnce(path)
    } catch {
      let patience = NewNode.patience(after: error, of: [path], age: link.limits.nodeAge)
      guard patience > .zero else { throw error }
      link.wait(patience, for: wake)
      return try openAtOnce(path)
    }
  }

  private func openAtOnce(_ path: String) throws(SensingError) -> CameraStream {
    try CameraStream.open(
      path: path, wish, settings: link.configuration.cameraSettings, subject: link.subject, calls: calls)
  }

  /// Has a process ready for what this stream sends, if that needs one.
  private func prepare(
    _ decoder: inout PictureDecoder?, for stream: borrowing CameraStream
  ) throws(SensingError) {
    guard case .jpeg(let shape) = stream.encoding else {
      decoder = nil
      return
    }
    let bytes = stream.largestFrame
    if decoder?.shape == shape && decoder?.capacity ?? 0 >= min(bytes, PictureDecoder.largestPicture) {
      return
    }
    decoder = nil
    decoder = try PictureDecoder.start(shape, capacity: bytes, program: calls.decoder, subject: link.subject)
  }

  /// Waits for a frame, an order or the end of patience.
  /// - Returns: a whole frame, to be given back; nil where there is none (yet).
  private func next(
    of stream: borrowing CameraStream, _ progress: inout Progress
  ) throws(SensingError) -> CameraStream.Frame? {
    let now = Moment.current
    if progress.patience.isOver(at: now.steady) {
      let silence = progress.patience.limit.count / 1_000_000
      throw SensingError(link.subject, .device(.wedged, detail: "no frame for \(silence) ms"))
    }
    let (ordered, ready) = try wait(
      for: stream.descriptor, until: now.boot + (progress.patience.end - now.steady))
    if ordered { link.order.clear() }
    // One frame for one poll: more that are ready end the next poll at once, and a driver that blocks where it
    // should not is never asked for a frame that is not there.
    if !ready { return nil }
    switch try stream.dequeue(clockOffset: bootTimeOffsetOfMonotonic()) {
    case .nothing:
      link.pause(progress.patience.pauseAfterNothing())
      return nil
    case .damaged:
      try countDamage(&progress)
      return nil
    case .frame(let frame):
      progress.patience.renew(at: Moment.current.steady)
      if let last = progress.sequence {
        let skipped = Int(frame.sequence &- last) - 1
        // A driver that does not count, or starts anew, skips nothing that can be known.
        if skipped > 0 && skipped < 1_000 { link.count { $0.framesDropped += skipped } }
      }
      progress.sequence = frame.sequence
      if frame.isCorrupt {
        try countDamage(&progress)
        try stream.queue(frame.index)
        return nil
      }
      return frame
    }
  }

  /// Whether a whole frame is one of those that are thrown away while the camera settles.
  private func settle(_ progress: inout Progress) -> Bool {
    guard progress.settled < link.configuration.settlingFrames else { return false }
    progress.corruptInARow = 0
    progress.settled += 1
    link.count { $0.framesSettling += 1 }
    return true
  }

  /// Blocks in poll on the device and the pipeline's orders.
  private func wait(for device: Int32, until deadline: Instant) throws(SensingError) -> (Bool, Bool) {
    try withTemporaryMemory(of: pollfd.self, capacity: 2) { (pair) throws(SensingError) in
      pair.initializeElement(at: 0, to: readable(link.order.descriptor.number))
      pair.initializeElement(at: 1, to: readable(device))
      _ = try naming(link.subject) { () throws(LinuxError) in try pollUntil(deadline.sinceBoot, pair) }
      return (pair[0].revents != 0, pair[1].revents != 0)
    }
  }

  /// Makes a frame the newest, and tells of it.
  private func publish(
    _ frame: CameraStream.Frame, of stream: borrowing CameraStream, _ wake: Int, _ progress: inout Progress,
    _ decoder: inout PictureDecoder?
  ) throws(SensingError) {
    switch stream.encoding {
    case .raw(let layout): slot.publish(stream.bytes(of: frame), layout, captured: frame.captured)
    case .jpeg(let shape):
      let isWhole = try decoder?.decode(stream.bytes(of: frame), order: link.order.descriptor.number) {
        link.order.clear()
        return link.isWanted(wake)
      }
      // One that does not decode is damaged, and no answer is made of it.
      guard isWhole == true, let pixels = decoder?.pixels else {
        return link.isWanted(wake) ? try countDamage(&progress) : ()
      }
      slot.publish(pixels, shape.layout, captured: frame.captured)
    }
    progress.corruptInARow = 0
    progress.newest = frame.captured
    report(frame.captured, wake)
  }

  private func report(_ captured: Instant, _ wake: Int) {
    link.report { core, now in
      let awoke = core.becameAwake(wake, since: captured, now)
      return core.delivered(wake, upTo: captured, now) || awoke
    }
  }

  private func countDamage(_ progress: inout Progress) throws(SensingError) {
    link.count { $0.framesCorrupt += 1 }
    progress.corruptInARow += 1
    if progress.corruptInARow >= Self.corruptLimit {
      throw SensingError(
        link.subject, .device(.ioError, detail: "\(Self.corruptLimit) damaged frames in a row"))
    }
  }
}
