import Linux
import Vocabulary

/// A recording instead of devices, on a virtual clock that starts at 0 and moves in `next` only.
///
/// The same recording, sensors and calls give the same events, whatever the machine and the pace: a real-time
/// pace delays the events and changes nothing else. Files are read where and when asked, never as a whole.
package final class ReplayRig: SensorRig {
  package enum Pace {
    case asFastAsPossible
    /// Events come when their time has come on this clock, counted from `start`; lateness does not add up.
    case realTime(any PacingClock)
  }

  package let configurations: [SensorConfiguration]
  package let bell: Bell
  package private(set) var now = Instant.zero
  /// Of the longest track; a loop's period.
  package let duration: Nanoseconds
  private var sensors: [ReplaySensor]
  private let pace: Pace
  private let loops: Bool
  private let report: (String) -> Void
  private var origin = Instant.zero
  private var over = false

  /// Opens and checks the recording's files.
  /// - Parameters:
  ///   - directory: what the recording's relative paths count from.
  ///   - sensors: matched with the recording's entries by name; one without an entry fails as absent when woken.
  ///   - loops: begin again at the end, for ever.
  ///   - report: takes a line for people: a file that is not whole, a picture that cannot be read. Each file once.
  /// - Throws: the first file that cannot be used, sound of another rate included, or a recording of no sensor.
  package init(
    _ recording: RecordingDescription, in directory: String = "", sensors: [SensorConfiguration],
    pace: Pace = .asFastAsPossible, loops: Bool = false, report: @escaping (String) -> Void = { _ in }
  ) throws(SensingError) {
    let subject = "recording \(recording.name)"
    try SensorConfiguration.check(sensors)
    bell = try naming(subject) { () throws(LinuxError) in try Bell() }
    configurations = sensors
    self.pace = pace
    self.loops = loops
    self.report = report
    var tracks: [ReplaySensor] = []
    var longest = Nanoseconds.zero
    for sensor in sensors {
      let entry = recording.sensors.first { $0.name.hasSameBytes(as: sensor.name) }
      let track = try entry.map { (entry) throws(SensingError) in
        try Self.open(entry, in: directory, for: sensor)
      }
      tracks.append(ReplaySensor(configuration: sensor, track: track ?? .absent))
      longest = max(longest, tracks[tracks.count - 1].duration)
      if case .image(let images)? = track, let remark = images.remark { report(remark) }
    }
    if longest == .zero {
      let names = sensors.map(\.name).joined(separator: ", ")
      throw SensingError(subject, .configuration("it has none of the sensors \(names)"))
    }
    duration = longest
    self.sensors = tracks
    for i in tracks.indices { self.sensors[i].place(in: longest, loops: loops) }
  }

  private static func open(
    _ entry: RecordingDescription.Entry, in directory: String, for sensor: SensorConfiguration
  ) throws(SensingError) -> ReplayTrack {
    let path = RecordingDescription.path(of: entry.file, in: directory)
    switch (entry.kind, sensor.kind) {
    case (.sound, .sound(let rate)):
      return .sound(SoundTrack(try WAVReader(path: path, expecting: rate), clockPPM: entry.clockPPM))
    case (.image, .image(_, _, let channels, _)):
      if let rate = entry.frameRate {
        return .image(ImageTrack(try StillSequence(directory: path, frameRate: rate), channels: channels))
      }
      return .image(ImageTrack(try Y4MReader(path: path), channels: channels))
    case (.sound, .image), (.image, .sound):
      throw SensingError(
        path, .configuration("\(entry.kind.rawValue) recorded for \(entry.name), which is not that"))
    }
  }

  package func start() {
    if case .realTime(let clock) = pace { origin = clock.now }
  }

  @discardableResult package func stop() -> [String] {
    for i in sensors.indices { sensors[i].sleep() }
    return []
  }

  package func state(of sensor: Int) -> SensorState { sensors[sensor].state }
  package func failure(of sensor: Int) -> SensingError? { sensors[sensor].failure }
  package func counters(of sensor: Int) -> SensorCounters { sensors[sensor].counters }

  /// A fault of a recording is final: a failed sensor stays failed.
  @discardableResult package func wake(_ sensor: Int) -> SensorState {
    sensors[sensor].wake(now: now)
    return sensors[sensor].state
  }

  package func sleep(_ sensor: Int) { sensors[sensor].sleep() }

  package func requestSound(_ sensor: Int, until end: Instant) { sensors[sensor].ask(end) }
  package func requestFrame(_ sensor: Int, notBefore earliest: Instant) { sensors[sensor].ask(earliest) }

  package func requestClosed(_ sensor: Int) { sensors[sensor].askClosed() }

  package func rest() {
    guard case .realTime(let clock) = pace else {
      let clock = BootClock()
      _ = clock.wait(until: clock.now + .seconds(60), orFor: bell)
      return
    }
    let before = clock.now
    _ = clock.wait(until: before + .seconds(60), orFor: bell)
    origin = origin + (clock.now - before)
  }

  package func next(until deadline: Instant?) -> SensorEvent {
    if bell.clear() { return .interrupted }
    for sensor in sensors.indices where sensors[sensor].tellsClosed {
      sensors[sensor].tellClosed()
      return .closed(sensor: sensor)
    }
    let upcoming = soonest(deadline)
    if case .realTime(let clock) = pace {
      let due = upcoming.map { origin + ($0.when - .zero) }
      if clock.wait(until: due, orFor: bell) { return .interrupted }
    }
    guard let upcoming else {
      // A loop in which nothing was asked for: only another thread can end the wait.
      while !BootClock().wait(until: nil, orFor: bell) {}
      return .interrupted
    }
    now = upcoming.when
    return take(upcoming)
  }

  package func copySound(
    _ sensor: Int, endingAt end: Instant, every hop: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract {
    guard case .sound(let track) = sensors[sensor].track else {
      preconditionFailure("sensor \(sensor) has no sound")
    }
    sensors[sensor].readStamps(of: track, now: now)
    let last = sensors[sensor].onGrid(
      sensors[sensor].number(at: end, of: track), length: buffer.count, hop)
    let audible = sensors[sensor].audible(track.rate, now: now)
    let there = audible.clamped(to: last - buffer.count..<last)
    var missing = buffer.count
    if !there.isEmpty {
      let part = there.lowerBound - (last - buffer.count)..<there.upperBound - (last - buffer.count)
      buffer[..<part.lowerBound].update(repeating: 0)
      buffer[part.upperBound...].update(repeating: 0)
      do throws(SensingError) {
        let samples = UnsafeMutableBufferPointer(rebasing: buffer[part])
        missing = buffer.count - part.count + (try track.copy(from: there.lowerBound, into: samples))
      } catch { sensors[sensor].recordFault(error) }
    }
    if missing == buffer.count { buffer.update(repeating: 0) }
    return SoundExtract(
      missing: missing, end: last < 0 ? end : sensors[sensor].end(of: last, of: track),
      position: sensors[sensor].position(ofSample: last - buffer.count))
  }

  package func withFrame<R>(
    _ sensor: Int, _ body: (_ pixels: PixelView, _ captured: Instant) -> R
  ) -> R? {
    guard case .image(let track) = sensors[sensor].track,
      let frame = sensors[sensor].visible(track, now: now)
    else { return nil }
    do throws(SensingError) {
      return try track.withPixels(
        ofFrame: frame.newest, notBefore: frame.first,
        damaged: { error in
          if sensors[sensor].countDamaged(error) { report("\(error); it is stepped over") }
        },
        { used, pixels in body(pixels, track.time(ofFrame: used)) })
    } catch {
      sensors[sensor].recordFault(error)
      return nil
    }
  }
}

/// The order of events. Of one moment: faults and awakenings, sound, frames, ends of tracks, the end, the deadline.
extension ReplayRig {
  private struct Upcoming {
    enum What { case fault, awake, sound, frame, trackEnd, end, deadline }
    var when: Instant
    var what: What
    var sensor = 0
  }

  /// The first of the soonest.
  private struct Soonest {
    var upcoming: Upcoming?

    mutating func consider(_ when: Instant?, _ what: Upcoming.What, _ sensor: Int = 0) {
      guard let when else { return }
      if let upcoming, upcoming.when <= when { return }
      upcoming = Upcoming(when: when, what: what, sensor: sensor)
    }
  }

  private func soonest(_ deadline: Instant?) -> Upcoming? {
    if over { return Upcoming(when: now, what: .end) }
    var soonest = Soonest()
    for i in sensors.indices { soonest.consider(sensors[i].nextFault(now: now), .fault, i) }
    for i in sensors.indices { soonest.consider(sensors[i].nextAwake(now: now), .awake, i) }
    for i in sensors.indices { soonest.consider(sensors[i].nextSound(now: now), .sound, i) }
    for i in sensors.indices { soonest.consider(sensors[i].nextFrame(now: now), .frame, i) }
    for i in sensors.indices { soonest.consider(sensors[i].nextEnd(now: now), .trackEnd, i) }
    if !loops { soonest.consider(.zero + duration, .end) }
    soonest.consider(deadline.map { max($0, now) }, .deadline)
    return soonest.upcoming
  }

  private func take(_ upcoming: Upcoming) -> SensorEvent {
    let sensor = upcoming.sensor
    switch upcoming.what {
    case .fault, .trackEnd:
      sensors[sensor].fail(at: now)
      return .state(sensor: sensor, sensors[sensor].state)
    case .awake:
      sensors[sensor].becomeAwake(at: now)
      return .state(sensor: sensor, sensors[sensor].state)
    case .sound: return .sound(sensor: sensor, until: sensors[sensor].answerSound(now: now))
    case .frame: return .frame(sensor: sensor, captured: sensors[sensor].answerFrame(now: now))
    case .end:
      over = true
      return .ended
    case .deadline: return .deadline
    }
  }
}
