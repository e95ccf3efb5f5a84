import Glibc
import Vocabulary

extension SensorFault {
  /// - Parameters:
  ///   - code: an errno, positive.
  ///   - inUse: the device had been opened, so that its absence means it went away.
  init(errno code: Int32, inUse: Bool) {
    self =
      switch code {
      case ENODEV, ENXIO, ENOENT: inUse ? .unplugged : .absent
      case EBUSY: .busy
      case EACCES, EPERM: .permissionDenied
      case EINVAL, ENOTTY: .formatRefused
      case ENOSPC: .noBandwidth
      default: .ioError
      }
  }
}

extension SensingError {
  /// A refusal in the midst of a stream: a call that was taken before is refused by no format.
  init(_ subject: String, streaming call: String, errno code: Int32) {
    self.init(subject, call: call, errno: code, inUse: true)
    guard case .device(.formatRefused, let detail) = kind else { return }
    self = SensingError(subject, .device(.ioError, detail: detail))
  }

  /// A device's refusal: the call, and the kernel's or the library's word for its errno.
  init(_ subject: String, call: String, errno code: Int32, inUse: Bool) {
    let fault = SensorFault(errno: code, inUse: inUse)
    self.init(subject, .device(fault, detail: "\(call): \(String(cString: strerror(code)))"))
  }
}

/// A driver's monotonic stamp on CLOCK_BOOTTIME; `now` where the stamp cannot be true.
/// - Parameter offset: what the boot time is ahead of the monotonic clock.
func bootTime(ofStamp monotonic: Int64, offset: Int64, now: Instant) -> Instant {
  // Wrapping: a driver may leave any number there.
  let stamped = Instant(sinceBoot: monotonic &+ offset)
  // Drivers that do not stamp leave 0 or another clock's time; none holds data back for longer than this.
  let age = Nanoseconds(now.sinceBoot &- stamped.sinceBoot)
  return age < .zero || age > .seconds(5) || stamped > now ? now : stamped
}
