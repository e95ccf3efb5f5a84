import CV4L2
import Glibc
import Vocabulary

extension CameraSettings {
  /// Sets them on an open camera.
  /// - Throws: the first that the camera does not have or does not take.
  func apply(to descriptor: Int32, subject: String, _ calls: CameraCalls) throws(SensingError) {
    func set(_ key: String, _ control: UInt32, _ value: Int) throws(SensingError) {
      try Self.set(key, control, value, descriptor, subject, calls)
    }
    switch exposure {
    case nil: break
    case .automatic:
      // Webcams know aperture priority (3); other drivers, automatic (0).
      do throws(SensingError) {
        try set("exposure", mmx_V4L2_CID_EXPOSURE_AUTO, Int(V4L2_EXPOSURE_APERTURE_PRIORITY.rawValue))
      } catch {
        try set("exposure", mmx_V4L2_CID_EXPOSURE_AUTO, Int(V4L2_EXPOSURE_AUTO.rawValue))
      }
    case .fixed(let time):
      try set("exposure", mmx_V4L2_CID_EXPOSURE_AUTO, Int(V4L2_EXPOSURE_MANUAL.rawValue))
      // Its unit is 100 us.
      try set("exposure", mmx_V4L2_CID_EXPOSURE_ABSOLUTE, max(1, Int(time.count / 100_000)))
    }
    switch gain {
    case nil: break
    case .automatic: try set("gain", mmx_V4L2_CID_AUTOGAIN, 1)
    case .fixed(let value):
      // Not all that have a gain set it by themselves.
      try? set("gain", mmx_V4L2_CID_AUTOGAIN, 0)
      try set("gain", mmx_V4L2_CID_GAIN, value)
    }
    if let powerLine {
      let place = PowerLine.allCases.firstIndex(of: powerLine) ?? 0
      try set("power-line-frequency", mmx_V4L2_CID_POWER_LINE_FREQUENCY, place)
    }
  }

  private static func set(
    _ key: String, _ control: UInt32, _ value: Int, _ descriptor: Int32, _ subject: String,
    _ calls: CameraCalls
  ) throws(SensingError) {
    var query = v4l2_queryctrl()
    query.id = control
    if calls.control(descriptor, mmx_VIDIOC_QUERYCTRL, &query) < 0
      || query.flags & mmx_V4L2_CTRL_FLAG_DISABLED != 0
    {
      throw SensingError(subject, .device(.settingRefused, detail: "\(key): it has no such control"))
    }
    var setting = v4l2_control()
    setting.id = control
    setting.value = Int32(clamping: value)
    let code = calls.control(descriptor, mmx_VIDIOC_S_CTRL, &setting)
    if code >= 0 { return }
    // Gone, or held: that is what is to be told.
    if -code != EINVAL && -code != ERANGE {
      throw SensingError(subject, call: "VIDIOC_S_CTRL \(key)", errno: -code, inUse: true)
    }
    throw SensingError(
      subject,
      .device(.settingRefused, detail: "\(key): it takes \(query.minimum) to \(query.maximum), not \(value)"))
  }
}
