import Glibc
import Linux

/// What is wrong with a recording, a file or a device: one line that says where, what, and what to do.
package struct SensingError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Equatable, Sendable {
    /// The kernel refused.
    case system(LinuxError)
    /// The file has no bytes.
    case empty
    /// The file is not what its reader reads.
    case wrongType(expected: String)
    /// The file ends before what it promised.
    case truncated(promised: Int, found: Int)
    /// A field of the file cannot be true.
    case malformed(String)
    /// A form of the file's type that is not read here; `use` says which is.
    case unsupported(String, use: String)
    /// The sound's rate is not the one wanted.
    case wrongRate(found: Int, wanted: Int)
    /// More than the bounds of `SensingLimits`.
    case tooLarge(String)
    /// A device that cannot deliver; `detail` is the driver's own word for it.
    case device(SensorFault, detail: String)
    /// A recording has nothing under this sensor's name.
    case notRecorded
    /// The configuration asks for what cannot be.
    case configuration(String)
  }

  /// The path, or the sensor's name and device.
  package let subject: String
  package let kind: Kind

  package init(_ subject: String, _ kind: Kind) {
    self.subject = subject
    self.kind = kind
  }

  package var description: String { "\(subject): \(reason)" }

  private var reason: String {
    switch kind {
    case .system(let error): "\(error.reason) (\(error.call)); \(error.remedy)"
    case .empty: "the file is empty; record or copy it again"
    case .wrongType(let expected): "not \(expected); give a file of that type"
    case .truncated(let promised, let found):
      "cut short: \(promised) bytes promised, \(found) there; record or copy it again"
    case .malformed(let what): "damaged: \(what); record or convert it again"
    case .unsupported(let what, let use): "\(what) is not read here; convert it to \(use)"
    case .wrongRate(let found, let wanted):
      "sound at \(found) Hz where \(wanted) Hz is wanted; resample it (sox IN -r \(wanted) OUT)"
    case .tooLarge(let what): "\(what); use a smaller one"
    case .device(let fault, let detail):
      detail.isEmpty ? "\(fault.meaning); \(fault.remedy)" : "\(fault.meaning) (\(detail)); \(fault.remedy)"
    case .notRecorded: "not in the recording; \(SensorFault.absent.remedyInReplay)"
    case .configuration(let what): "\(what); correct the configuration"
    }
  }
}

extension LinuxError {
  fileprivate var remedy: String {
    switch errno {
    case ENOENT, ENOTDIR: "check the path"
    case EACCES, EPERM: "give the user read access to it"
    case EISDIR: "name a file in it"
    case LinuxError.notRegular: fileRemedy
    case EMFILE, ENFILE: "raise the limit of open files"
    default: "check the disk and the file system"
    }
  }
}

extension SensorFault {
  /// Half a line for people.
  package var meaning: String {
    switch self {
    case .absent: "no such device"
    case .busy: "held by another program"
    case .permissionDenied: "may not be opened"
    case .unplugged: "went away while in use"
    case .wedged: "delivers nothing"
    case .openHung: "its driver does not return from opening it"
    case .closeHung: "its driver does not return from closing it"
    case .formatRefused: "offers no usable format"
    case .settingRefused: "does not take a setting"
    case .stuck: "delivers no sound, only one value"
    case .noBandwidth: "the bus has no bandwidth left"
    case .ioError: "the driver reported an error"
    case .ended: "its recording is over"
    }
  }

  /// What to do about it.
  package var remedy: String {
    switch self {
    case .absent: "plug it in or name another device in the configuration"
    case .busy: "end the program that holds it (fuser -v DEVICE)"
    case .permissionDenied: "add the daemon's user to the group of the device node (audio, video)"
    case .unplugged: "plug it in again; it is tried again by itself"
    case .wedged: "plug it out and in again; it is tried again by itself"
    case .openHung, .closeHung:
      "plug it out and in again, or restart what serves it; it is tried again by itself"
    case .formatRefused: "name another device, or plughw: instead of hw: for sound"
    case .settingRefused:
      "correct that key or take it out of the sensor's section (v4l2-ctl -L shows controls)"
    case .stuck:
      "switch it on and unmute it (alsamixer, F4), or set stuck-after = 0s where it is silent by design; it is tried again by itself"
    case .noBandwidth: "use another USB port or a smaller picture"
    case .ioError: "look into the kernel's log (dmesg); it is tried again by itself"
    case .ended: "record all sensors for the same time"
    }
  }

  /// What to do about it where no device is: a recording is replayed.
  package var remedyInReplay: String {
    switch self {
    case .absent: "record it too, or replay with a model that does without it"
    case .ended: remedy
    default: "copy the recording again; the daemon's log names the file"
    }
  }
}
