import Vocabulary

/// What a rig tells the pipeline, one at a time. Events of one moment come in the order of the cases here, and
/// within a case in the order of the sensors.
package enum SensorEvent: Hashable, Sendable {
  /// A sensor changed by itself: it is awake, or it failed. (What `wake` and `sleep` do is in their results.)
  case state(sensor: Int, SensorState)
  /// The sound asked for by `requestSound` is there; `until` is the end of the newest sample.
  case sound(sensor: Int, until: Instant)
  /// The frame asked for by `requestFrame` is there; `captured` is the newest settled frame's time.
  case frame(sensor: Int, captured: Instant)
  /// The device that `requestClosed` was called for is closed.
  case closed(sensor: Int)
  /// The recording is over. From then on `next` says nothing else.
  case ended
  /// The deadline given to `next` has come.
  case deadline
  /// The bell was rung by another thread; look at what it wants.
  case interrupted
}

/// What `copySound` could do.
package struct SoundExtract: Hashable, Sendable {
  /// Samples of the buffer that were never had (overrun, asleep, before the start, not yet there, too long ago).
  /// They are 0 in the buffer; a window with any is not to be trusted.
  package var missing: Int
  /// The end of the last sample copied: the instant asked for, rounded down to a sample and to the grid.
  package var end: Instant
  /// Where the buffer's samples lie in the sensor's stream; nil where it has none.
  package var position: SoundPosition?

  package init(missing: Int, end: Instant, position: SoundPosition? = nil) {
    self.missing = missing
    self.end = end
    self.position = position
  }
}
