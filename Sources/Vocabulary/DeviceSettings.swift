/// Which of a microphone's channels is heard.
package enum SoundChannel: Hashable, Sendable {
  /// The mean of all.
  case mixed
  /// One of them, from 1.
  case one(Int)

  /// How long sound may be one value: even a quiet room moves the last bit of a working microphone within milliseconds.
  package static let usualStuckAfter = Nanoseconds.seconds(4)
}

/// What becomes of a sensor's device while the sensor sleeps.
package enum SleepMode: String, Hashable, Sendable, CaseIterable {
  /// It is closed: no process holds it.
  case closed
  /// It stays open as it was negotiated, and its stream is stopped: a wake starts it, and a camera settles anew.
  case warm
  /// Its stream runs on, and nothing is made of it: a wake has the newest data at once.
  case hot
}

/// A camera's controls that the configuration sets; nil and none: the camera is left as it is.
package struct CameraSettings: Hashable, Sendable {
  /// By the camera, or by hand.
  package enum Exposure: Hashable, Sendable {
    case automatic
    /// For so long.
    case fixed(Nanoseconds)
  }

  package enum Gain: Hashable, Sendable {
    case automatic
    /// In the camera's own unit.
    case fixed(Int)
  }

  /// What lamps flicker by; exposure is then a multiple of it.
  package enum PowerLine: String, Hashable, Sendable, CaseIterable {
    case off
    case hertz50 = "50"
    case hertz60 = "60"
    case automatic = "auto"
  }

  /// How pixels come, by V4L2's names.
  package enum PixelFormat: String, Hashable, Sendable, CaseIterable {
    case grey, yuyv, nv12, yu12, rgb24, mjpg
  }

  /// Asked for in place of the cheapest.
  package var pixelFormat: PixelFormat?
  package var exposure: Exposure?
  package var gain: Gain?
  package var powerLine: PowerLine?

  package init(exposure: Exposure? = nil, gain: Gain? = nil, powerLine: PowerLine? = nil) {
    self.exposure = exposure
    self.gain = gain
    self.powerLine = powerLine
  }
}
