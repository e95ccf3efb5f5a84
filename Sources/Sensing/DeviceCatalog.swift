import CALSA
import CV4L2
import Glibc
import Linux
import Vocabulary

/// What a video device says of itself.
package struct CameraReport: Equatable, Sendable {
  /// The driver's name of it.
  package var card: String
  /// Whether pictures come out of it; codecs and outputs have nodes too.
  package var captures: Bool
  package var offer: CameraOffer

  package init(card: String, captures: Bool, offer: CameraOffer) {
    self.card = card
    self.captures = captures
    self.offer = offer
  }
}

/// The machine's devices, by what their drivers say. No stream is opened, so that nobody who uses one is disturbed.
package enum DeviceCatalog {
  /// The video devices of the system, by their numbers: nodes below `/dev`, and what `/sys` calls them.
  /// - Parameter classes: `/sys/class/video4linux`, or a test's.
  package static func cameras(_ classes: String) -> [(path: String, name: String)] {
    CameraPath.nodes(classes).map { ($0.path, $0.name) }
  }

  /// Asks a driver, which may hang: from a process of its own.
  package static func report(
    of path: String, _ calls: CameraCalls = .system
  ) throws(SensingError) -> CameraReport {
    mmx_v4l2_log_to(fopen("/dev/null", "we"))
    let descriptor = calls.open(path)
    if descriptor < 0 { throw SensingError(path, call: "open", errno: -descriptor, inUse: false) }
    defer { calls.close(descriptor) }
    var capability = v4l2_capability()
    let code = calls.control(descriptor, mmx_VIDIOC_QUERYCAP, &capability)
    if code < 0 { throw SensingError(path, call: "VIDIOC_QUERYCAP", errno: -code, inUse: false) }
    let has = capability.capabilities & mmx_V4L2_CAP_DEVICE_CAPS
    let node = has != 0 ? capability.device_caps : capability.capabilities
    return CameraReport(
      card: withUnsafeBytes(of: capability.card) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
      captures: node & mmx_V4L2_CAP_VIDEO_CAPTURE != 0, offer: CameraOffer(of: descriptor, calls))
  }

  /// Whether ALSA's configuration has a device of this name. It is not opened; a driver may be asked for its card's name.
  package static func isDefined(sound name: String) -> Bool {
    mmx_alsa_silence()
    var top: OpaquePointer?
    guard snd_config_update_ref(&top) >= 0, let top else { return false }
    defer { snd_config_unref(top) }
    var found: OpaquePointer?
    guard snd_config_search_definition(top, "pcm", name, &found) >= 0, let found else { return false }
    snd_config_delete(found)
    return true
  }
}

extension CameraOffer {
  /// What a sensor would get of a camera that offers this.
  package enum Fit: Equatable, Sendable {
    /// Format, columns and rows.
    case native(format: String, width: Int, height: Int)
    /// libv4l2 makes it out of another format that is not compressed.
    case converted
    case none
  }

  /// The choice of a wake (`CameraChoice`), made without one.
  package func fit(_ sensor: SensorConfiguration) -> Fit {
    guard case .image(let width, let height, let channels, let rate) = sensor.kind else { return .none }
    let wish = CameraChoice.Wish(
      width: width, height: height, channels: channels, frameRate: rate,
      format: sensor.cameraSettings.pixelFormat)
    if let best = CameraChoice.ranked(self, wish).first {
      let format = Format(fourCC: best.format.fourCC)
      return .native(format: format.name, width: best.width, height: best.height)
    }
    // A driver that lists nothing may take what it is asked for.
    let hasRaw = formats.isEmpty || formats.contains { !$0.isCompressed }
    return hasRaw && wish.format == nil ? .converted : .none
  }
}
