import CALSA
import Glibc
import Vocabulary

/// What a microphone stream asks of the system: libasound's calls, or what a test puts in their place.
/// Codes are 0 or more, or the negative errno. Source: https://www.alsa-project.org/alsa-doc/alsa-lib/pcm.html
package struct MicrophoneCalls: Sendable {
  /// How a device takes the format asked for.
  package enum Configured: Sendable {
    case accepted
    /// It does not have what is named.
    case lacks(String)
    case error(call: String, code: Int32)
  }

  /// Opens for capture, without blocking.
  package var open: @Sendable (_ device: String, _ pcm: inout OpaquePointer?) -> Int32
  /// 16-bit samples of so many interleaved channels at `rate` in periods of `MicrophoneStream.period`, stamped with the monotonic
  /// clock.
  package var configure: @Sendable (_ pcm: OpaquePointer, _ rate: Int, _ channels: Int) -> Configured
  package var start: @Sendable (_ pcm: OpaquePointer) -> Int32
  /// Stops at once, and makes ready to be started again.
  package var stop: @Sendable (_ pcm: OpaquePointer) -> Int32
  package var close: @Sendable (_ pcm: OpaquePointer) -> Void
  package var descriptorCount: @Sendable (_ pcm: OpaquePointer) -> Int32
  /// What is to be polled.
  package var fill: @Sendable (_ pcm: OpaquePointer, UnsafeMutableBufferPointer<pollfd>) -> Void
  /// What poll's answer means.
  package var events:
    @Sendable (_ pcm: OpaquePointer, UnsafeMutableBufferPointer<pollfd>, inout UInt16) -> Int32
  package var state: @Sendable (_ pcm: OpaquePointer) -> snd_pcm_state_t
  /// Samples that are there.
  package var available: @Sendable (_ pcm: OpaquePointer) -> Int
  /// When the last of so many samples was captured.
  package var timestamp:
    @Sendable (_ pcm: OpaquePointer, inout snd_pcm_uframes_t, inout snd_htimestamp_t) -> Int32
  /// Takes so many samples of each channel, interleaved.
  package var read: @Sendable (_ pcm: OpaquePointer, UnsafeMutablePointer<Int16>?, _ count: Int) -> Int
  /// Makes ready again after an overrun or a suspension.
  package var recover: @Sendable (_ pcm: OpaquePointer, _ code: Int32) -> Int32

  package init(
    open: @escaping @Sendable (String, inout OpaquePointer?) -> Int32,
    configure: @escaping @Sendable (OpaquePointer, Int, Int) -> Configured,
    start: @escaping @Sendable (OpaquePointer) -> Int32,
    stop: @escaping @Sendable (OpaquePointer) -> Int32 = { _ in 0 },
    close: @escaping @Sendable (OpaquePointer) -> Void,
    descriptorCount: @escaping @Sendable (OpaquePointer) -> Int32,
    fill: @escaping @Sendable (OpaquePointer, UnsafeMutableBufferPointer<pollfd>) -> Void,
    events: @escaping @Sendable (OpaquePointer, UnsafeMutableBufferPointer<pollfd>, inout UInt16) -> Int32,
    state: @escaping @Sendable (OpaquePointer) -> snd_pcm_state_t,
    available: @escaping @Sendable (OpaquePointer) -> Int,
    timestamp:
      @escaping @Sendable (OpaquePointer, inout snd_pcm_uframes_t, inout snd_htimestamp_t) -> Int32,
    read: @escaping @Sendable (OpaquePointer, UnsafeMutablePointer<Int16>?, Int) -> Int,
    recover: @escaping @Sendable (OpaquePointer, Int32) -> Int32
  ) {
    self.open = open
    self.configure = configure
    self.start = start
    self.stop = stop
    self.close = close
    self.descriptorCount = descriptorCount
    self.fill = fill
    self.events = events
    self.state = state
    self.available = available
    self.timestamp = timestamp
    self.read = read
    self.recover = recover
  }

  package static let system = MicrophoneCalls(
    open: { device, pcm in
      mmx_alsa_silence()
      return snd_pcm_open(&pcm, device, SND_PCM_STREAM_CAPTURE, Int32(SND_PCM_NONBLOCK))
    },
    configure: { pcm, rate, channels in
      let hardware = setHardware(pcm, rate, channels)
      if case .accepted = hardware { return setSoftware(pcm) }
      return hardware
    },
    start: { snd_pcm_start($0) },
    stop: { pcm in
      let code = snd_pcm_drop(pcm)
      return code < 0 ? code : snd_pcm_prepare(pcm)
    },
    close: { _ = snd_pcm_close($0) },
    descriptorCount: { snd_pcm_poll_descriptors_count($0) },
    fill: { pcm, descriptors in
      _ = snd_pcm_poll_descriptors(pcm, descriptors.baseAddress, UInt32(descriptors.count))
    },
    events: { pcm, descriptors, events in
      snd_pcm_poll_descriptors_revents(pcm, descriptors.baseAddress, UInt32(descriptors.count), &events)
    },
    state: { snd_pcm_state($0) },
    available: { Int(snd_pcm_avail_update($0)) },
    timestamp: { pcm, count, stamp in snd_pcm_htimestamp(pcm, &count, &stamp) },
    read: { pcm, samples, count in Int(snd_pcm_readi(pcm, samples, UInt(max(0, count)))) },
    recover: { pcm, code in snd_pcm_recover(pcm, code, 1) })

  private static func setHardware(_ pcm: OpaquePointer, _ rate: Int, _ channels: Int) -> Configured {
    var parameters: OpaquePointer?
    var code = snd_pcm_hw_params_malloc(&parameters)
    if code < 0 { return .error(call: "snd_pcm_hw_params_malloc", code: code) }
    defer { snd_pcm_hw_params_free(parameters) }
    code = snd_pcm_hw_params_any(pcm, parameters)
    if code < 0 { return .error(call: "snd_pcm_hw_params_any", code: code) }
    if snd_pcm_hw_params_set_access(pcm, parameters, SND_PCM_ACCESS_RW_INTERLEAVED) < 0 {
      return .lacks("interleaved access")
    }
    if snd_pcm_hw_params_set_format(pcm, parameters, SND_PCM_FORMAT_S16) < 0 {
      return .lacks("16-bit samples")
    }
    if snd_pcm_hw_params_set_channels(pcm, parameters, UInt32(channels)) < 0 {
      return .lacks(channels == 1 ? "one channel" : "\(channels) channels")
    }
    if snd_pcm_hw_params_set_rate(pcm, parameters, UInt32(rate), 0) < 0 { return .lacks("\(rate) Hz") }
    var period = UInt32(MicrophoneStream.period.count / 1_000)
    var buffer = UInt32(MicrophoneStream.buffer.count / 1_000)
    var direction: Int32 = 0
    if snd_pcm_hw_params_set_period_time_near(pcm, parameters, &period, &direction) < 0 {
      return .lacks("a period")
    }
    if snd_pcm_hw_params_set_buffer_time_near(pcm, parameters, &buffer, &direction) < 0 {
      return .lacks("a buffer")
    }
    return snd_pcm_hw_params(pcm, parameters) < 0 ? .lacks("these parameters") : .accepted
  }

  private static func setSoftware(_ pcm: OpaquePointer) -> Configured {
    var parameters: OpaquePointer?
    var code = snd_pcm_sw_params_malloc(&parameters)
    if code < 0 { return .error(call: "snd_pcm_sw_params_malloc", code: code) }
    defer { snd_pcm_sw_params_free(parameters) }
    code = snd_pcm_sw_params_current(pcm, parameters)
    if code < 0 { return .error(call: "snd_pcm_sw_params_current", code: code) }
    code = snd_pcm_sw_params_set_tstamp_mode(pcm, parameters, SND_PCM_TSTAMP_ENABLE)
    if code < 0 { return .error(call: "snd_pcm_sw_params_set_tstamp_mode", code: code) }
    // Refused by plugins that have no clock of their own; their stamps are then checked against ours.
    _ = snd_pcm_sw_params_set_tstamp_type(pcm, parameters, SND_PCM_TSTAMP_TYPE_MONOTONIC)
    code = snd_pcm_sw_params(pcm, parameters)
    return code < 0 ? .error(call: "snd_pcm_sw_params", code: code) : .accepted
  }
}
