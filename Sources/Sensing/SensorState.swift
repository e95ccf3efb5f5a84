import Vocabulary

/// Where a sensor stands. A sensor asleep is really off, its device node closed, unless its `SleepMode` keeps it open.
package enum SensorState: Hashable, Sendable {
  case asleep
  /// Told to wake; it has not delivered yet.
  case waking(since: Instant)
  /// Delivering. `since`: the time of the first sample or of the first settled frame.
  case awake(since: Instant)
  /// It cannot deliver. A wake may try it again, not sooner than its backoff allows; it stays failed until it delivers.
  case failed(SensorFault, since: Instant)

  package var isAwake: Bool {
    if case .awake = self { true } else { false }
  }
}

/// Why a sensor cannot deliver. One reason for every way it can fail.
package enum SensorFault: String, Hashable, Sendable, CaseIterable {
  /// No such device or file: never plugged in, another name, or not part of the recording.
  case absent
  /// Another program holds the device.
  case busy
  /// The device is there and may not be opened.
  case permissionDenied
  /// It was there and went away while in use.
  case unplugged
  /// It is there, says nothing is wrong, and delivers nothing.
  case wedged
  /// Its thread has not come back from opening it: the driver hangs.
  case openHung
  /// Its thread has not come back from closing it, or from another call after it was told to: the driver hangs.
  case closeHung
  /// It offers no rate, size or encoding that can be used.
  case formatRefused
  /// It does not have, or does not take, a control that the configuration sets.
  case settingRefused
  /// What it delivers has been the same value for seconds: muted, switched off, or broken.
  case stuck
  /// The bus has no bandwidth left for it (ENOSPC on USB).
  case noBandwidth
  /// The driver or the file reported an error while reading.
  case ioError
  /// A recording's sound or picture is over before the recording is.
  case ended
}
