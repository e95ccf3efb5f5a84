import Glibc
import Linux
import Sensing
import Vocabulary

/// What came of one sensor of a recording.
package struct RecordedTrack: Equatable, Sendable {
  package var name: String
  /// In the recording's folder.
  package var file: String
  package var isSound: Bool
  /// Samples or frames in the file.
  package var count = 0
  /// Of them, samples that were lost and are zeros, or frames that stand in for one that did not come.
  package var missing = 0
}

/// One sensor's file while it is written.
protocol RecordedTake: AnyObject {
  var track: RecordedTrack { get }
  /// From when on it has data.
  var start: Instant { get }
  var end: Instant { get }
  var isWhole: Bool { get }
  /// Asks for the first data.
  func begin(at start: Instant)
  /// What was asked for is there: writes it and asks for the next.
  func takeNext() throws
  /// Writes what stands in for what did not come.
  func fill(upTo end: Instant) throws
  func close() throws
}

/// A sound, taken in blocks that begin a whole number of blocks after the sensor's first sample, so that none is taken twice or
/// left out however its clock is fitted.
final class SoundTake<Rig: SensorRig>: RecordedTake {
  /// A quarter of a second.
  private static var blocksPerSecond: Int { 4 }

  private let rig: Rig
  private let sensor: Int
  private let rate: Int
  private let length: Nanoseconds
  private var writer: WAVWriter
  private let block: UnsafeMutableBufferPointer<Int16>
  private(set) var track: RecordedTrack
  /// The block to be taken next, and when it begins.
  private var number = 0
  private(set) var start: Instant
  private(set) var end = Instant.zero
  private var next: Instant
  /// Samples before the recording's begin.
  private var early = 0
  private let total: Int

  init(
    _ rig: Rig, _ sensor: Int, _ directory: String, rate: Int, _ length: Nanoseconds
  ) throws(LinuxError) {
    let name = rig.configurations[sensor].name
    self.rig = rig
    self.sensor = sensor
    self.rate = rate
    self.length = length
    track = RecordedTrack(name: name, file: "\(name).wav", isSound: true)
    writer = try WAVWriter(path: RecordingDescription.path(of: track.file, in: directory), rate: rate)
    block = .allocate(capacity: max(1, rate / Self.blocksPerSecond))
    total = Int(length.count / 1_000) * rate / 1_000_000
    let newest = rig.copySound(sensor, endingAt: rig.now, every: block.count, into: block)
    number = (newest.position?.first ?? 0) / block.count + 1
    start = newest.end
    next = newest.end
  }

  deinit { block.deallocate() }

  private var blockTime: Nanoseconds { Nanoseconds(Int64(block.count) * 1_000_000_000 / Int64(rate)) }
  /// In the midst of the block behind the one wanted: as much as the clock may be moved by meanwhile.
  private var wanted: Instant { next + blockTime + Nanoseconds(blockTime.count / 2) }
  var isWhole: Bool { track.count >= total }

  func begin(at start: Instant) {
    early = Int((start - self.start).count / 1_000) * rate / 1_000_000
    end = start + length
    self.start = start
    rig.requestSound(sensor, until: wanted)
  }

  func takeNext() throws {
    let extract = rig.copySound(sensor, endingAt: wanted, every: block.count, into: block)
    let found = extract.position.map { $0.first / block.count } ?? number
    // Lost sound: its samples are counted as those that came.
    while number < found && !isWhole {
      try write(zeros: block.count)
      number += 1
    }
    if found >= number {
      try write(UnsafeBufferPointer(block), missing: extract.missing)
      number = found + 1
      next = extract.end
    }
    if !isWhole { rig.requestSound(sensor, until: wanted) }
  }

  func fill(upTo end: Instant) throws {
    let due = min(total, Int(max(0, (end - start).count) / 1_000) * rate / 1_000_000)
    while track.count < due { try write(zeros: min(block.count, due - track.count)) }
  }

  private func write(zeros count: Int) throws(LinuxError) {
    block.update(repeating: 0)
    try write(UnsafeBufferPointer(rebasing: block[..<count]), missing: count)
  }

  private func write(_ samples: UnsafeBufferPointer<Int16>, missing: Int) throws(LinuxError) {
    let passed = min(early, samples.count)
    early -= passed
    let count = min(samples.count - passed, total - track.count)
    try writer.append(UnsafeBufferPointer(rebasing: samples[passed..<passed + count]))
    track.count += count
    track.missing += min(missing, count)
  }

  func close() throws { try writer.finish() }
}

/// Pictures at the rate of the configuration: each is the newest at its time.
final class PictureTake<Rig: SensorRig>: RecordedTake {
  private let rig: Rig
  private let sensor: Int
  private let path: String
  private let rate: FrameRate
  private let length: Nanoseconds
  /// Made with the first picture, whose size is the file's.
  private var writer: Y4MWriter?
  private(set) var track: RecordedTrack
  private(set) var start: Instant
  private(set) var end = Instant.zero
  private var taken = 0
  private let total: Int

  init(_ rig: Rig, _ sensor: Int, _ directory: String, rate: FrameRate, _ length: Nanoseconds) {
    let name = rig.configurations[sensor].name
    self.rig = rig
    self.sensor = sensor
    self.rate = rate
    self.length = length
    track = RecordedTrack(name: name, file: "\(name).y4m", isSound: false)
    path = RecordingDescription.path(of: track.file, in: directory)
    total = rate.framesCaptured(by: length - Nanoseconds(1))
    start = rig.now
  }

  var isWhole: Bool { track.count >= total }

  func begin(at start: Instant) {
    self.start = start
    end = start + length
    rig.requestFrame(sensor, notBefore: start - rate.interval)
  }

  func takeNext() throws {
    var refusal: LinuxError?
    let captured = rig.withFrame(sensor) { pixels, captured in
      do throws(LinuxError) {
        try take(pixels, captured)
      } catch {
        refusal = error
      }
      return captured
    }
    if let refusal { throw refusal }
    if !isWhole { rig.requestFrame(sensor, notBefore: (captured ?? rig.now) + Nanoseconds(1)) }
  }

  private func take(_ picture: PixelView, _ captured: Instant) throws(LinuxError) {
    if writer == nil {
      writer = try Y4MWriter(path: path, like: picture, rate: rate)
    } else {
      // Frames up to it show what was there before.
      try write(upTo: rate.firstFrame(notBefore: captured - start))
    }
    if writer?.take(picture) == true { taken += 1 }
  }

  func fill(upTo end: Instant) throws { try write(upTo: rate.firstFrame(notBefore: end - start)) }

  private func write(upTo frame: Int) throws(LinuxError) {
    let count = min(frame, total) - track.count
    guard count > 0, writer != nil else { return }
    try writer?.write(times: count)
    track.count += count
    track.missing += taken > 0 ? count - 1 : count
    taken = 0
  }

  func close() throws {}
}
