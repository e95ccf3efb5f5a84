import Glibc
import Linux
import Vocabulary

/// A camera: a thread that keeps the newest settled frame in a slot while awake, and a closed device while asleep.
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
    while let wake = link.awaitWake() {
      do throws(SensingError) {
        try capture(wake, &decoder)
      } catch {
        link.fail(wake, error)
      }
    }
  }

  /// What one wake has brought so far.
  private struct Progress {
    var settled = 0
    var sequence: UInt32?
    var corruptInARow = 0
  }

  /// Opens the device and takes its frames until this wake is over; the device is closed on return.
  private func capture(_ wake: Int, _ decoder: inout PictureDecoder?) throws(SensingError) {
    let path = try CameraPath.find(link.configuration.device, subject: link.subject, calls)
    let stream = try open(path, for: wake)
    try prepare(&decoder, for: stream)
    let limit = max(link.limits.patience, stream.interval + stream.interval)
    guard link.opened(wake, patience: limit) else { return }
    var patience = Patience(limit, from: Moment.current.steady)
    var progress = Progress()
    while link.isWanted(wake) {
      let now = Moment.current
      if patience.isOver(at: now.steady) {
        throw SensingError(
          link.subject, .device(.wedged, detail: "no frame for \(limit.count / 1_000_000) ms"))
      }
      let (ordered, ready) = try wait(
        for: stream.descriptor, until: now.boot + (patience.end - now.steady))
      if ordered { link.order.clear() }
      // One frame for one poll: more that are ready end the next poll at once, and a driver that blocks where it
      // should not is never asked for a frame that is not there.
      if !ready { continue }
      switch try stream.dequeue(clockOffset: bootTimeOffsetOfMonotonic()) {
      case .nothing: link.pause(patience.pauseAfterNothing())
      case .damaged: try countDamage(&progress)
      case .frame(let frame):
        patience.renew(at: Moment.current.steady)
        try take(frame, of: stream, wake, &progress, &decoder)
        try stream.queue(frame.index)
      }
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

  /// Blocks in poll on the device and the pipeline's orders.
  private func wait(for device: Int32, until deadline: Instant) throws(SensingError) -> (Bool, Bool) {
    try withTemporaryMemory(of: pollfd.self, capacity: 2) { (pair) throws(SensingError) in
      pair.initializeElement(at: 0, to: readable(link.order.descriptor.number))
      pair.initializeElement(at: 1, to: readable(device))
      _ = try naming(link.subject) { () throws(LinuxError) in try pollUntil(deadline.sinceBoot, pair) }
      return (pair[0].revents != 0, pair[1].revents != 0)
    }
  }

  private func take(
    _ frame: CameraStream.Frame, of stream: borrowing CameraStream, _ wake: Int, _ progress: inout Progress,
    _ decoder: inout PictureDecoder?
  ) throws(SensingError) {
    if let last = progress.sequence {
      let skipped = Int(frame.sequence &- last) - 1
      // A driver that does not count, or starts anew, skips nothing that can be known.
      if skipped > 0 && skipped < 1_000 { link.count { $0.framesDropped += skipped } }
    }
    progress.sequence = frame.sequence
    if frame.isCorrupt { return try countDamage(&progress) }
    if progress.settled < link.configuration.settlingFrames {
      progress.corruptInARow = 0
      progress.settled += 1
      link.count { $0.framesSettling += 1 }
      return
    }
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
    link.report { core, now in
      let awoke = core.becameAwake(wake, since: frame.captured, now)
      return core.delivered(wake, upTo: frame.captured, now) || awoke
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
