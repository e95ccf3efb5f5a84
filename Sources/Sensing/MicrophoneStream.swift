import CALSA
import Glibc
import Linux
import Vocabulary

/// An open ALSA capture stream: one channel of 16-bit samples at the rate asked for, non-blocking. A device that has another rate,
/// format or number of channels is opened through ALSA's `plug`, which converts.
/// Source: https://www.alsa-project.org/alsa-doc/alsa-lib/pcm.html
struct MicrophoneStream: ~Copyable {
  /// How long a period is asked to be: what a wake of the thread brings. 50 wakes a second cost 0.3 % of a core.
  static let period = Nanoseconds.milliseconds(20)
  /// How long the thread may be held up before sound is lost.
  static let buffer = Nanoseconds.milliseconds(500)

  private let pcm: OpaquePointer
  private let calls: MicrophoneCalls
  private let subject: String
  let rate: Int
  /// Interleaved channels as they are read, and which of them is kept.
  private let channels: Int
  private let kept: Int

  private init(
    owning pcm: OpaquePointer, _ calls: MicrophoneCalls, rate: Int, _ channel: SoundChannel, subject: String
  ) {
    self.pcm = pcm
    self.calls = calls
    self.rate = rate
    self.subject = subject
    channels = Self.count(for: channel)
    kept = if case .one(let number) = channel { number - 1 } else { 0 }
  }

  /// Channels to ask for. Of one, `plug` makes the mean of all; of more, it leaves each in its place.
  private static func count(for channel: SoundChannel) -> Int {
    if case .one(let number) = channel { max(2, number) } else { 1 }
  }

  /// Opens the device and starts it.
  static func open(
    device: String, rate: Int, channel: SoundChannel = .mixed, subject: String, calls: MicrophoneCalls
  ) throws(SensingError) -> MicrophoneStream {
    let refusal: SensingError
    do throws(SensingError) {
      return try openAsNamed(device, rate, channel, subject, calls)
    } catch {
      guard case .device(.formatRefused, _) = error.kind, let converting = Self.converting(device) else {
        throw error
      }
      refusal = error
      converted: do throws(SensingError) {
        return try openAsNamed(converting, rate, channel, subject, calls)
      } catch {
        // What the device itself lacks tells more than what its conversion does; that it is held or gone tells most.
        if case .device(.formatRefused, _) = error.kind { break converted }
        if case .device(.absent, _) = error.kind { break converted }
        throw error
      }
    }
    throw refusal
  }

  /// The name of the device behind ALSA's conversion; nil where its name cannot be quoted.
  private static func converting(_ device: String) -> String? {
    device.utf8.contains { $0 == 0x27 || $0 == 0x22 || $0 == 0x5C } ? nil : "plug:SLAVE='\(device)'"
  }

  private static func openAsNamed(
    _ device: String, _ rate: Int, _ channel: SoundChannel, _ subject: String, _ calls: MicrophoneCalls
  ) throws(SensingError) -> MicrophoneStream {
    var pcm: OpaquePointer?
    let code = calls.open(device, &pcm)
    guard code == 0, let pcm else {
      throw SensingError(subject, call: "snd_pcm_open", errno: -code, inUse: false)
    }
    let stream = MicrophoneStream(owning: pcm, calls, rate: rate, channel, subject: subject)
    switch calls.configure(pcm, rate, stream.channels) {
    case .accepted: break
    case .lacks(let what): throw SensingError(subject, .device(.formatRefused, detail: "not \(what)"))
    case .error(let call, let code): try stream.check(call, code)
    }
    try stream.start()
    return stream
  }

  deinit { calls.close(pcm) }

  private func check(_ call: String, _ code: Int32) throws(SensingError) {
    if code < 0 { throw SensingError(subject, call: call, errno: -code, inUse: true) }
  }

  // MARK: Running

  /// Starts it, after `open` or `stop`.
  func start() throws(SensingError) { try check("snd_pcm_start", calls.start(pcm)) }

  /// Ends the stream; the device stays open as it was configured.
  func stop() throws(SensingError) { try check("snd_pcm_drop", calls.stop(pcm)) }

  var descriptorCount: Int { max(0, Int(calls.descriptorCount(pcm))) }

  /// The most that one read gives.
  func samplesPerRead(into buffer: UnsafeMutableBufferPointer<Int16>) -> Int { buffer.count / channels }

  func fill(_ descriptors: UnsafeMutableBufferPointer<pollfd>) {
    calls.fill(pcm, descriptors)
  }

  /// Lets the plugins look at what poll found (some must read a timer of their own). True on an error or a hang-up.
  func hasError(in descriptors: UnsafeMutableBufferPointer<pollfd>) -> Bool {
    var events: UInt16 = 0
    let code = calls.events(pcm, descriptors, &events)
    return code < 0 || events & UInt16(POLLERR | POLLHUP | POLLNVAL) != 0
  }

  /// What one try to read gave.
  enum Chunk {
    /// So many samples, the last of which ended at the instant.
    case samples(Int, end: Instant)
    case nothing
    /// Sound was lost; the stream runs again.
    case overrun
  }

  /// Takes samples that are there into the buffer, where those of the kept channel then stand one after another.
  /// - Throws: when the stream is of no more use.
  func read(
    into buffer: UnsafeMutableBufferPointer<Int16>, clockOffset: Int64
  ) throws(SensingError) -> Chunk {
    // Some plugins tell of an overrun by their state alone and answer 0 samples for ever.
    switch calls.state(pcm) {
    case SND_PCM_STATE_DISCONNECTED:
      throw SensingError(subject, .device(.unplugged, detail: "disconnected"))
    case SND_PCM_STATE_XRUN: return try recover(-EPIPE)
    case SND_PCM_STATE_SUSPENDED: return try recover(-ESTRPIPE)
    default: break
    }
    let available = calls.available(pcm)
    if available < 0 { return try recover(Int32(available)) }
    if available == 0 { return .nothing }
    var stamped = snd_pcm_uframes_t(available)
    var stamp = snd_htimestamp_t()
    if calls.timestamp(pcm, &stamped, &stamp) < 0 { stamp = snd_htimestamp_t() }
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    let room = buffer.count / channels
    let count = calls.read(pcm, buffer.baseAddress, min(available, room))
    if count == -Int(EAGAIN) || count == 0 { return .nothing }
    if count < 0 { return try recover(Int32(count)) }
    guard count <= room else {
      throw SensingError(subject, .device(.ioError, detail: "the driver gave \(count) samples of \(room)"))
    }
    if channels > 1 {
      for i in 0..<count { buffer[i] = buffer[i * channels + kept] }
    }
    let monotonic = Int64(stamp.tv_sec) &* 1_000_000_000 &+ Int64(stamp.tv_nsec)
    let end = bootTime(ofStamp: monotonic, offset: clockOffset, now: now)
    // The stamp is that of the newest sample there; fewer may have been taken.
    let behind = SampleRate(perSecond: rate).duration(
      of: max(0, min(Int(clamping: stamped), 60 * rate) - count))
    return .samples(count, end: end - behind)
  }

  private func recover(_ code: Int32) throws(SensingError) -> Chunk {
    // EPIPE: an overrun; ESTRPIPE: the machine was suspended. Anything else ends the stream.
    guard code == -EPIPE || code == -ESTRPIPE else {
      throw SensingError(subject, streaming: "snd_pcm_readi", errno: -code)
    }
    try check("snd_pcm_recover", calls.recover(pcm, code))
    try check("snd_pcm_start", calls.start(pcm))
    return .overrun
  }
}
