import Vocabulary

/// One sensor's part of a recording, on the replay's clock: file time repeated every `loop` (nil: played once).
enum ReplayTrack {
  case sound(SoundTrack)
  case image(ImageTrack)
  /// The recording has nothing for this sensor.
  case absent
}

/// Recorded sound. Samples are numbered through all rounds of a loop.
final class SoundTrack {
  private let reader: WAVReader
  let rate: SampleRate
  var loop: Nanoseconds?

  init(_ reader: consuming WAVReader, clockPPM: Int = 0) {
    rate = SampleRate(perSecond: reader.rate, partsPerMillion: clockPPM)
    self.reader = reader
  }

  /// Of one round.
  var duration: Nanoseconds { rate.duration(of: reader.count) }

  /// Copies samples from number `start` (not negative) on; those after the file's end are 0.
  /// - Returns: how many were not in the file.
  func copy(from start: Int, into buffer: UnsafeMutableBufferPointer<Int16>) throws(SensingError) -> Int {
    var missing = 0
    var done = 0
    while done < buffer.count {
      let (first, next) = round(of: start + done)
      let n = min(buffer.count - done, next - (start + done))
      let part = UnsafeMutableBufferPointer(rebasing: buffer[done..<done + n])
      let read = try reader.read(from: start + done - first, into: part)
      for i in read..<n { part[i] = 0 }
      missing += n - read
      done += n
    }
    return missing
  }

  /// The numbers of the first sample of the round that sample `number` is in, and of the next round's.
  private func round(of number: Int) -> (first: Int, next: Int) {
    guard let loop else { return (0, .max) }
    var index = rate.duration(of: number).count / loop.count
    // The division rounds; a sample on the border may belong to the neighbour.
    while index > 0 && start(ofRound: index, loop) > number { index -= 1 }
    while start(ofRound: index + 1, loop) <= number { index += 1 }
    return (start(ofRound: index, loop), start(ofRound: index + 1, loop))
  }

  private func start(ofRound index: Int64, _ loop: Nanoseconds) -> Int {
    rate.samples(in: Nanoseconds(index * loop.count))
  }
}

/// Recorded pictures. Frames are numbered through all rounds of a loop.
final class ImageTrack {
  private let source: any FrameSource
  let channels: Int
  var loop: Nanoseconds? {
    didSet {
      guard let loop else { return }
      framesPerRound = min(source.count, source.frameRate.firstFrame(notBefore: loop))
    }
  }
  private var framesPerRound: Int
  /// The frame in `pixels`; read when it is first looked at.
  private var loaded: Int?
  private let pixels: UnsafeMutableBufferPointer<UInt8>

  init(_ source: any FrameSource, channels: Int) {
    self.source = source
    self.channels = channels
    framesPerRound = source.count
    pixels = .allocate(capacity: source.width * source.height * channels)
    pixels.initialize(repeating: 0)
  }

  deinit { pixels.deallocate() }

  var remark: String? { source.remark }

  /// Of one round; the last frame stands as long as the others.
  var duration: Nanoseconds { source.frameRate.time(ofFrame: source.count) }

  func time(ofFrame number: Int) -> Instant {
    guard let loop else { return .zero + source.frameRate.time(ofFrame: number) }
    let (round, index) = number.quotientAndRemainder(dividingBy: framesPerRound)
    return .zero + Nanoseconds(Int64(round) * loop.count) + source.frameRate.time(ofFrame: index)
  }

  /// The first frame at `instant` or later; nil when there is none.
  func firstFrame(notBefore instant: Instant) -> Int? {
    let (round, rest) = split(instant)
    let index = source.frameRate.firstFrame(notBefore: rest)
    if index < framesPerRound { return round * framesPerRound + index }
    return loop == nil ? nil : (round + 1) * framesPerRound
  }

  /// The newest frame captured by `instant`.
  func newestFrame(by instant: Instant) -> Int {
    let (round, rest) = split(instant)
    return round * framesPerRound + min(source.frameRate.framesCaptured(by: rest), framesPerRound) - 1
  }

  /// Whether frame `number` is in the recording.
  func holds(_ number: Int) -> Bool { loop != nil || number < framesPerRound }

  /// Damaged frames that one look steps back over: as many in a row as a camera may give before it is given up.
  private static let damagedInARow = 30

  /// Passes frame `number` with its own number; where it cannot be read, the newest one before it that can, not older
  /// than `first`, as a camera whose frame came damaged still has the one before.
  /// - Parameter damaged: called with the error of each frame that is stepped over.
  /// - Throws: the newest frame's error when there is none that can be read.
  func withPixels<R>(
    ofFrame number: Int, notBefore first: Int, damaged: (SensingError) -> Void, _ body: (Int, PixelView) -> R
  ) throws(SensingError) -> R {
    var used = number
    var failure: SensingError?
    while loaded != used {
      loaded = nil
      do throws(SensingError) {
        try source.read(used % framesPerRound, channels: channels, into: pixels)
        loaded = used
      } catch {
        damaged(error)
        let newest = failure ?? error
        failure = newest
        used -= 1
        if used < max(first, 0) || number - used >= Self.damagedInARow { throw newest }
      }
    }
    let view = PixelView(
      base: UnsafePointer(pixels.baseAddress!), width: source.width, height: source.height, channels: channels
    )
    return body(used, view)
  }

  private func split(_ instant: Instant) -> (round: Int, rest: Nanoseconds) {
    guard let loop else { return (0, instant - .zero) }
    let (round, rest) = instant.sinceBoot.quotientAndRemainder(dividingBy: loop.count)
    return (Int(round), Nanoseconds(rest))
  }
}
