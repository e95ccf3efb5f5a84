import CALSA
import Glibc
import Linux
import Vocabulary

/// An open ALSA capture stream: 16-bit mono at the rate asked for, non-blocking.
/// Source: https://www.alsa-project.org/alsa-doc/alsa-lib/pcm.html
struct MicrophoneStream: ~Copyable {
  /// How long a period is asked to be: what a wake of the thread brings. 50 wakes a second cost 0.3 % of a core.
  static let period = Nanoseconds.milliseconds(20)
  /// How long the thread may be held up before sound is lost.
  static let buffer = Nanoseconds.milliseconds(500)

  private let pcm: OpaquePointer
  private let subject: String
  let rate: Int

  private init(owning pcm: OpaquePointer, rate: Int, subject: String) {
    self.pcm = pcm
    self.rate = rate
    self.subject = subject
  }

  /// Opens the device and starts it.
  static func open(device: String, rate: Int, subject: String) throws(SensingError) -> MicrophoneStream {
    mmx_alsa_silence()
    var pcm: OpaquePointer?
    let code = snd_pcm_open(&pcm, device, SND_PCM_STREAM_CAPTURE, Int32(SND_PCM_NONBLOCK))
    guard code == 0, let pcm else {
      throw SensingError(subject, call: "snd_pcm_open", errno: -code, inUse: false)
    }
    let stream = MicrophoneStream(owning: pcm, rate: rate, subject: subject)
    try stream.setHardware()
    try stream.setSoftware()
    try stream.check("snd_pcm_start", snd_pcm_start(pcm))
    return stream
  }

  deinit { snd_pcm_close(pcm) }

  private func setHardware() throws(SensingError) {
    var parameters: OpaquePointer?
    try check("snd_pcm_hw_params_malloc", snd_pcm_hw_params_malloc(&parameters))
    defer { snd_pcm_hw_params_free(parameters) }
    try check("snd_pcm_hw_params_any", snd_pcm_hw_params_any(pcm, parameters))
    try require(
      "interleaved access",
      snd_pcm_hw_params_set_access(pcm, parameters, SND_PCM_ACCESS_RW_INTERLEAVED))
    try require("16-bit samples", snd_pcm_hw_params_set_format(pcm, parameters, SND_PCM_FORMAT_S16))
    try require("one channel", snd_pcm_hw_params_set_channels(pcm, parameters, 1))
    try require("\(rate) Hz", snd_pcm_hw_params_set_rate(pcm, parameters, UInt32(rate), 0))
    var period = UInt32(Self.period.count / 1_000)
    var buffer = UInt32(Self.buffer.count / 1_000)
    var direction: Int32 = 0
    try require("a period", snd_pcm_hw_params_set_period_time_near(pcm, parameters, &period, &direction))
    try require("a buffer", snd_pcm_hw_params_set_buffer_time_near(pcm, parameters, &buffer, &direction))
    try require("these parameters", snd_pcm_hw_params(pcm, parameters))
  }

  private func setSoftware() throws(SensingError) {
    var parameters: OpaquePointer?
    try check("snd_pcm_sw_params_malloc", snd_pcm_sw_params_malloc(&parameters))
    defer { snd_pcm_sw_params_free(parameters) }
    try check("snd_pcm_sw_params_current", snd_pcm_sw_params_current(pcm, parameters))
    try check(
      "snd_pcm_sw_params_set_tstamp_mode",
      snd_pcm_sw_params_set_tstamp_mode(pcm, parameters, SND_PCM_TSTAMP_ENABLE))
    // Refused by plugins that have no clock of their own; their stamps are then checked against ours.
    _ = snd_pcm_sw_params_set_tstamp_type(pcm, parameters, SND_PCM_TSTAMP_TYPE_MONOTONIC)
    try check("snd_pcm_sw_params", snd_pcm_sw_params(pcm, parameters))
  }

  private func check(_ call: String, _ code: Int32) throws(SensingError) {
    if code < 0 { throw SensingError(subject, call: call, errno: -code, inUse: true) }
  }

  private func require(_ what: String, _ code: Int32) throws(SensingError) {
    if code < 0 { throw SensingError(subject, .device(.formatRefused, detail: "not \(what)")) }
  }

  // MARK: Running

  var descriptorCount: Int { max(0, Int(snd_pcm_poll_descriptors_count(pcm))) }

  func fill(_ descriptors: UnsafeMutableBufferPointer<pollfd>) {
    snd_pcm_poll_descriptors(pcm, descriptors.baseAddress, UInt32(descriptors.count))
  }

  /// Lets the plugins look at what poll found (some must read a timer of their own). True on an error or a hang-up.
  func hasError(in descriptors: UnsafeMutableBufferPointer<pollfd>) -> Bool {
    var events: UInt16 = 0
    let code = snd_pcm_poll_descriptors_revents(
      pcm, descriptors.baseAddress, UInt32(descriptors.count), &events)
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

  /// Takes samples that are there into the buffer.
  /// - Throws: when the stream is of no more use.
  func read(
    into buffer: UnsafeMutableBufferPointer<Int16>, clockOffset: Int64
  ) throws(SensingError) -> Chunk {
    // Some plugins tell of an overrun by their state alone and answer 0 samples for ever.
    switch snd_pcm_state(pcm) {
    case SND_PCM_STATE_DISCONNECTED:
      throw SensingError(subject, .device(.unplugged, detail: "disconnected"))
    case SND_PCM_STATE_XRUN: return try recover(-EPIPE)
    case SND_PCM_STATE_SUSPENDED: return try recover(-ESTRPIPE)
    default: break
    }
    let available = snd_pcm_avail_update(pcm)
    if available < 0 { return try recover(Int32(available)) }
    if available == 0 { return .nothing }
    var stamped = snd_pcm_uframes_t(available)
    var stamp = snd_htimestamp_t()
    if snd_pcm_htimestamp(pcm, &stamped, &stamp) < 0 { stamp = snd_htimestamp_t() }
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    let count = snd_pcm_readi(pcm, buffer.baseAddress, min(UInt(available), UInt(buffer.count)))
    if count == -Int(EAGAIN) || count == 0 { return .nothing }
    if count < 0 { return try recover(Int32(count)) }
    let monotonic = Int64(stamp.tv_sec) * 1_000_000_000 + Int64(stamp.tv_nsec)
    let end = bootTime(ofStamp: monotonic, offset: clockOffset, now: now)
    // The stamp is that of the newest sample there; fewer may have been taken.
    let behind = SampleRate(perSecond: rate).duration(of: max(0, Int(stamped) - count))
    return .samples(count, end: end - behind)
  }

  private func recover(_ code: Int32) throws(SensingError) -> Chunk {
    // EPIPE: an overrun; ESTRPIPE: the machine was suspended. Anything else ends the stream.
    guard code == -EPIPE || code == -ESTRPIPE else {
      throw SensingError(subject, call: "snd_pcm_readi", errno: -code, inUse: true)
    }
    try check("snd_pcm_recover", snd_pcm_recover(pcm, code, 1))
    try check("snd_pcm_start", snd_pcm_start(pcm))
    return .overrun
  }
}
